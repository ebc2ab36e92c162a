"""Whether the state machine is there, and its alias leads to the version that was deployed last.

Source: the Step Functions Developer Guide's page "State machine aliases".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.account import is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings


def _look(here: Surroundings) -> Iterable[Check]:
    account, stack = here.account, here.account.stack
    machine, alias = stack.output("StateMachine"), stack.output("Live")
    client = account.client("stepfunctions")
    with account.asking("stepfunctions"):
        try:
            status = str(client.describe_state_machine(stateMachineArn=machine)["status"])
        except ClientError as error:
            if not is_missing(error):
                raise
            return [broken("state machine", f"{machine} is gone: no alarm starts anything",
                           "deploy again: make deploy")]
        try:
            described = client.describe_state_machine_alias(stateMachineAliasArn=alias)
        except ClientError as error:
            if not is_missing(error) and "alias" not in str(error).lower():
                raise
            described = None
    versions = [resource.physical for resource in stack.of("AWS::StepFunctions::StateMachineVersion")]
    return [_status(status), judged(alias, described, versions)]


def _status(status: str) -> Check:
    if status == "ACTIVE":
        return well("state machine", "active")
    return broken("state machine", f"it is {status}", "deploy again: make deploy")


def judged(alias: str, described: Mapping[str, Any] | None, versions: Sequence[str]) -> Check:
    """Judge the alias that alarms start; ``versions`` are those that the stack has published last."""
    name = alias.rpartition(":")[2]
    subject = f"state machine's alias {name}"
    if described is None:
        return broken(subject, "it is gone: alarms and people start it, so nothing can be started",
                      "deploy again: make deploy")
    routes = [(str(route["stateMachineVersionArn"]), int(route["weight"]))
              for route in described.get("routingConfiguration", [])]
    if not routes:
        return broken(subject, "it leads nowhere", "deploy again: make deploy")
    leads = " and ".join(f"version {version.rpartition(':')[2]}" for version, _ in routes)
    if versions and {version for version, _ in routes} != set(versions):
        newest = ", ".join(version.rpartition(":")[2] for version in versions)
        return broken(subject, f"it leads to {leads}, and the stack's is version {newest}: somebody has moved it",
                      f"aws stepfunctions update-state-machine-alias --state-machine-alias-arn {alias} "
                      f"--routing-configuration stateMachineVersionArn={versions[0]},weight=100")
    return well(subject, f"it leads to {leads}, which was deployed last")


PROBE = Probe("state-machine", "the state machine and its alias", _look,
              ("states:DescribeStateMachine", "states:DescribeStateMachineAlias"))
