"""Simple methods to compare with. Each always names a component; ``noticed`` says whether it should have."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median, pstdev

from bench.recordings import Case
from responder.model.evidence import Bucket
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch
from responder.plan.origin import Points
from responder.plan.times import shortest_step

_SURE = 3.0
_FLOOR = 0.05
_STEPS = 60
_RESTART = 0.15
"""The usual damping factor of PageRank."""


def largest_deviation(case: Case) -> list[str]:
    """Rank by the deviation from normal in the symptom's metric, in the bad direction."""
    return _ranked(_deviations(case))


def largest_of_any_metric(case: Case) -> list[str]:
    """Rank by the largest deviation from normal in any metric that a component has."""
    found: dict[str, float] = {}
    for metric in sorted({metric for kinds in case.series.values() for metric in kinds}):
        for name, value in _deviations(replace(case, symptom=replace(case.symptom, metric=metric))).items():
            found[name] = max(found.get(name, 0.0), value)
    return _ranked(found)


def correlation(case: Case) -> list[str]:
    """Rank by the correlation of a component's metric with the symptom's, around the alarm."""
    return _ranked(_correlations(case))


def deepest_anomaly(case: Case) -> list[str]:
    """Follow anomalous components down the graph from the symptom: those that call no anomalous one, worst first."""
    found = _deviations(case)
    seen, waiting, ends = {case.symptom.node}, [case.symptom.node], {}
    while waiting:
        node = waiting.pop()
        below = [other for other in case.graph.get(node, ()) if found.get(other, 0.0) >= _SURE and other != node]
        if not below:
            ends[node] = found.get(node, 0.0)
        for other in below:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return _ranked(ends)


def random_walk(case: Case) -> list[str]:
    """Rank by visits of a walker that begins at the symptom and prefers correlated components (MonitorRank, 2013)."""
    like = {**_correlations(case), case.symptom.node: 0.0}
    names = sorted({*case.graph, *like})
    onward: dict[str, dict[str, float]] = {}
    for name in names:
        ways = {other: max(0.01, like.get(other, 0.0)) for other in case.graph.get(name, ()) if other != name}
        best = max(ways.values(), default=0.0)
        ways[name] = max(0.01, like.get(name, 0.0) - best)
        onward[name] = ways
    visits = {name: float(name == case.symptom.node) for name in names}
    for _ in range(_STEPS):
        after = {name: _RESTART * (name == case.symptom.node) for name in names}
        for name, share in visits.items():
            whole = sum(onward[name].values())
            for other, weight in onward[name].items():
                after[other] = after.get(other, 0.0) + (1 - _RESTART) * share * weight / whole
        visits = after
    return _ranked({name: share for name, share in visits.items() if name != case.symptom.node and share > 1e-6})


METHODS: dict[str, Callable[[Case], list[str]]] = {
    "largest deviation": largest_deviation,
    "correlation": correlation,
    "deepest anomaly": deepest_anomaly,
    "random walk": random_walk,
}


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return sorted((name for name in scores), key=lambda name: (-scores[name], name))


def noticed(case: Case) -> bool:
    """Whether the symptom itself deviates by three standard deviations."""
    return (_deviation(case, case.symptom.node) or 0.0) >= _SURE


def _parts(case: Case, points: Points) -> tuple[list[float], list[float]]:
    """The values before and from the period of the alarm."""
    times = [time for time, _ in points]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    period = median(gaps) if gaps else 0.0
    before = [value for time, value in points if value is not None and time + period <= case.symptom.time]
    during = [value for time, value in points if value is not None and time + period > case.symptom.time]
    return before, during


def _deviations(case: Case) -> dict[str, float]:
    """Component to its greatest deviation, where that is known."""
    found = {name: _deviation(case, name) for name in case.series}
    return {name: value for name, value in found.items() if value is not None}


def _deviation(case: Case, name: str) -> float | None:
    """The greatest deviation by median and MAD, or the standard deviation where that is 0."""
    sign = -1.0 if case.symptom.metric == "availability" else 1.0
    before, during = _parts(case, case.series.get(name, {}).get(case.symptom.metric, ()))
    if len(before) < 10 or not during:
        return None
    centre = median(before)
    spread = 1.4826 * median(abs(value - centre) for value in before) or pstdev(before) or _FLOOR * abs(centre)
    return max(sign * (value - centre) / spread for value in during) if spread else None


def _correlations(case: Case) -> dict[str, float]:
    """Component to the correlation of its metric with the symptom's, over the alarm's day; the symptom left out."""
    metric = case.symptom.metric
    target = dict(case.series.get(case.symptom.node, {}).get(metric, ()))
    found = {}
    for name, kinds in case.series.items():
        if name == case.symptom.node:
            continue
        pairs = [(value, other) for time, value in kinds.get(metric, ()) for other in [target.get(time)]
                 if value is not None and other is not None and time > case.symptom.time - 43_200]
        value = _pearson(pairs)
        if value is not None:
            found[name] = value
    return found


def _pearson(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < 3:
        return None
    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xx, yy = sum((a - mean_x) ** 2 for a in x), sum((b - mean_y) ** 2 for b in y)
    if xx <= 0 or yy <= 0:
        return None
    return sum((a - mean_x) * (b - mean_y) for a, b in pairs) / math.sqrt(xx * yy)


@dataclass(frozen=True)
class Summed:
    """What an incident cost by the rule that was."""

    failed: float
    missing: float
    until: float
    """The end of the last period that is counted."""


def impact(record: IncidentRecord, entry: str) -> Summed:
    """Return what an incident cost by the periods of all looks, of the source that has most of them."""
    by_source: dict[str, dict[str, dict[float, Bucket]]] = defaultdict(lambda: defaultdict(dict))
    for finding in record.evidence().every:
        if isinstance(finding.detail, ErrorRate):
            for bucket in finding.detail.series:
                by_source[finding.source][finding.component][bucket.start] = bucket
    onset, end = epoch(record.incident.onset), epoch(record.incident.recovered_at)
    if not by_source or onset is None:
        return Summed(0, 0, 0)
    longest = max(sorted(by_source), key=lambda source: sum(map(len, by_source[source].values())))
    series = {component: [buckets[start] for start in sorted(buckets)]
              for component, buckets in by_source[longest].items()}
    failed = max((sum(bucket.errors for bucket in buckets if bucket.start >= onset) for buckets in series.values()),
                 default=0.0)
    mine = series.get(entry) or max(series.values(), key=len)
    until = max((bucket.start for bucket in mine), default=0.0) + 10
    before = sorted(bucket.requests for bucket in mine if bucket.start < onset)
    period = shortest_step((bucket.start for bucket in mine), 0.0)
    if not before or not period:
        return Summed(failed, 0, until)
    last = end or max(bucket.start for bucket in mine)
    expected = before[len(before) // 2] * max(0, round((last - onset) / period))
    missing = expected - sum(bucket.requests for bucket in mine if onset <= bucket.start < last)
    return Summed(failed, missing if missing > 0.1 * expected else 0, until)
