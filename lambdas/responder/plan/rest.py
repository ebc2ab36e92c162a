"""When what is left after a remedy began: a second fault is not as old as the symptom."""

from __future__ import annotations

from collections.abc import Iterable

from responder.model.evidence import Evidence
from responder.model.moment import seconds
from responder.model.remedy import Remedy
from responder.model.service import Service
from responder.plan.failure_modes import failure_modes


def onset_of_rest(service: Service, onset: float | None, remedy: Remedy | None, before: Evidence,
                  since: Evidence) -> float | None:
    """Return when the failures that are left began, as late as it may be; seconds since 1970 (UTC).

    ``remedy`` is the last that was verified, None where none was; ``before`` and ``since`` are what was seen until it
    was applied, and since. Where its component fails now in other places only, the first fault may have hidden the
    second: a call that the database refuses comes no further. So the second may have begun until the remedy was
    applied, and what was changed until then may have brought it. Otherwise the symptom's own ``onset`` counts.
    """
    if remedy is None or not remedy.applied_at:
        return onset
    was, now = (_places(service, remedy.component, evidence) for evidence in (before, since))
    return seconds(remedy.applied_at) if was and now and not was & now else onset


def _places(service: Service, component: str, evidence: Evidence) -> frozenset[str]:
    """Return where a component's failures were seen to arise."""
    if component not in service.graph:
        return frozenset()
    return frozenset(mode.where for mode in failure_modes(service, component, evidence) if mode.sources)


def last_verified(remedies: Iterable[Remedy], since: str) -> Remedy | None:
    """Return the remedy that was applied last of those that were verified after a moment (ISO 8601, UTC)."""
    helped = [remedy for remedy in remedies if remedy.verified_at and remedy.verified_at > since
              and remedy.status.may_have_run and not remedy.audience and not remedy.rolled_back_at]
    return max(helped, key=lambda remedy: remedy.applied_at or "", default=None)
