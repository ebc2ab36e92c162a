"""How bad an incident is just now, in a sentence, by the newest answers of the sources on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.model.service import Service
from responder.plan.series import newest_start, period_seconds, total
from responder.plan.symptom import MINIMUM_EXPECTED, SILENT_SHARE, slow
from responder.plan.wording import count, duration, share

_RECENT_SECONDS = 60.0


def impact(service: Service, incident: Incident, evidence: Evidence) -> str:
    """Say how bad it is for those who call, without a full stop; empty where no source can tell.

    What customers reach first is spoken of, and where it is well the component at fault that is worst off.
    """
    places = list(dict.fromkeys((service.entry, *incident.affected, *(one.name for one in service.components))))
    ways = {"degraded_latency": (_slowness,), "loss_of_connectivity": (_silence, _failures)}.get(
        incident.kind, (_failures, _silence))
    for way in ways:
        for component in places:
            told = way(service, incident, evidence, component)
            if told:
                return told
    return ""


def _failures(service: Service, incident: Incident, evidence: Evidence, component: str) -> str:
    for finding in _sharpest(evidence, component):
        series = finding.detail.series
        since = max(epoch(incident.onset) or 0.0, newest_start(series) - _RECENT_SECONDS)
        rows = [bucket for bucket in sorted(series) if bucket.start >= since and bucket.requests]
        # What was well before it began, or began again, does not count.
        recent = list(dropwhile(lambda bucket: bucket.error_rate <= service.confirm.error_rate, rows))
        seen = total(recent)
        if seen.requests >= service.confirm.minimum_requests and seen.error_rate > service.confirm.error_rate:
            seconds = recent[-1].start - recent[0].start + period_seconds(series)
            rate = _a_second(seen.errors / seconds)
            return f"{share(seen.error_rate)} of requests to {component} fail (about {rate})"
    return ""


def _silence(service: Service, incident: Incident, evidence: Evidence, component: str) -> str:
    for finding in _sharpest(evidence, component):
        window, usual = finding.window, finding.detail.usual_per_second
        since = max(epoch(incident.onset) or 0.0, window.end - _RECENT_SECONDS) if window else 0.0
        seconds = window.end - since if window else 0.0
        seen = total(bucket for bucket in finding.detail.series if bucket.start >= since).requests
        if seconds > 0 and usual * seconds >= MINIMUM_EXPECTED and seen < SILENT_SHARE * usual * seconds:
            few = "hardly any" if seen else "no"
            return f"{few} request reaches {component} (normally about {_a_second(usual)})"
    return ""


def _slowness(service: Service, incident: Incident, evidence: Evidence, component: str) -> str:
    for finding in evidence.of(LatencyP95, component):
        if finding.value and slow(finding, service.confirm):
            usual = f" (normally {duration(finding.baseline / 1000)})" if finding.baseline else ""
            return f"one request in twenty to {component} takes {duration(finding.value / 1000)} or longer{usual}"
    return ""


def _sharpest(evidence: Evidence, component: str) -> Iterator[Finding[ErrorRate]]:
    """Yield a component's rates, those with the shortest periods first."""
    found: Sequence[Finding[ErrorRate]] = sorted(
        evidence.of(ErrorRate, component), key=lambda one: (period_seconds(one.detail.series), one.source))
    yield from found


def _a_second(rate: float) -> str:
    return f"{count(rate)} a second" if rate >= 1.5 else f"{count(rate * 60)} a minute"
