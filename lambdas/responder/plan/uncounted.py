"""Whether those that count requests have counted those that fail."""

from __future__ import annotations

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.service import Service
from responder.plan.rates import upper_bound
from responder.plan.series import newest_start, period_seconds, total
from responder.plan.wording import listed, source_name


def uncounted(service: Service, evidence: Evidence, onset: float | None) -> str:
    """Return that no source of the entry's requests shows those that fail, as a sentence; empty where one does.

    It does not answer, or is behind, or its clock is off and it shows another time: how many requests came is then not
    known. ``onset`` is in seconds since 1970 (UTC).
    """
    counting = [finding for finding in evidence.of(ErrorRate, service.entry) if newest_start(finding.detail.series)]
    if onset is None or any(_shows(service, finding, onset) for finding in counting):
        return ""
    if not counting:
        return f"no source counts the requests of {service.entry}"
    return f"{listed([source_name(finding.source) for finding in counting])} shows none of the requests that fail"


def _shows(service: Service, finding: Finding[ErrorRate], onset: float) -> bool:
    series = finding.detail.series
    if newest_start(series) < onset + period_seconds(series) / 2:
        return False
    since = total(bucket for bucket in series if bucket.start >= onset)
    return upper_bound(since.errors, since.requests) >= service.confirm.error_rate
