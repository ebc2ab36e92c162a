"""Load that failure makes: attempts for each request, and whether what customers ask for is more than usual at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from responder.model.evidence import Bucket, Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.plan import wording
from responder.plan.rates import count_lower_bound, count_upper_bound, lower_bound
from responder.plan.series import newest_start, period_seconds
from responder.plan.signals import Context, Signal, signal

_MULTIPLE = 1.5
"""Half more attempts for each request than usual: a single retry of half of all that fails."""
_USUAL = 1.2
"""Up to a fifth more than usual is usual."""
_LATE_SECONDS = 20.0
"""What is over is judged by the newest periods: a mean over more would show what came before."""
_FEWEST = 20.0
"""Requests of which a ratio tells anything."""


@signal("What: the same requests come again and again, because they fail; who tries again brings the surplus, and not "
        "customers. Retries follow any failure, so alone it does not say what began.")
def attempts_multiply(what: str, by: str, factor: float, usual: float) -> str:
    return (f"{what} gets {wording.decimal(factor)} calls for each request of {by}; usual is "
            f"{wording.decimal(usual)}")


@signal("Who: more comes to the component than it usually gets, while customers ask for as much as ever; so no demand "
        "has to be met, and less must come.")
def load_is_retries(component: str, factor: float, entry: str, customers: float) -> str:
    return (f"{component} gets {wording.decimal(factor)} times the requests of the baseline, {entry} "
            f"{wording.decimal(customers)} times")


@signal("When: what set it off is over, and it fails all the same: it keeps itself going.")
def surge_is_over(entry: str, factor: float, now: float) -> str:
    return (f"{wording.decimal(factor)} times the usual requests came to {entry}; now {wording.decimal(now)} times "
            "come, and they go on failing")


def read(context: Context) -> Iterator[Signal]:
    """Yield how many attempts are made, of the component itself or of what it calls, and what customers ask for."""
    if context.in_itself or context.unreached:
        yield from _of_component(context)
    else:
        yield from _of_callee(context)
    yield from _surges(context)


class _Load(NamedTuple):
    """Requests in so many seconds of late, and how many a second are usual."""

    requests: float
    seconds: float
    usual: float

    @property
    def factor(self) -> float:
        return self.requests / self.seconds / self.usual


def _of_component(context: Context) -> Iterator[Signal]:
    entry = context.service.entry
    for finding in context.evidence.of(ErrorRate, context.component) if context.component != entry else ():
        customers = context.evidence.one(ErrorRate, entry, finding.source)
        if customers is None or finding.detail.sampled or customers.detail.sampled:
            continue
        came, asked = _together(finding, customers, context.onset)
        if not (came and asked and came.usual and asked.usual and asked.requests >= _FEWEST):
            continue
        usual = came.usual / asked.usual
        if count_lower_bound(came.requests) / count_upper_bound(asked.requests) >= _MULTIPLE * usual:
            yield attempts_multiply.emit(finding, context.component, entry, came.requests / asked.requests, usual)
            as_ever = count_lower_bound(asked.requests) < _USUAL * asked.usual * asked.seconds
            if came.factor >= _MULTIPLE > asked.factor and as_ever:
                yield load_is_retries.emit(finding, context.component, came.factor, entry, asked.factor)


def _together(one: Finding[ErrorRate], other: Finding[ErrorRate],
              onset: float | None) -> tuple[_Load | None, _Load | None]:
    """Return what came to both in the newest periods since the symptom that both have."""
    rows = [{bucket.start: bucket for bucket in finding.detail.series if bucket.requests} for finding in (one, other)]
    period = period_seconds(one.detail.series)
    newest = max(rows[0].keys() & rows[1].keys(), default=0.0)
    starts = [start for start in rows[0].keys() & rows[1].keys()
              if start > newest - max(_LATE_SECONDS, 2 * period) and start >= (onset or 0.0) - period]
    if not starts:
        return None, None
    seconds = len(starts) * period
    first, second = (_Load(sum(row[start].requests for start in starts), seconds, finding.detail.usual_per_second)
                     for row, finding in zip(rows, (one, other), strict=True))
    return first, second


def _of_callee(context: Context) -> Iterator[Signal]:
    """Attempts of the calls that fail, among the component's own requests, by its client spans."""
    for finding in context.evidence.of(Calls, context.component):
        callees, requests = finding.detail.callees, finding.detail.requests
        before = max((callee.baseline_requests for callee in callees.values()), default=0.0)
        mine = [callee for host, callee in callees.items() if context.service.called(host) == context.mode.where]
        made, usual = sum(one.requests for one in mine), sum(one.baseline_requests for one in mine)
        if not (requests and requests >= _FEWEST and usual and before):
            continue
        if count_lower_bound(made) / count_upper_bound(requests) >= _MULTIPLE * usual / before:
            yield attempts_multiply.emit(finding, context.place, context.component, made / requests, usual / before)


def _surges(context: Context) -> Iterator[Signal]:
    """Whether more customers came for a while than usual, and no longer do, while requests go on failing."""
    entry = context.service.entry
    for finding in context.evidence.of(ErrorRate, entry):
        series, usual = sorted(finding.detail.series), finding.detail.usual_per_second
        if finding.detail.sampled or not usual:
            continue
        period, newest = period_seconds(series), newest_start(series)
        # The newest period may not be whole yet.
        whole = [bucket for bucket in series if bucket.start < newest]
        pairs = [Bucket(a.start, a.requests + b.requests, a.errors + b.errors) for a, b in pairwise(whole)]
        if len(pairs) < 3:
            continue
        expected = usual * 2 * period
        top, last = max(pairs[:-2], key=lambda pair: pair.requests), pairs[-1]
        if (count_lower_bound(top.requests) > _USUAL * expected and top.requests >= _MULTIPLE * expected
                and last.requests < _USUAL * expected and last.requests >= _FEWEST
                and lower_bound(last.errors, last.requests) > context.service.confirm.error_rate):
            yield surge_is_over.emit(finding, entry, top.requests / expected, last.requests / expected)

