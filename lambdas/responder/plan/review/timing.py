"""How long each phase of the plan took, beside the plan's target."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.model.remedy import Remedy
from responder.plan.review.contents import Phase

INITIAL_RESPONSE_SECONDS, INVESTIGATION_SECONDS, RECOVERY_SECONDS = 1800.0, 1800.0, 3600.0
"""The plan's own times: 15:00 to 15:30, 15:30 to 16:00, 16:00 to 17:00."""


def phases(incident: Incident, remedies: Sequence[Remedy]) -> tuple[Phase, ...]:
    """Return the phases in their order; a phase that the incident did not reach has no duration."""
    onset, opened = epoch(incident.onset), epoch(incident.opened_at)
    confirmed, isolated = epoch(incident.confirmed_at), epoch(incident.isolated_at)
    diagnosed, verified = epoch(incident.diagnosed_at), epoch(incident.recovery_verified_at)
    applied = min((moment for remedy in remedies if (moment := epoch(remedy.applied_at))), default=None)
    return (
        _phase("time to detect", onset, opened),
        _phase("time to confirm", opened, confirmed),
        _phase("initial response", opened, isolated or confirmed, INITIAL_RESPONSE_SECONDS),
        _phase("investigation and diagnosis", isolated, diagnosed, INVESTIGATION_SECONDS),
        _phase("time to mitigate, from the onset until a remedy was applied", onset, applied),
        _phase("recovery and resolution", diagnosed, verified, RECOVERY_SECONDS),
        _phase("time to recovery, from the onset until it was well", onset, epoch(incident.recovered_at)))


def _phase(name: str, start: float | None, end: float | None, target: float | None = None) -> Phase:
    return Phase(name, round(max(0.0, end - start), 1) if start and end else None, target)
