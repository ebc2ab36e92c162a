"""Restore rules of security groups that somebody revoked just before the symptom: which rules CloudTrail recorded."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.deeds import Deed, Site, text
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.security_rules import RuleChange, rules_changed
from responder.plan.wording import clock, listed


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The rules that were revoked, newest first."""

    revoked: tuple[RuleChange, ...] = ()


@dataclass(frozen=True)
class Before:
    """What the groups lacked."""

    missing: tuple[RuleChange, ...] = ()


@dataclass(frozen=True)
class Parameters:
    """The rules that are restored."""

    rules: tuple[RuleChange, ...] = ()


def facts(considered: Considered) -> Facts:
    """Collect the rules that were revoked just before the symptom; only a path below Kubernetes comes by them."""
    changed = rules_changed(considered.onset, considered.evidence) if considered.mechanism == "path_below" else []
    return Facts(tuple(rule for rule in changed if rule.revoked))


def against(considered: Considered, facts: Facts) -> str:
    """It changes only the groups that the configuration names."""
    if {rule.group for rule in facts.revoked} & set(considered.service.aws.security_groups):
        return ""
    return "no rule is known to have been taken from a security group that it may change"


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The rules that are let in again, and EC2's calls for it."""
    rules = record.parameters.rules

    def calls(verb: str) -> tuple[str, ...]:
        return tuple(site.aws("ec2", f"{verb}-security-group-{rule.direction}", "--group-id", rule.group,
                              "--ip-permissions", text([one.to_ec2() for one in rule.permissions])) for rule in rules)

    said = listed([sentence for rule in rules for sentence in rule.sentences])
    groups = listed(list(dict.fromkeys(rule.group for rule in rules)))
    return Deed(f"Let {said} through the security group {groups} again", calls("authorize"), calls("revoke"))


def summary(rules: Sequence[RuleChange]) -> str:
    """Say which rules are put back, and who took them away and when; not where that is not known."""
    return listed([f"let {listed(rule.sentences)} through security group {rule.group} again (taken away"
                   + (f" {clock(rule.at)} UTC" if rule.at else "") + (f" by {rule.by}" if rule.by else "") + ")"
                   for rule in rules])


REMEDY = Remedy(
    name="restore_security_group",
    phrase="restore of the security group",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    against=against,
    deed=deed,
    undoes_change=True,
)
