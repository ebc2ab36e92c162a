"""Put back the rules of security groups that somebody took away just before the symptom, as CloudTrail recorded them.

Only what was taken away, only in groups that the configuration names, and by approval: it may be a containment. A rule
that was added breaks no path, so none is ever taken away here but what it put back itself. A rule that was revoked by
its id alone cannot be put back, for the event then holds nothing of what it said: that is left to the network team.

Sources: AWS's pages "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DescribeSecurityGroups".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from responder.actions import Action, Declined, Plan, RemediationContext, asking
from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.service import Service
from responder.model.shown import shown
from responder.plan.remedies.restore_security_group import REMEDY, Before, Facts, Parameters, summary
from responder.plan.security_rules import TARGETS, Permission, RuleChange
from responder.sources import Statement

_FINAL = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidPermission.Malformed",
                    "RulesPerSecurityGroupLimitExceeded", "InvalidParameterValue", "InvalidParameterCombination"})

Planned = Plan[Before, Parameters]


class _Rule(NamedTuple):
    """One rule for one target."""

    protocol: str
    first: int
    """-1: any port."""
    last: int
    target: str


def plan(context: RemediationContext, facts: Facts) -> Planned | Declined:
    """Say which rules are missing and would be put back; see ``Action.plan``."""
    taken = [rule for rule in facts.revoked if rule.group in context.service.aws.security_groups]
    if not taken:
        return Declined("security group", "put back what was taken from a security group",
                        "no rule is known that was taken from a group that may be changed")
    target = f"security-group/{taken[0].group}"
    missing = tuple(replace(rule, permissions=permissions) for rule in taken if (permissions := _missing(rule)))
    if not missing:
        return Declined(target, summary(taken), "the rules are there again")
    lines = [line for rule in missing for line in (
        f"  security-group/{rule.group} {rule.direction}", *(f"+ {text}" for text in rule.sentences))]
    return Plan(target, summary(missing), Before(missing), Parameters(missing), shown("\n".join(lines)))


def apply(context: RemediationContext, plan: Planned) -> str:
    """Put the rules back; one that is there already is left alone, so a repeat does nothing."""
    done = False
    for rule in plan.parameters.rules:
        if permissions := _missing(rule):
            _authorize(rule, permissions)
            done = True
    return plan.summary if done else f"{plan.summary}: it was done before"


def revert(context: RemediationContext, plan: Planned) -> str:
    """Take away again what was put back, and nothing else."""
    for rule in plan.parameters.rules:
        gone = _missing(rule)
        there = [one for permission in rule.permissions for one in permission.split() if one not in gone]
        if there:
            _revoke(rule, there)
    return f"{plan.summary}: taken back"


def _missing(rule: RuleChange) -> tuple[Permission, ...]:
    """Return the parts of a rule that the group does not have now, one range, list or group each."""
    there = _rules(rule)
    return tuple(one for permission in rule.permissions for one in permission.split()
                 if not there.issuperset(_keys(one)))


def _rules(rule: RuleChange) -> set[_Rule]:
    """Return the rules that a group has now, of the direction of a change."""
    with asking("EC2", _FINAL):
        found = aws.client("ec2").describe_security_groups(GroupIds=[rule.group])["SecurityGroups"]
    if not found:
        raise CallFailed("empty", f"EC2 knows no security group {rule.group}")
    name = "IpPermissions" if rule.direction == "ingress" else "IpPermissionsEgress"
    return {_Rule(str(one.get("IpProtocol", "-1")), int(one.get("FromPort", -1)), int(one.get("ToPort", -1)),
                  str(item[value]))
            for one in found[0].get(name, []) for list_, value in TARGETS.items() for item in one.get(list_, ())
            if value in item}


def _authorize(rule: RuleChange, permissions: Iterable[Permission]) -> None:
    ec2, given = aws.client("ec2"), [permission.to_ec2() for permission in permissions]
    # What is not final (a duplicate, for somebody did it at the same moment) is looked at anew by the next try.
    with asking("EC2", _FINAL):
        if rule.direction == "ingress":
            ec2.authorize_security_group_ingress(GroupId=rule.group, IpPermissions=given)
        else:
            ec2.authorize_security_group_egress(GroupId=rule.group, IpPermissions=given)


def _revoke(rule: RuleChange, permissions: Iterable[Permission]) -> None:
    ec2, given = aws.client("ec2"), [permission.to_ec2() for permission in permissions]
    with asking("EC2", _FINAL):
        if rule.direction == "ingress":
            ec2.revoke_security_group_ingress(GroupId=rule.group, IpPermissions=given)
        else:
            ec2.revoke_security_group_egress(GroupId=rule.group, IpPermissions=given)


def _keys(permission: Permission) -> Iterator[_Rule]:
    ports = (-1 if port is None else port for port in (permission.first, permission.last))
    first, last = ports
    return (_Rule(permission.protocol, first, last, target.id) for target in permission.targets)


def _statements(service: Service) -> tuple[Statement, ...]:
    groups = service.aws.security_groups
    return (Statement(("ec2:DescribeSecurityGroups",), ("*",), why_all=(
        "ec2:DescribeSecurityGroups knows no resources (Service Authorization Reference, Amazon EC2)")),
        Statement(("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
                   "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"),
                  tuple(f"arn:{{partition}}:ec2:{{region}}:{{account}}:security-group/{group}"
                        for group in groups))) if groups else ()


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=_statements,
)
