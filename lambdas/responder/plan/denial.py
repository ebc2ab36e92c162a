"""Whether a source that sees nothing wrong can deny what another one measures.

A source denies only what it would have seen: the same component, since the symptom began, by something that shows
such a symptom. One without rows, with old rows, with too few requests, or that never saw an error where others count
them, only looks healthy. Two such sources are no answer, for a real outage must not end as a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from responder.model.evidence import Bucket, Evidence, Finding
from responder.model.evidence.approvals import Approvals
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.service import Service
from responder.plan.rates import lower_bound, upper_bound
from responder.plan.series import period_seconds, total
from responder.plan.symptom import Verdict, slow
from responder.plan.wording import count, duration, source_name

_RECENT_SECONDS = 30.0
"""Where nobody knows when the symptom began, what was just now is compared."""
_HOUR_MINUTES = 60.0
_SURELY = 20.0
"""So many errors are expected before it says anything that none was seen: by chance that happens once in 5e8 times."""


def why_not(service: Service, evidence: Evidence, source: str, claims: Iterable[Verdict]) -> str:
    """Return why a source cannot deny what others claim, one sentence; empty where it denies one of the claims."""
    why = ""
    for claim in claims:
        if claim.source == source:
            continue
        found = _why_not(service, evidence, source, claim)
        if not found:
            return ""
        why = why or f"it cannot deny what {source_name(claim.source)} sees of {claim.component}: {found}"
    return why


def _why_not(service: Service, evidence: Evidence, source: str, claim: Verdict) -> str:
    if claim.declines:
        return "" if evidence.one(Approvals, claim.component, source) else (
            "it counts requests that fail, and a payment that is declined does not")
    if claim.state == "slow":
        latency = evidence.one(LatencyP95, claim.component, source)
        if latency is None or latency.value is None or latency.detail.requests < service.confirm.minimum_requests:
            return "it does not measure latency there"
        return "it sees slow answers, too" if slow(latency, service.confirm) else ""
    rate = evidence.one(ErrorRate, claim.component, source)
    if rate is not None:
        return _by_requests(service, evidence, rate, claim)
    lines = evidence.one(ErrorLines, claim.component, source)
    if lines is None:
        return "it has no data of it"
    if claim.state == "silent":
        return "log lines do not tell that requests come"
    return _by_lines(evidence, lines, claim)


def _by_requests(service: Service, evidence: Evidence, rate: Finding[ErrorRate], claim: Verdict) -> str:
    series = _since(rate.detail.series, _begin(rate, claim), rate.detail.period_seconds)
    seen = total(series)
    if seen.requests < service.confirm.minimum_requests:
        return f"it has seen {count(seen.requests)} requests since then"
    if claim.state == "silent":
        return ""
    if upper_bound(seen.errors, seen.requests) >= _claimed(service, evidence, claim):
        return f"{count(seen.errors)} of {count(seen.requests)} requests are too few to tell"
    if not rate.detail.baseline_errors and not total(rate.detail.series).errors:
        return _never_saw(evidence, claim, rate.detail.baseline_requests) or _blind(evidence, rate.source, claim)
    return ""


def _by_lines(evidence: Evidence, lines: Finding[ErrorLines], claim: Verdict) -> str:
    begin, detail = _begin(lines, claim), lines.detail
    length = detail.period_seconds or period_seconds(detail.series, 0.0)
    if lines.status == "partial":
        return lines.note
    if detail.newest is not None and detail.newest + length <= begin:
        return f"its newest line is from {duration(begin - detail.newest)} before"
    if not detail.all_lines and detail.baseline_all_lines:
        return "it has no line of any kind in the window"
    if not any((detail.lines, detail.baseline_lines, lines.value, lines.baseline)):
        return _never_saw(evidence, claim) or _blind(evidence, lines.source, claim)
    return ""


def _never_saw(evidence: Evidence, claim: Verdict, requests: float | None = None) -> str:
    """Return that a source never saw an error although others counted many while all was well.

    ``requests``: how many it saw then itself; None: it does not count them.
    """
    for finding in evidence.of(ErrorRate, claim.component):
        detail = finding.detail
        if detail.baseline_requests and detail.baseline_errors >= _SURELY:
            expected = detail.baseline_errors if requests is None else (
                detail.baseline_errors / detail.baseline_requests * requests)
            if expected >= _SURELY:
                return (f"it never saw an error there, not even while all was well, and {source_name(finding.source)} "
                        f"counted {count(detail.baseline_errors)}")
    return ""


def _blind(evidence: Evidence, source: str, claim: Verdict) -> str:
    """Return that a source never saw an error of any component although who claims the outage counted many before."""
    if any(seen for who, seen in _errors(evidence) if who == source):
        return ""
    counted = sum(seen for who, seen in _errors(evidence) if who == claim.source)
    if counted < _SURELY:
        return ""
    return f"it has never seen an error, and {source_name(claim.source)} counted {count(counted)} while all was well"


def _errors(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each source with what it saw of errors while all was well, or lines of them, component by component."""
    for rate in evidence.of(ErrorRate):
        yield rate.source, rate.detail.baseline_errors
    for lines in evidence.of(ErrorLines):
        yield lines.source, lines.detail.baseline_lines or (lines.baseline or 0.0) * _HOUR_MINUTES


def _claimed(service: Service, evidence: Evidence, claim: Verdict) -> float:
    """Return the least share of requests that fail by a claim; where only lines tell, that of an outage."""
    rate = evidence.one(ErrorRate, claim.component, claim.source)
    if rate is None:
        return service.confirm.error_rate
    seen = total(_since(rate.detail.series, _begin(rate, claim), rate.detail.period_seconds))
    return lower_bound(seen.errors, seen.requests) if seen.requests else service.confirm.error_rate


def _begin(finding: Finding[ErrorRate] | Finding[ErrorLines], claim: Verdict) -> float:
    """Return since when a claim is looked at, seconds since 1970 (UTC)."""
    if claim.onset is not None:
        return claim.onset
    return finding.window.end - _RECENT_SECONDS if finding.window else 0.0


def _since(series: Sequence[Bucket], moment: float, length: float) -> list[Bucket]:
    """Return the periods that lie at least half behind a moment."""
    half = (length or period_seconds(series)) / 2
    return [period for period in series if period.start + half >= moment]
