"""What an incident cost: the requests that failed, those that did not come, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from statistics import median

from responder.model.evidence import Series
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch, iso
from responder.plan.rates import count_upper_bound
from responder.plan.review.contents import ComponentImpact, Impact
from responder.plan.review.measured import Measured, Period
from responder.plan.review.outage import Outage, missing, outage

_ENOUGH_REQUESTS = 20.0
"""Fewer requests than this in a period say nothing about its error rate."""
_UNSURE = 0.1
"""No share is told of an outage of which more of its requests than this share may lie outside of it."""


def at_entry(series: Mapping[str, Series], entry: str) -> Series:
    """Return the series of the component that customers reach first; the longest one where that was not measured."""
    return series.get(entry) or max(series.values(), key=len, default=())


def impact(components: Mapping[str, Measured], record: IncidentRecord, entry: str) -> Impact:
    """Return what the incident cost; ``entry`` is the component that customers reach first.

    What failed at the entry is what customers saw fail. Requests that no pod took are in no component's count: they are
    among those that did not come.
    """
    incident = record.incident
    signals = [moment for signal in record.signals if (moment := epoch(signal.at))]
    began, recovered = epoch(incident.onset), epoch(incident.recovered_at)
    first = components.get(entry) or max(components.values(), key=lambda one: len(one.periods), default=None)
    found = outage(first, min([began, *signals])) if began is not None and first is not None else None
    if found is None or first is None:
        return _without_failures(incident, began, recovered, first is not None)
    lost, lost_error = missing(found, first.step_seconds)
    counted = [_component(one, found) for one in sorted(
        components.values(), key=lambda one: (one is not first, one.component))]
    # Where the last that was measured was bad, the watch may have seen more.
    here, end = counted[0], found.end or (max(recovered, found.until) if recovered else None)
    return Impact(
        failed_requests=here.failed,
        failed_error=round(_unseen(found, first) + _loose(found, first) + _filling(found, first)
                           + first.usual.error_rate * here.requests),
        missing_requests=round(lost), missing_error=round(lost_error),
        affected_share=_affected(here, lost, found, first.step_seconds),
        worst_error_rate=_worst(components.values(), found),
        onset=iso(found.onset), ended=None if end is None else iso(end), measured_until=iso(found.until),
        accuracy_seconds=_accuracy(found, first), seconds=None if end is None else round(end - found.onset, 1),
        components=tuple(counted))


def _without_failures(incident: Incident, began: float | None, recovered: float | None, measured: bool) -> Impact:
    """Return the impact of a symptom that made no request fail, such as slow answers: it lasted, by the record.

    Where requests failed and nobody counted them, as where log lines alone told of it, it is not known how many.
    """
    none_failed = measured and (began is None or incident.kind == "degraded_latency")
    return Impact(
        failed_requests=0 if none_failed else None, failed_error=0, missing_requests=0, missing_error=0,
        affected_share=None, worst_error_rate=None, onset=incident.onset, ended=incident.recovered_at,
        measured_until=None, accuracy_seconds=None, components=(),
        seconds=round(recovered - began, 1) if began and recovered else None)


def _component(one: Measured, found: Outage) -> ComponentImpact:
    """Return what a component saw while the outage was there: of its first and last period its part alone."""
    during = [period for period in one.periods
              if found.periods[0].start < period.start + one.step_seconds and period.start < found.until]
    came = sum(period.requests * _part(period, one.step_seconds, found) for period in during)
    return ComponentImpact(one.component, round(came), round(sum(period.errors for period in during)), one.sources)


def _affected(entry: ComponentImpact, lost: float, found: Outage, step: float) -> float | None:
    """Return the share of requests that failed or did not come; None where it is not known when it began in a period.

    Of a short outage that would make it far too low.
    """
    whole = float(entry.requests)
    if lost and found.level:
        # What came in the first and the last period came before and after it.
        whole = found.level.requests / step * sum(max(0.0, until - since) for since, until in found.times)
    if not whole or found.unsure > _UNSURE * whole:
        return None
    return round(min(1.0, (entry.failed + lost) / whole), 4)


def _part(period: Period, step: float, found: Outage) -> float:
    """Return in which share of a period's measured time the outage was there."""
    end = period.start + period.covered * step
    there = sum(max(0.0, min(end, until) - max(period.start, since)) for since, until in found.times)
    return min(1.0, there / (end - period.start))


def _unseen(found: Outage, one: Measured) -> float:
    """Return how many failures there may be in what nobody measured, as many as around it."""
    within = sum(_gap(earlier, later, one) * (earlier.errors + later.errors) / 2
                 for earlier, later in pairwise(found.periods))
    first, last = found.periods[0], found.periods[-1]
    before, after = _gaps_beside(found, one)
    return within + before * first.errors + after * last.errors


def _gap(earlier: Period, later: Period, one: Measured) -> float:
    """Return how many periods between two nobody measured."""
    return max(0.0, (later.start - earlier.start) / one.step_seconds - 1)


def _gaps_beside(found: Outage, one: Measured) -> tuple[float, float]:
    """Return how many periods nobody measured just before the outage's first, and just after its last."""
    first, last = found.periods[0], found.periods[-1]
    before = next((period for period in reversed(one.periods) if period.start < first.start), first)
    after = next((period for period in one.periods if period.start > last.start), last)
    return _gap(before, first, one), _gap(last, after, one)


def _loose(found: Outage, one: Measured) -> float:
    """Return how many failures may lie on the other side of the outage's ends.

    Where a source's periods are not the grid's, some that belong to it stand in the period beside it; where counting
    ends in the middle of the outage, so do some of what came after.
    """
    beside = {found.periods[0].start - one.step_seconds, *([] if found.end is None else [found.until])}
    return sum(period.loose_errors for period in one.periods if period.start in beside) + (
        found.periods[-1].loose_errors if found.end is None else 0.0)


def _filling(found: Outage, one: Measured) -> float:
    """Return how many failures the last period may still lack, where counting ends in the middle of the outage.

    A source shows a request seconds after it came. More may be under way than what usually comes at most (three
    standard deviations) less what was counted, and fails as often as the others.
    """
    last = found.periods[-1]
    before = [period.requests for period in one.periods if period.whole and period.start < found.periods[0].start]
    if found.end is not None or not last.requests or not before:
        return 0.0
    lacking = count_upper_bound(median(before)) * last.covered - last.requests
    return max(0.0, lacking) * last.errors / last.requests


def _accuracy(found: Outage, one: Measured) -> float:
    """Return to how many seconds onset and end are known, what nobody measured beside the outage among them."""
    return (max(found.periods[0].known_to, found.periods[-1].known_to)
            + one.step_seconds * max(_gaps_beside(found, one)))


def _worst(components: Iterable[Measured], found: Outage) -> float | None:
    """Return the greatest share of failures of any component in a period with enough requests to tell."""
    return max((round(period.errors / period.requests, 4) for one in components for period in one.periods
                if found.periods[0].start <= period.start < found.until and period.requests >= _ENOUGH_REQUESTS),
               default=None)
