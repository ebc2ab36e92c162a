"""Whether every function of the stack can run: its state, its concurrency, and the account's room for it.

Sources: the Lambda API Reference's pages "GetFunction", "GetAccountSettings" and "FunctionConfiguration".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.account import is_missing
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings, side_by_side

_KIND = "AWS::Lambda::Function"
_NEW_ACCOUNT = 50
"""An account that may run fewer functions at once than this throttles the responder in an incident."""


def _look(here: Surroundings) -> Iterable[Check]:
    # CDK's own helpers have functions, too; the responder's are named after the deployment.
    names = [resource.physical for resource in here.account.stack.of(_KIND)
             if resource.physical.startswith(here.settings.prefix)]
    here.account.client("lambda")
    checks = side_by_side({f"function {name}": partial(_of, here, name) for name in names} | {
        "concurrency of the account": partial(_room, here)})
    return summed(checks)


def _of(here: Surroundings, name: str) -> Iterator[Check]:
    with here.account.asking("lambda"):
        try:
            yield judged(name, here.account.client("lambda").get_function(FunctionName=name))
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"function {name}", "it is gone, although the stack has it", "deploy again: make deploy")


def judged(name: str, described: Mapping[str, Any]) -> Check:
    """Judge what GetFunction says of one function."""
    subject, settings = f"function {name}", described["Configuration"]
    reserved = described.get("Concurrency", {}).get("ReservedConcurrentExecutions")
    if reserved == 0:
        return broken(subject, "it is throttled: its reserved concurrency is 0, so it never runs",
                      f"aws lambda delete-function-concurrency --function-name {name}, or deploy again: make deploy")
    state = str(settings.get("State") or "Active")
    if state in ("Failed", "Inactive"):
        return broken(subject, f"it is {state}: {settings.get('StateReason', 'no reason given')}",
                      "deploy again: make deploy")
    if settings.get("LastUpdateStatus") == "Failed":
        return broken(subject, f"its last update failed: {settings.get('LastUpdateStatusReason', 'no reason given')}",
                      "deploy again: make deploy")
    return well(subject, state)


def _room(here: Surroundings) -> Iterator[Check]:
    with here.account.asking("lambda"):
        limits = here.account.client("lambda").get_account_settings()["AccountLimit"]
    most, left = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    subject = "concurrency of the account"
    if most < _NEW_ACCOUNT:
        yield broken(subject, f"only {most} functions may run at once in this account and Region: an incident asks "
                     "more than a dozen sources at once", "ask for more: aws service-quotas "
                     "request-service-quota-increase "
                     "--service-code lambda --quota-code L-B99A9384 --desired-value 1000")
    else:
        yield well(subject, f"{most} at once, {left} of them unreserved")


def summed(checks: Iterable[Check]) -> list[Check]:
    """Return the checks with one for all functions that are well, because there are dozens."""
    found = list(checks)
    fine = [check for check in found if check.verdict == "well" and check.subject.startswith("function ")]
    rest = [check for check in found if check not in fine]
    if not fine and not rest:
        return [note("functions", "the stack has none")]
    return [*rest, *([well(f"{len(fine)} functions", "active, and not throttled")] if fine else [])]


PROBE = Probe("functions", "the functions, and the room to run them", _look,
              ("lambda:GetFunction", "lambda:GetAccountSettings"))
