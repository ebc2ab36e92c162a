"""Changes of the time just before a symptom, of which one may have brought it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from responder.model.change import Change, FieldChange
from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.finding import untyped
from responder.model.service import Service
from responder.plan import changes as ledger
from responder.plan import observe
from responder.plan.times import just_before

if TYPE_CHECKING:
    from responder.plan.diagnose import Hypothesis


def changes_before(onset: float | None, evidence: Evidence) -> Iterator[Change]:
    """Yield the changes that may have brought a symptom by their time, oldest first."""
    return (change for finding in evidence.of(Changes) for change in finding.detail.changes
            if just_before(change, onset))


def means(service: Service, hypothesis: Hypothesis, change: Change) -> str:
    """Return the observation that a change is for a hypothesis; empty where it has nothing to do with it."""
    return observe.meaning(service, hypothesis.component, hypothesis.where, _plain(change))


def elsewhere(service: Service, hypothesis: Hypothesis, change: Change, evidence: Evidence) -> bool:
    """Whether a NetworkPolicy is known to select no pod at either end of the calls that fail."""
    return observe.selects_others(service, hypothesis.component, hypothesis.where, _plain(change), untyped(evidence))


def less_cpu(field: FieldChange) -> bool:
    """Whether a change of one field takes CPU from a container."""
    return observe.less_cpu(field.to_wire())


def in_effect(field: FieldChange) -> bool:
    """Whether the change of one database parameter took effect at once, and does more than write logs or count."""
    return ledger.in_effect(field.to_wire())


def _plain(change: Change) -> ledger.Change:
    # While ``plan/changes.py`` has a type of its own.
    return ledger.Change.from_json(change.to_json())
