"""What part of a component's requests its client spans tell of.

Spans are sampled: agents keep about ten transactions a minute and process, whole ones (New Relic: "Distributed tracing:
how it works"), OpenTelemetry's samplers a share of the traces. The counts of a sample are never held against counts of
all requests; shares of both are. A small sample tells less, and nothing else than a large one.
"""

from __future__ import annotations

from responder.model.evidence import Bucket, Evidence, Finding
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.fault_location import FaultLocation, location_of
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan.rates import Z, lower_bound, upper_bound
from responder.plan.series import total

RECENT_SECONDS = 60.0
"""The spans are of the newest minute."""
ALIKE = 1.2
"""Two counts over nearly the same minute: a fifth of difference is none."""


@dataclass(frozen=True)
class Sample:
    """The requests among whose spans the calls are."""

    requests: float
    errors: float
    share: float
    """Share of all requests, 0 to 1; 0: not known, where all that is known of the requests is a sample."""
    every: Bucket
    """All requests of the time, and how many of them failed."""
    counted: bool
    """Whether it is counted how many of these requests failed, and not only taken from all requests."""
    called: float | None = None
    """How many of these requests made a call, by the host that was called most; None: their calls are all there."""

    @property
    def whole(self) -> bool:
        """Whether it is all requests, give or take what is measured at slightly different moments."""
        return self.share >= 1 / ALIKE

    def least_own(self, of_calls: float, z: float = Z) -> float:
        """Return the least share of requests that fails in no call, where ``of_calls`` of the sample failed by calls.
        """
        if self.counted and self.called is not None:
            # Requests and calls are two samples then: what fails in a call is known from few calls alone.
            return max(0.0, lower_bound(self.errors, self.requests, z) - upper_bound(of_calls, self.called, z))
        if self.counted:
            return lower_bound(max(0.0, self.errors - of_calls), self.requests, z)
        most = upper_bound(of_calls, self.requests, z)
        return max(0.0, lower_bound(self.every.errors, self.every.requests, z) - most)


def sample_of(service: Service, evidence: Evidence, spans: Finding[Calls]) -> Sample | None:
    """Return the sample that the spans of a component are; None where they do not tell where its requests fail.

    They do not where the requests are not known, where none has spans, and where calls of a component that surely fails
    are not marked as failed: what is marked by nothing is no success.
    """
    rate = _newest(evidence, spans.component, spans.source)
    if rate is None or spans.detail.requests == 0 or _unmarked(service, evidence, spans):
        return None
    every = recent(rate)
    return _sample(spans.detail, rate.detail, every) if every.requests else None


def never_marked(service: Service, evidence: Evidence, component: str, location: FaultLocation) -> bool:
    """Whether no call of a location was ever marked as failed, though it was called: no sign that any would be."""
    called = [callee for finding in evidence.looks(Calls, component) for host, callee in finding.detail.callees.items()
              if location_of(service.called(host)) == location]
    return any(callee.requests for callee in called) and not any(
        callee.errors or callee.baseline_errors for callee in called)


def _unmarked(service: Service, evidence: Evidence, spans: Finding[Calls]) -> bool:
    for name in sorted({service.called(host) for host in spans.detail.callees} & service.graph.keys()):
        called = [callee for host, callee in spans.detail.callees.items() if service.called(host) == name]
        calls, failed = sum(callee.requests for callee in called), sum(callee.errors for callee in called)
        rate = _newest(evidence, name, spans.source) if calls else None
        if rate is not None:
            served = recent(rate)
            if upper_bound(failed, calls) < lower_bound(served.errors, served.requests):
                return True
    return False


def _newest(evidence: Evidence, component: str, source: str) -> Finding[ErrorRate] | None:
    return max((finding for finding in evidence.of(ErrorRate, component, source) if finding.window),
               key=lambda finding: finding.window.end if finding.window else 0.0, default=None)


def recent(rate: Finding[ErrorRate]) -> Bucket:
    """Return requests and failures of the newest minute."""
    since = rate.window.end - RECENT_SECONDS if rate.window else 0.0
    return total(period for period in rate.detail.series if period.start >= since)


def _sample(calls: Calls, rate: ErrorRate, every: Bucket) -> Sample:
    if rate.sampled:
        return Sample(every.requests, every.errors, 0.0, every, True, _called(calls, every.requests - every.errors))
    if calls.requests:
        share = min(1.0, calls.requests / every.requests)
        # Where spans do not say that a request failed, of which the requests themselves are sure, they do not tell it.
        counted = calls.errors is not None and upper_bound(calls.errors, calls.requests) >= lower_bound(
            every.errors, every.requests)
    else:
        share, counted = _estimate([*calls.callees.values()], rate, every), False
    if share >= 1 / ALIKE:
        return Sample(every.requests, every.errors, share, every, counted=True)
    requests = calls.requests or share * every.requests
    errors = calls.errors if counted and calls.errors is not None else requests * every.error_rate
    return Sample(requests, errors, share, every, counted, _called(calls, requests - errors))


def _called(calls: Calls, got_on: float) -> float | None:
    """Return how many requests of a sample made a call; None where the calls of all of them are there.

    A request that got on has made its call, and that one succeeded. Where fewer such calls are there, spans are missing
    or the component calls nothing for most requests: a request without a call may then have failed in one all the same.
    """
    callees = calls.callees.values()
    if not any(callee.requests or callee.baseline_requests for callee in callees):
        return None  # It calls nothing.
    if ALIKE * max(callee.requests - callee.errors for callee in callees) >= got_on:
        return None
    return max(callee.requests for callee in callees)


def _estimate(callees: list[Callee], rate: ErrorRate, every: Bucket) -> float:
    """Return the share of the requests whose spans are there, where only the calls are known.

    A component that makes a call for each request makes it for each sampled one: as in the baseline, where nearly all
    requests got on; and each request that gets on now has made it.
    """
    called = max((callee.requests for callee in callees), default=0.0)
    before = max((callee.baseline_requests for callee in callees), default=0.0)
    usual = min(1.0, before / rate.baseline_requests) if before and rate.baseline_requests else None
    if usual is None:
        return min(1.0, called / every.requests)
    got_on = every.requests - every.errors
    return usual if ALIKE * called >= usual * got_on else called / got_on
