"""Restore rules of security groups that somebody revoked just before the symptom: which rules CloudTrail recorded."""

from __future__ import annotations

from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.remedies import Considered, Remedy
from responder.plan.security_rules import RuleChange, rules_changed


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
    undoes_change=True,
)
