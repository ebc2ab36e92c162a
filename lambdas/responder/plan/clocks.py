"""Clocks that differ: what says that it happened after it was asked about has a clock that is ahead.

Remedies that undo a change stand on when it was made. Of a clock that is ahead a change seems to come after the symptom
that it caused, and something else is blamed.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.evidence.rollouts import Rollouts
from responder.model.evidence.trail import Trail
from responder.plan.wording import duration

AHEAD_SECONDS = 60.0
"""Three times what clocks may differ without a word (``plan/times.py:CLOCK_SECONDS``)."""


def ahead(evidence: Evidence) -> str:
    """Return that the cluster or CloudTrail tells of the future, as a sentence; empty where neither does."""
    for whose, asked_at, times in _dated(evidence):
        by = max(times, default=asked_at) - asked_at
        if by > AHEAD_SECONDS:
            return (f"{whose} clock is at least {duration(by)} ahead, for it tells of a change that is still to "
                    "come: which change came before the symptom is not known")
    return ""


def _dated(evidence: Evidence) -> Iterator[tuple[str, float, list[float]]]:
    """Yield whose clock dated some changes, when it was asked about them, and when they were by that clock."""
    for changes in evidence.of(Changes):
        if changes.window:
            yield "the cluster's", changes.window.end, [change.earliest for change in changes.detail.changes]
    for rollouts in evidence.of(Rollouts):
        if rollouts.window:
            yield "the cluster's", rollouts.window.end, [one.created for one in rollouts.detail.revisions]
    for trail in evidence.of(Trail):
        if trail.window:
            yield "CloudTrail's", trail.window.end, [event.at for event in trail.detail.events]
