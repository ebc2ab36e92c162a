"""The incidents before: whether this one has happened before, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.plan.review.contents import Before, PastIncident, Review

_MOST_TOLD = 10


def similar(incident: Incident, history: Sequence[PastIncident]) -> tuple[PastIncident, ...]:
    """Return earlier incidents of the same cause, mechanism and component, the newest first."""
    cause = incident.cause
    if cause is None or cause.id in ("none", "unknown"):
        return ()
    same = [past for past in _earlier(incident, history)
            if (past.cause, past.mechanism, past.component) == (cause.id, cause.mechanism, cause.component)]
    return tuple(sorted(same, key=lambda past: past.opened_at, reverse=True)[:_MOST_TOLD])


def before(incident: Incident, history: Sequence[PastIncident]) -> Before:
    """Return how long the incidents before took to recover, for comparison."""
    times = sorted(past.recovery_seconds for past in _earlier(incident, history) if past.recovery_seconds is not None)
    return Before(len(times), times[len(times) // 2] if times else None)


def _earlier(incident: Incident, history: Sequence[PastIncident]) -> list[PastIncident]:
    opened = epoch(incident.opened_at) or 0.0
    return [past for past in history if past.id != incident.id and (epoch(past.opened_at) or 0.0) < opened]


def past_incident(review: Review) -> PastIncident:
    """Return the incident's own line for the list of all, by which it is recognised if it comes again."""
    incident, cause = review.incident, review.cause
    return PastIncident(
        incident.id, incident.service, incident.opened_at, incident.outcome or "open", cause.id, cause.mechanism,
        cause.component, review.impact.seconds, review.impact.failed_requests, review.severity.level, review.headline)
