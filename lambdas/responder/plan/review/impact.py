"""What an incident cost: the requests that failed, those that never came, and for how long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from responder.model.evidence import Bucket, Evidence, Series
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.plan.review.contents import Impact
from responder.plan.times import shortest_step

_ENOUGH_REQUESTS = 20.0
"""Fewer requests than this in a period say nothing about its error rate."""
_BY_CHANCE = 0.1
"""Traffic that is lower than usual by less than this share may be so by chance."""


def series_of(evidence: Evidence) -> dict[str, Series]:
    """Return what was measured over time by component, from the one source that measured most."""
    by_source: dict[str, dict[str, dict[float, Bucket]]] = defaultdict(lambda: defaultdict(dict))
    for finding in evidence.every:
        if isinstance(finding.detail, ErrorRate):
            for bucket in finding.detail.series:
                # A period that was measured again later is more complete.
                by_source[finding.source][finding.component][bucket.start] = bucket
    if not by_source:
        return {}
    longest = max(sorted(by_source), key=lambda source: sum(map(len, by_source[source].values())))
    return {component: tuple(buckets[start] for start in sorted(buckets))
            for component, buckets in sorted(by_source[longest].items())}


def at_entry(series: Mapping[str, Series], entry: str) -> Series:
    """Return the series of the component that customers reach first; the longest one where that was not measured."""
    return series.get(entry) or max(series.values(), key=len, default=())


def impact(series: Mapping[str, Series], incident: Incident, entry: str) -> Impact:
    """Return what the incident cost; ``entry`` is the component that customers reach first."""
    onset, end = epoch(incident.onset), epoch(incident.recovered_at)
    rates = [bucket.error_rate for buckets in series.values() for bucket in buckets
             if bucket.requests >= _ENOUGH_REQUESTS]
    worst = round(max(rates), 4) if rates else None
    if onset is None:
        return Impact(0, 0, worst, None)
    failed = max((sum(bucket.errors for bucket in buckets if bucket.start >= onset) for buckets in series.values()),
                 default=0.0)
    return Impact(round(failed), _missing(at_entry(series, entry), onset, end), worst,
                  round(end - onset, 1) if end else None)


def _missing(series: Series, onset: float, end: float | None) -> int:
    """Return how many fewer requests came since the onset than usual.

    A period without a row had no requests: metrics of requests that nobody makes are not published.
    """
    before = sorted(bucket.requests for bucket in series if bucket.start < onset)
    period = shortest_step((bucket.start for bucket in series), 0.0)
    if not before or not period:
        return 0
    last = end or max(bucket.start for bucket in series)
    expected = before[len(before) // 2] * max(0, round((last - onset) / period))
    missing = expected - sum(bucket.requests for bucket in series if onset <= bucket.start < last)
    return round(missing) if missing > _BY_CHANCE * expected else 0
