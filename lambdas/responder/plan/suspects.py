"""Changes of the time just before a symptom, of which one may have brought it."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.change import Change
from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.writers import by_controller
from responder.plan.times import just_before


def changes_before(onset: float | None, evidence: Evidence) -> Iterator[Change]:
    """Yield the changes that may have brought a symptom by their time, oldest first; none that a controller made."""
    return (change for finding in evidence.of(Changes) for change in finding.detail.changes
            if just_before(change, onset) and not by_controller(change))
