"""Confirm the incident: two of three sources decide."""

from __future__ import annotations

import time
from typing import Any

from responder.handlers.step import Step, step
from responder.model.codec import encode
from responder.model.finding import typed
from responder.plan.confirm import confirm
from responder.records.table import iso, seconds

_LATE_SECONDS = 60.0
"""An incident that is a minute old has people called, whatever the sources say."""


@step("Confirm the incident")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``answer`` (confirmed, false_alarm, inconclusive), ``kind``, ``onset`` and ``verdicts``."""
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    sources = [answer["source"] for answer in visit.answers]
    before = visit.records.incident(visit.incident) or {}
    well_since = seconds(before["well_since"]) if before.get("confirmed") and before.get("well_since") else None
    result = confirm(visit.service, sources, typed(visit.findings), visit.opened_at, well_since)
    by_vote = {vote: [source for source, said in result.votes.items() if said == vote]
               for vote in ("outage", "healthy", "unknown")}
    told = "; ".join(f"{vote} by {', '.join(named)}" for vote, named in by_vote.items() if named)
    visit.note(f"{result.answer.replace('_', ' ')}: {told}", kind="decision",
               why="; ".join(f"{source}: {reason}" for source, reason in result.reasons.items()),
               detail={"answer": result.answer, "kind": result.kind, "votes": result.votes,
                       "onset": iso(result.onset) if result.onset else None, "asked": sources,
                       "signal_at": visit.opened_at, "well_since": well_since})
    if result.answer != "inconclusive":
        # What a signal tells that is older than the oldest answer has been looked at.
        ends = [f.window.end for f in visit.findings if f.usable and f.window]
        visit.records.update(visit.incident, judged_until=iso(min(ends, default=visit.opened_at)))
        if before.get("confirmed"):
            # A relapse, or none: then what was closed had recovered, as it was said.
            if result.answer == "confirmed":
                visit.records.update(visit.incident, recovered_at=None, well_since=None, outcome=None)
        else:
            visit.records.update(visit.incident, confirmed=result.answer == "confirmed", kind=result.kind,
                                 confirmed_at=iso(time.time()), onset=iso(result.onset) if result.onset else None)
    return {"answer": result.answer, "kind": result.kind, "onset": result.onset, "votes": result.votes,
            "late": time.time() - visit.opened_at >= _LATE_SECONDS,
            "verdicts": [encode(verdict) for verdict in result.verdicts]}
