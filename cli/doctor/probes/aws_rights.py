"""Whether IAM would allow what each source, ledger and remedy asks of AWS: a simulation with the function's own role.

Source: the IAM API Reference's pages "SimulatePrincipalPolicy" and "EvaluationResult". Since 2026 one result an action
is the most restrictive over all resources, so a statement's resources are asked together, and each on its own where it
is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, side_by_side
from responder import actions, sources
from responder.model.service import Service
from responder.sources import Statement
from stacks import elsewhere
from stacks.network import Unit, action_units, ledger_units, source_units

LIMITS = ("a simulation does not see resource policies (keys, secrets, buckets), conditions of the organization's "
          "service control policies, endpoint policies, or whether the resource is there")
_AT_ONCE, _ATTEMPTS = 4, 8
"""IAM throttles simulations soon, and there are a hundred."""


@dataclass(frozen=True)
class Decision:
    """What IAM would say to one action."""

    action: str
    resources: tuple[str, ...]
    said: str
    """``allowed``, ``implicitDeny`` or ``explicitDeny``."""
    boundary: bool = False
    """Whether a permissions boundary does not allow it."""
    organization: bool = False
    """Whether the organization's policies do not allow it."""


def _look(here: Surroundings) -> Iterable[Check]:
    account, wanted = here.account, dict[str, list[Statement]]()
    for service in here.services:
        for function, statements in declared(service, here):
            wanted.setdefault(function, []).extend(statements)
    account.client("iam", attempts=_ATTEMPTS), account.client("lambda")
    found = side_by_side({f"rights of {function}": partial(_of, account, function, list(dict.fromkeys(statements)))
                          for function, statements in sorted(wanted.items()) if statements}, _AT_ONCE)
    fine = [check for check in found if check.verdict == "well"]
    yield from (check for check in found if check not in fine)
    if fine:
        yield well(f"rights of {len(fine)} functions", f"IAM would allow all that they declare; {LIMITS}")


def declared(service: Service, here: Surroundings) -> Iterator[tuple[str, list[Statement]]]:
    """Yield the functions that look after a service, with what each declares to need in the responder's account."""
    prefix = service.prefix

    def placed(unit: Unit, ending: str, own: Sequence[Statement], names: Sequence[str], more: Sequence[Statement] = ()
               ) -> tuple[str, list[Statement]]:
        return prefix + ending, [*elsewhere.placed(service, ending, own), *more, *(Statement(
            ("secretsmanager:GetSecretValue",),
            (f"arn:{{partition}}:secretsmanager:{{region}}:{{account}}:secret:{name}-??????",)) for name in names)]

    switch = Statement(("ssm:GetParameter",), (
        f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter{service.kill_switch}",))
    for unit in source_units(here.every):
        if service in unit.services:
            source = sources.load(unit.name)
            yield placed(unit, elsewhere.suffix("source", unit), elsewhere.asked(source, service, here.settings),
                         source.secrets(service))
    for unit in action_units(here.every):
        if service in unit.services:
            yield placed(unit, elsewhere.suffix("action", unit), actions.find(unit.name).statements(service), (),
                         (switch,))
    for unit in ledger_units(here.every):
        if service in unit.services:
            yield placed(unit, elsewhere.ledger_suffix(unit), sources.load("changes").statements(service), ())


def _of(account: Account, function: str, statements: Sequence[Statement]) -> Iterator[Check]:
    with account.asking("lambda"):
        try:
            role = str(account.client("lambda").get_function_configuration(FunctionName=function)["Role"])
        except ClientError as error:
            if not is_missing(error):
                raise
            return  # The probe of sources, or of the stack, says so.
    refused = [decision for statement in statements for decision in _simulated(
        account, role, statement.actions, [filled(resource, account) for resource in statement.resources])
        if decision.said != "allowed"]
    yield judged(function, role, refused)


def filled(resource: str, account: Account) -> str:
    """Return an ARN of the account for one of a statement; a name stands for what a pattern leaves open."""
    if resource == "*":
        return resource
    arn = resource.format(partition=account.partition, region=account.region, account=account.id)
    return arn.replace("??????", "AbCdEf").replace("*", "doctor")


def _simulated(account: Account, role: str, names: Sequence[str], resources: Sequence[str]) -> list[Decision]:
    """Return what IAM would say; where several resources are not all allowed, to each one alone."""
    found: list[Decision] = []
    with account.asking("iam"):
        pages = account.client("iam", attempts=_ATTEMPTS).get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=role, ActionNames=list(names), ResourceArns=list(resources))
        for page in pages:
            found += [Decision(
                result["EvalActionName"], tuple(resources), result["EvalDecision"],
                result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False,
                result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False)
                for result in page["EvaluationResults"]]
    if len(resources) > 1 and any(decision.said != "allowed" for decision in found):
        return [decision for resource in resources for decision in _simulated(account, role, names, [resource])]
    return found


def judged(function: str, role: str, refused: Sequence[Decision]) -> Check:
    """Judge one function by what IAM would refuse it."""
    subject = f"rights of {function}"
    if not refused:
        return well(subject, "IAM would allow all that it declares")
    said = "; ".join(f"{decision.action} on {_short(decision.resources)}{_why(decision)}" for decision in refused[:6])
    more = f", and {len(refused) - 6} more" if len(refused) > 6 else ""
    bounded = any(decision.boundary or decision.organization for decision in refused)
    return broken(subject, f"IAM would refuse it {said}{more}", (
        f"allow it in the permissions boundary or the organization's policy, or deploy again: make deploy ({role})"
        if bounded else f"somebody has changed the role {role.rpartition('/')[2]}: deploy again: make deploy; if the "
                        "stack does not see a change, put the policy back by hand"))


def _short(resources: Sequence[str]) -> str:
    return ", ".join(re.sub(r"^arn:[^:]*:[^:]*:[^:]*:[^:]*:", "", resource) for resource in resources[:2])


def _why(decision: Decision) -> str:
    reasons = [said for is_so, said in (
        (decision.boundary, "the permissions boundary does not allow it"),
        (decision.organization, "the organization does not allow it"),
        (decision.said == "explicitDeny", "a policy denies it")) if is_so]
    return f" ({', '.join(reasons)})" if reasons else ""


PROBE = Probe("aws-rights", "the functions' rights in AWS, by simulation", _look,
              ("iam:SimulatePrincipalPolicy", "lambda:GetFunctionConfiguration"), seconds=90.0)
