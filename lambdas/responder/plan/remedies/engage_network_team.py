"""Give the network team a task: which evidence and which commands it needs."""

from __future__ import annotations

from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.remedies import Considered, Nothing, Remedy
from responder.plan.security_rules import rules_changed, undoing


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """What the team is told."""

    evidence: tuple[str, ...] = ()
    """Sentences."""
    undoing: tuple[str, ...] = ()
    """Commands that undo what changed in AWS' network."""


@dataclass(frozen=True)
class Parameters:
    """The task."""

    text: str


def facts(considered: Considered) -> Facts:
    """Collect the evidence, and the commands that undo what changed."""
    changed = rules_changed(considered.onset, considered.evidence) if considered.mechanism == "path_below" else []
    return Facts(considered.hypothesis.evidence_for, tuple(undoing(changed)))


REMEDY = Remedy(
    name="engage_network_team",
    phrase="task for the network team",
    facts=facts,
    kinds=(Facts, Nothing, Parameters),
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=True,
    audience="network_team",
    task_for="network",
)
