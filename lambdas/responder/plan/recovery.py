"""The plan's "Monitor the recovery process": whether the symptom has gone, for how long, and what follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from responder.model.evidence import Bucket, Evidence, Finding
from responder.model.evidence.answer import Answer as NoAnswer
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.fault_location import FaultLocation, Provider, location_of
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan.answers import Recovery
from responder.plan.approval_rate import rates as payment_rates
from responder.plan.rates import lower_bound, upper_bound
from responder.plan.series import newest_start, total
from responder.plan.symptom import MINIMUM_EXPECTED, SILENT_SHARE, Verdict, slow
from responder.plan.times import RARER
from responder.plan.wording import duration, share, source_name

SOURCES_NEEDED = 2
_GROWTH = 0.6
"""Share of the time that has passed, until the next check: a recovery is noticed at most that much later than it came.
"""
_BEFORE_SECONDS = 60.0
_FRESH_SECONDS = 60.0
_MARGIN_SECONDS = 20.0
"""Periods that began this long before the time that must be well count to the error rate that is shown."""
_SETTLE_SECONDS = 20.0
_SETTLE_SHARE = 1 / 15
"""Share of a remedy's time limit in which pods are replaced or an instance restarts."""
_LEAST_SHARE = 0.3
"""Fewer requests than this share of what the baseline had are no recovery: customers are still kept away."""
_SILENCE_SECONDS = 30.0
"""Before a change, looked at after it: by then the data of that time have arrived."""
_SPURIOUS_ERRORS = 2
"""One failed request in a period that has just begun is no symptom."""
_SPANS_SECONDS = 5.0
"""A flag is read, and a connection made, within seconds of the change."""


@dataclass(frozen=True)
class Progress:
    """How the recovery goes."""

    answer: Recovery
    reason: str
    error_rate: float | None
    """At the entry, over the time that must be well; None where nobody could tell."""
    well_since: float | None
    """Since when the symptom is gone, by the source that says so last; seconds since 1970 (UTC)."""
    wait_seconds: int = 0
    """Time until the next check; 0 where there is nothing to wait for."""


@dataclass(frozen=True)
class _View:
    """What one source says of the recovery."""

    said: str
    well_since: float | None = None
    """Since when all of its components are without the symptom, seconds since 1970 (UTC); None: they are not."""
    error_rate: float | None = None
    """At the entry."""


def judge(service: Service, evidence: Evidence, now: float, changed_at: float,
          give_up_seconds: float, changed: bool = False, slow_until: float | None = None,
          declines: bool = False) -> Progress:
    """Judge the recovery at ``now`` (seconds since 1970, UTC), after what was done at ``changed_at``.

    ``declines`` says that the symptom was payments that are declined: then those are the requests, and who does not
    count them tells nothing.

    ``changed`` says that a remedy was carried out then, so that getting worse is held against it. ``slow_until`` is
    when a check last found something slow, for no series tells it.

    Recovered means that every component has been without the symptom for ``recovery.hold_seconds``, with requests to
    show for it, by two sources (or by all, if fewer are deployed). If only one of several sources answers, its verdict
    counts after twice that time, so that a failed source neither keeps an outage open nor rolls back a remedy that
    helped.
    """
    if declines:
        evidence = Evidence(payment_rates(evidence))
    answering = {finding.source for finding in evidence.of(ErrorRate)
                 if now - newest_start(finding.detail.series) <= _fresh(service)}
    needed = min(SOURCES_NEEDED, max(1, len(answering)))
    hold = service.recovery.hold_seconds * (2 if len(answering) == 1 < len(_asked(evidence)) else 1)
    views = [_view(service, evidence, source, source in answering, now, changed_at, slow_until)
             for source in sorted({finding.source for finding in evidence.asked(ErrorRate)})]
    said = "; ".join(view.said for view in views) or "no source answered"
    rates = [view.error_rate for view in views if view.error_rate is not None]
    rate = round(sum(rates) / len(rates), 4) if rates else None
    well = [view.well_since for view in views if view.well_since is not None]
    long_enough = [moment for moment in well if now - moment >= hold]
    if len(long_enough) >= needed:
        return Progress("recovered", said, rate, max(long_enough))
    harmed = worse(service, evidence, now, changed_at) if changed else ""
    if harmed:
        return Progress("worse", harmed, rate, None)
    if now - changed_at >= give_up_seconds and not well:
        return Progress("not_helped", said, rate, None)
    # A source sees it getting better: it is given the time to hold as well, but no more.
    if now - changed_at >= give_up_seconds + 2 * hold:
        return Progress("not_helped", said, rate, None)
    since = max(well) if well else None
    return Progress("waiting", said, rate, since,
                    next_check(service, now - changed_at, None if since is None else since + hold - now))


def _asked(evidence: Evidence) -> set[str]:
    """Return the sources that were asked for rates, those that gave no answer among them."""
    return {finding.source for kind in (ErrorRate, NoAnswer) for finding in evidence.asked(kind)}


def _view(service: Service, evidence: Evidence, source: str, answers: bool, now: float, changed_at: float,
          slow_until: float | None) -> _View:
    usable = list(evidence.of(ErrorRate, source=source))
    if not usable:
        first = next(evidence.asked(ErrorRate, source=source))
        return _View(f"{source_name(source)}: {first.note or first.status}")
    if not answers:
        return _View(f"{source_name(source)}: it has no recent data")
    still_slow = _slow(service, evidence, source)
    if still_slow:
        return _View(f"{source_name(source)}: {still_slow[0].component} is slow: {still_slow[0].reason}")
    entry = next((finding for finding in usable if finding.component == service.entry), usable[0])
    recent = total(period for period in entry.detail.series
                   if period.start >= now - service.recovery.hold_seconds - _MARGIN_SECONDS)
    rate = recent.error_rate if recent.requests else None
    since = [_well_since(service, finding, now, changed_at) for finding in usable]
    known = [max(moment, slow_until or moment) for moment in since if moment is not None]
    if known and len(known) == len(since):
        return _View(f"{source_name(source)}: no failures above normal for {duration(now - max(known))}", max(known),
                     rate)
    return _View(f"{source_name(source)}: the symptom is still there", error_rate=rate)


def helped(service: Service, evidence: Evidence, component: str, now: float, changed_at: float,
           location: FaultLocation | None = None) -> bool:
    """Whether a component that failed before ``changed_at`` is well since, by all sources that can tell.

    Two faults at once have two remedies, and a remedy that did its part is not rolled back for the other fault. If both
    faults are in one component, the calls of what failed (``location``: the database, a provider) tell which remedy
    helped. If no request came before, a remedy has done its part once requests come: the silence had hidden what they
    fail at.
    """
    if _calls_well(service, evidence, component, location, changed_at):
        return True
    if any(verdict.component == component for verdict in _slow(service, evidence)):
        return False
    found = []
    for finding in evidence.of(ErrorRate, component):
        if _silent_before(service, finding, changed_at):
            found.append(_requests_come(service, finding, now, changed_at))
        elif any(period.start < changed_at and period.errors >= _SPURIOUS_ERRORS
                 and period.error_rate > service.confirm.error_rate for period in finding.detail.series):
            since = _well_since(service, finding, now, changed_at)
            found.append(since is not None and now - since >= service.recovery.hold_seconds)
    return bool(found) and all(found)


def _silent_before(service: Service, finding: Finding[ErrorRate], changed_at: float) -> bool:
    """Whether hardly any of the requests that were to be expected came just before a change."""
    start = max(changed_at - _SILENCE_SECONDS, finding.window.start if finding.window else changed_at)
    expected = finding.detail.usual_per_second * (changed_at - start)
    seen = total(period for period in finding.detail.series
                 if start <= period.start and period.start + service.metrics.period_seconds <= changed_at).requests
    return expected >= MINIMUM_EXPECTED and seen < SILENT_SHARE * expected


def _requests_come(service: Service, finding: Finding[ErrorRate], now: float, changed_at: float) -> bool:
    """Whether requests have come much as they used to for as long as a recovery must hold, since a change."""
    rate, newest = finding.detail, newest_start(finding.detail.series)
    if not newest or now - newest > _fresh(service):
        return False
    start = newest + service.metrics.period_seconds - service.recovery.hold_seconds
    seen = total(period for period in rate.series if period.start >= start).requests
    return start >= changed_at and seen >= _LEAST_SHARE * rate.usual_per_second * service.recovery.hold_seconds


def _calls_well(service: Service, evidence: Evidence, component: str, location: FaultLocation | None,
                changed_at: float) -> bool:
    """Whether the calls of the database, or of the providers, succeed by client spans that are all since a change."""
    found = []
    for finding in evidence.of(Calls, component):
        if not finding.window or finding.window.start < changed_at - _SPANS_SECONDS:
            continue
        called = [callee for host, callee in finding.detail.callees.items()
                  if location and _alike(location_of(service.called(host)), location)]
        requests, errors = sum(callee.requests for callee in called), sum(callee.errors for callee in called)
        if requests < service.confirm.minimum_requests:
            return False
        found.append(lower_bound(errors, requests) <= service.confirm.error_rate)
    return bool(found) and all(found)


def _alike(called: FaultLocation | None, location: FaultLocation) -> bool:
    """Whether what is called is what failed; a component that uses another provider now must get on with that one."""
    return called == location or (isinstance(called, Provider) and isinstance(location, Provider))


def slow_until(service: Service, evidence: Evidence) -> float | None:
    """Return the end of the last window in which something was slow, by the findings of several checks; None: none was.
    """
    return max((latency.window.end for latency in evidence.looks(LatencyP95)
                if latency.window and slow(latency, service.confirm)), default=None)


def _slow(service: Service, evidence: Evidence, source: str | None = None) -> list[Verdict]:
    """Return what the latencies of all sources, or of one, say is slow, in the order of the components."""
    order = {component.name: place for place, component in enumerate(service.components)}
    found = [verdict for latency in evidence.of(LatencyP95, source=source)
             if (verdict := slow(latency, service.confirm))]
    return sorted(found, key=lambda verdict: order.get(verdict.component, len(order)))


def next_check(service: Service, elapsed_seconds: float, left_seconds: float | None) -> int:
    """Return the seconds until the next check.

    Checks become rarer with time, so that hours of watching stay cheap. If it is well already, the next check is when
    it has been well for long enough (``left_seconds``), if that is sooner. However often the configuration asks for
    them, two weeks have so few that an execution's history has room (``RARER``).
    """
    recovery = service.recovery
    wait = min(max(recovery.check_every_seconds, _GROWTH * elapsed_seconds), recovery.check_at_most_every_seconds)
    if left_seconds is not None:
        wait = max(recovery.check_every_seconds, min(wait, left_seconds + 1))
    return max(1, round(max(wait, RARER * elapsed_seconds)))


def worse(service: Service, evidence: Evidence, now: float, changed_at: float) -> str:
    """Say which component became worse by what was done at ``changed_at``; an empty text where none did.

    Every source that answers (two at least, if two are deployed) must say so: its failures before and after lie apart
    beyond doubt, by more than the limit that makes an outage, and the newest period still shows it. The first moments
    after a change, in which pods come and go, do not count.
    """
    period = service.metrics.period_seconds
    settled = changed_at + max(_SETTLE_SECONDS, _SETTLE_SHARE * service.recovery.give_up_seconds)
    said: dict[str, list[str]] = defaultdict(list)
    sources = set()
    for finding in evidence.of(ErrorRate):
        series = sorted(finding.detail.series)
        before = [b for b in series if changed_at - _BEFORE_SECONDS <= b.start and b.start + period <= changed_at]
        after = [b for b in series if settled <= b.start and b.start + period <= now]
        if not before or len(after) < 2:
            continue
        sources.add(finding.source)
        # The outage may have been on its way up: what it had reached is what counts.
        was, since = max(before, key=lambda b: b.error_rate), total(after)
        if since.requests >= service.confirm.minimum_requests and (
                after[-1].error_rate > service.confirm.error_rate) and (
                lower_bound(since.errors, since.requests)
                > upper_bound(was.errors, was.requests) + service.confirm.error_rate):
            said[finding.component].append(f"{source_name(finding.source)}: {share(since.error_rate)} of requests fail "
                                           f"after it, at most {share(was.error_rate)} did before")
    for component, by in sorted(said.items()):
        if len(by) >= min(SOURCES_NEEDED, len(_asked(evidence))) and len(by) == len(sources):
            return f"{component} became worse: {'; '.join(by)}"
    return ""


def _fresh(service: Service) -> float:
    """How old, in seconds, a source's newest period with requests may be."""
    return _FRESH_SECONDS + service.metrics.period_seconds


def _well_since(service: Service, finding: Finding[ErrorRate], now: float, changed_at: float) -> float | None:
    """Return since when a component's requests succeed, or None where they do not, or hardly come.

    What came before ``changed_at`` alone shows nothing: a loss of traffic looks well until its silence is noticed.
    """
    series = sorted(period for period in finding.detail.series if period.requests)
    expected, period = finding.detail.usual_per_second, service.metrics.period_seconds
    # Silence is no recovery: the newest period with requests must be recent, and requests come as they used to.
    if not series or now - series[-1].start > _fresh(service) or series[-1].start + period < changed_at:
        return None
    run = _well_run(service, series, _LEAST_SHARE * expected * period if (
        expected * period >= service.confirm.minimum_requests) else 0.0)
    if not run:
        return None
    seen = total(run)
    seconds = run[0].start - run[-1].start + period
    # Requests must come much as they used to (the newest period may have just begun), and enough to tell.
    if seen.requests < min(service.confirm.minimum_requests, 0.5 * expected * seconds) or (
            seen.requests < _LEAST_SHARE * expected * (seconds - period)):
        return None
    if seen.requests >= 3 * service.confirm.minimum_requests and upper_bound(seen.errors, seen.requests, z=1.0) > (
            service.confirm.error_rate):
        return None
    return run[-1].start


def _well_run(service: Service, series: Sequence[Bucket], enough: float) -> list[Bucket]:
    """Return the periods without the symptom up to the newest, newest first.

    ``enough`` requests a period show that they come as they used to; 0 where too few are usual to tell.
    """
    period, newest = service.metrics.period_seconds, series[-1].start
    run: list[Bucket] = []
    for bucket in reversed(series):
        if bucket.error_rate > service.confirm.error_rate and bucket.errors >= _SPURIOUS_ERRORS:
            break
        # A stretch in which hardly any came is no part of it; the newest period may have just begun.
        if enough and run and (run[-1].start - bucket.start > 2 * period or (
                bucket.start < newest - period and bucket.requests < enough)):
            break
        run.append(bucket)
    return run
