"""Put back the rules of security groups that somebody took away just before the symptom, as CloudTrail recorded them.

Only what was taken away, only in groups that the configuration names, and by approval: it may be a containment. A rule
that was added breaks no path, so none is ever taken away here but what it put back itself. A rule that was revoked by
its id alone cannot be put back, for the event then holds nothing of what it said: that is left to the network team.

Sources: AWS's pages "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DescribeSecurityGroups".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from responder.actions import Action, Case, Plan, asking
from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.shown import shown
from responder.sources import Statement

_LISTS = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_WHOM = ("CidrIp", "CidrIpv6", "PrefixListId", "GroupId")
_FINAL = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidPermission.Malformed",
                    "RulesPerSecurityGroupLimitExceeded", "InvalidParameterValue", "InvalidParameterCombination"})


def plan(case: Case) -> Plan:
    """Say which rules are missing and would be put back; see ``Action.plan``."""
    taken = [rule for rule in case.facts.get("revoked", []) if rule["group"] in case.service.aws.security_groups]
    target = f"security-group/{taken[0]['group']}" if taken else "security group"
    if not taken:
        return Plan(target, "put back what was taken from a security group",
                    refusal="no rule is known that was taken from a group that may be changed")
    missing = [{**rule, "permissions": _missing(rule)} for rule in taken]
    missing = [rule for rule in missing if rule["permissions"]]
    lines = [line for rule in missing for line in (
        f"  security-group/{rule['group']} {rule['direction']}", *(f"+ {text}" for text in _texts(rule)))]
    return Plan(target, "put back what was taken from " + ", ".join(dict.fromkeys(
        f"security group {rule['group']}" for rule in taken)), diff=shown("\n".join(lines)),
        before={"missing": missing}, parameters={"rules": missing},
        refusal="" if missing else "the rules are there again")


def apply(case: Case, plan: Plan) -> str:
    """Put the rules back; one that is there already is left alone, so a repeat does nothing."""
    done = [_change("authorize", rule, permissions) for rule in plan.parameters["rules"]
            if (permissions := _missing(rule))]
    return plan.summary if done else f"{plan.summary}: it was done before"


def revert(case: Case, plan: Plan) -> str:
    """Take away again what was put back, and nothing else."""
    for rule in plan.parameters["rules"]:
        gone = _missing(rule)
        there = [permission for permission in rule["permissions"] for permission in _each(permission)
                 if permission not in [one for item in gone for one in _each(item)]]
        if there:
            _change("revoke", rule, there)
    return f"{plan.summary}: taken back"


def _missing(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a rule that the group does not have now, one range, list or group each."""
    name = "IpPermissions" if rule["direction"] == "ingress" else "IpPermissionsEgress"
    there = {key for permission in _group(rule["group"]).get(name, []) for key in _keys(permission)}
    return [one for permission in rule["permissions"] for one in _each(permission)
            if not there.issuperset(_keys(one))]


def _group(identifier: str) -> dict[str, Any]:
    with asking("EC2", _FINAL):
        found = aws.client("ec2").describe_security_groups(GroupIds=[identifier])["SecurityGroups"]
    if not found:
        raise CallFailed("empty", f"EC2 knows no security group {identifier}")
    return dict(found[0])


def _change(what: str, rule: Mapping[str, Any], permissions: Sequence[Mapping[str, Any]]) -> bool:
    call = getattr(aws.client("ec2"), f"{what}_security_group_{rule['direction']}")
    # What is not final (a duplicate, for somebody did it at the same moment) is looked at anew by the next try.
    with asking("EC2", _FINAL):
        call(GroupId=rule["group"], IpPermissions=list(permissions))
    return True


def _each(permission: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Split a permission, so that each part has one source or destination."""
    rest = {key: value for key, value in permission.items() if key not in _LISTS}
    for name in _LISTS:
        for item in permission.get(name, ()):
            yield {**rest, name: [item]}


def _keys(permission: Mapping[str, Any]) -> Iterator[tuple[str, int, int, str]]:
    for one in _each(permission):
        item = next(one[name][0] for name in _LISTS if name in one)
        yield (str(one.get("IpProtocol", "-1")), int(one.get("FromPort", -1)), int(one.get("ToPort", -1)),
               next(str(item[name]) for name in _WHOM if name in item))


def _texts(rule: Mapping[str, Any]) -> list[str]:
    return [f"{'any protocol' if protocol == '-1' else protocol}"
            f"{'' if first < 0 else f' {first}' if first == last else f' {first} to {last}'}"
            f" {'from' if rule['direction'] == 'ingress' else 'to'} {whom}"
            for permission in rule["permissions"] for protocol, first, last, whom in _keys(permission)]


ACTION = Action(
    name="restore_security_group",
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=lambda service: (
        (Statement(("ec2:DescribeSecurityGroups",), ("*",), why_all=(
            "ec2:DescribeSecurityGroups knows no resources (Service Authorization Reference, Amazon EC2)")),
         Statement(("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
                    "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"),
                   tuple(f"arn:{{partition}}:ec2:{{region}}:{{account}}:security-group/{group}"
                         for group in service.aws.security_groups)))
        if service.aws.security_groups else ()),
)
