"""Clocks that differ: what says that it happened after it was asked about has a clock that is ahead.

Remedies that undo a change stand on when it was made. Of a clock that is ahead a change seems to come after the symptom
that it caused, and something else is blamed.
"""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.plan.wording import duration

AHEAD_SECONDS = 60.0
"""Three times what clocks may differ without a word (``plan/times.py:CLOCK_SECONDS``)."""


def ahead(evidence: Evidence) -> str:
    """Return that a source tells of the future, as a sentence; empty where none does."""
    for finding in evidence.of(Changes):
        if finding.window is None:
            continue
        by = max((change.earliest - finding.window.end for change in finding.detail.changes), default=0.0)
        if by > AHEAD_SECONDS:
            return (f"the cluster's clock is at least {duration(by)} ahead, for it tells of a change that is still to "
                    "come: which change came before the symptom is not known")
    return ""
