"""The plan's "Monitor the recovery process": whether the symptom has gone, for how long, and what follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responder.model.finding import Bucket, Finding, buckets, usual_per_second
from responder.model.service import Service
from responder.plan.rates import lower_bound, upper_bound
from responder.plan.symptom import MINIMUM_EXPECTED, SILENT_SHARE, Reading, read

Answer = Literal["recovered", "waiting", "not_helped", "worse"]

SOURCES_NEEDED = 2
_GROWTH = 0.6
"""Of the time that has passed until the next look: a recovery is noticed at most that much later than it came."""
_BEFORE_SECONDS = 60.0
_SETTLE_SECONDS = 20.0
_SETTLE_SHARE = 1 / 15
"""Of the time that a remedy has to help: pods come and go, an instance starts again."""
_LEAST_SHARE = 0.3
"""Fewer requests than this share of what the baseline had are no recovery: customers are still kept away."""
_SILENCE_SECONDS = 30.0
"""Before a change, looked at after it: by then the data of that time have arrived."""
_SPURIOUS_ERRORS = 2
"""One failed request in a period that has just begun is no symptom."""


@dataclass(frozen=True)
class Progress:
    """How the recovery goes."""

    answer: Answer
    reason: str
    error_rate: float | None
    """At the entry, over the time that must be well; None where nobody could tell."""
    well_since: float | None
    """Since when the symptom is gone, by the source that says so last; seconds since 1970 (UTC)."""
    wait_seconds: int = 0
    """After how long to look again; 0 where there is nothing to wait for."""


def judge(service: Service, findings: Sequence[Finding], now: float, changed_at: float,
          give_up_seconds: float, changed: bool = False, slow_until: float | None = None) -> Progress:
    """Judge the recovery at ``now`` (seconds since 1970, UTC), after what was done at ``changed_at``.

    ``changed`` says that a remedy was carried out then, so that getting worse is held against it. ``slow_until`` is
    when a look last found something slow: there is no series that would tell it, as there is one of the errors.

    Recovered means: by at least two sources (or all that are deployed, where there are fewer), every component has
    been without the symptom for ``recovery.hold_seconds``, with requests to show for it. Where only one of several
    sources answers, its word counts after twice that time: a source that fails must not keep an outage open, nor take
    back what helped.
    """
    asked = {finding.source for finding in findings if finding.name in ("error_rate", "answer")}
    answering = {finding.source for finding in findings if finding.name == "error_rate" and finding.usable
                 and now - max((b.start for b in buckets(finding) if b.requests), default=0.0) <= _fresh(service)}
    needed = min(SOURCES_NEEDED, max(1, len(answering)))
    hold = service.recovery.hold_seconds * (2 if len(answering) == 1 < len(asked) else 1)
    well: dict[str, float] = {}
    reasons: list[str] = []
    rates: list[float] = []
    by_source: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.name == "error_rate":
            by_source[finding.source].append(finding)
    for source, found in sorted(by_source.items()):
        usable = [finding for finding in found if finding.usable]
        if not usable:
            reasons.append(f"{source}: {found[0].note or found[0].status}")
            continue
        if source not in answering:
            reasons.append(f"{source}: it has no recent data")
            continue
        slow = _slow(service, [finding for finding in findings if finding.source == source])
        if slow:
            reasons.append(f"{source}: {slow[0].component} is slow: {slow[0].reason}")
            continue
        since = [_well_since(service, finding, now, changed_at) for finding in usable]
        entry = next((finding for finding in usable if finding.component == service.entry), usable[0])
        recent = [b for b in buckets(entry) if b.start >= now - service.recovery.hold_seconds - 20]
        if sum(b.requests for b in recent):
            rates.append(sum(b.errors for b in recent) / sum(b.requests for b in recent))
        known = [max(moment, slow_until or moment) for moment in since if moment is not None]
        if known and len(known) == len(since):
            well[source] = max(known)
            reasons.append(f"{source}: well for {now - well[source]:.0f} s")
        else:
            reasons.append(f"{source}: the symptom is still there")
    rate = round(sum(rates) / len(rates), 4) if rates else None
    long_enough = [moment for moment in well.values() if now - moment >= hold]
    said = "; ".join(reasons) or "no source answered"
    if len(long_enough) >= needed:
        return Progress("recovered", said, rate, max(long_enough))
    harmed = worse(service, findings, now, changed_at) if changed else ""
    if harmed:
        return Progress("worse", harmed, rate, None)
    if now - changed_at >= give_up_seconds and not well:
        return Progress("not_helped", said, rate, None)
    # Somebody sees it getting better: the time to hold is granted on top, but no more than that.
    if now - changed_at >= give_up_seconds + 2 * hold:
        return Progress("not_helped", said, rate, None)
    since_well = max(well.values()) if well else None
    return Progress("waiting", said, rate, since_well,
                    next_look(service, now - changed_at, None if since_well is None else since_well + hold - now))


_SPANS_SECONDS = 5.0
"""A flag is read, and a connection made, within seconds of the change."""


def helped(service: Service, findings: Sequence[Finding], component: str, now: float, changed_at: float,
           where: str = "") -> bool:
    """Whether a component that failed before ``changed_at`` is well since, whatever others do: by all that can tell.

    Two faults at once have two remedies, and the one that did its part is not taken back for the other. Where both are
    of one component, it is the calls of what failed (``where``: the database, a provider) that are well since. Where
    no request came, a remedy has done its part once they come: what these then fail at had been hidden by the silence.
    """
    if _calls_well(service, findings, component, where, changed_at):
        return True
    if any(reading.component == component for reading in _slow(service, findings)):
        return False
    found = []
    for finding in findings:
        if finding.name != "error_rate" or not finding.usable or finding.component != component:
            continue
        if _silent_before(service, finding, changed_at):
            found.append(_requests_come(service, finding, now, changed_at))
            continue
        failed = [b for b in buckets(finding) if b.start < changed_at and b.errors >= _SPURIOUS_ERRORS
                  and b.error_rate > service.confirm.error_rate]
        since = _well_since(service, finding, now, changed_at)
        if failed:
            found.append(since is not None and now - since >= service.recovery.hold_seconds)
    return bool(found) and all(found)


def _silent_before(service: Service, finding: Finding, changed_at: float) -> bool:
    """Whether hardly any of the requests that were to be expected came just before a change."""
    start = max(changed_at - _SILENCE_SECONDS, finding.window.start if finding.window else changed_at)
    expected = usual_per_second(finding) * (changed_at - start)
    seen = sum(b.requests for b in buckets(finding)
               if start <= b.start and b.start + service.metrics.period_seconds <= changed_at)
    return expected >= MINIMUM_EXPECTED and seen < SILENT_SHARE * expected


def _requests_come(service: Service, finding: Finding, now: float, changed_at: float) -> bool:
    """Whether requests have come much as they used to for as long as a recovery must hold, since a change."""
    series = [b for b in buckets(finding) if b.requests]
    if not series or now - series[-1].start > _fresh(service):
        return False
    end = series[-1].start + service.metrics.period_seconds
    start = end - service.recovery.hold_seconds
    seen = sum(b.requests for b in series if b.start >= start)
    return start >= changed_at and seen >= _LEAST_SHARE * usual_per_second(finding) * service.recovery.hold_seconds


def _calls_well(service: Service, findings: Sequence[Finding], component: str, where: str,
                changed_at: float) -> bool:
    """Whether the calls of the database, or of the providers, succeed by client spans that are all since a change."""
    provider = where.startswith("provider:")
    told = []
    for finding in findings:
        if finding.name != "calls" or not finding.usable or finding.component != component or not finding.window or (
                finding.window.start < changed_at - _SPANS_SECONDS):
            continue
        # Who uses another provider now must get on with that one.
        called = [callee for host, callee in finding.detail.get("callees", {}).items()
                  if (name := service.called(host)) == where or (provider and name.startswith("provider:"))]
        requests, errors = (sum(callee.get(key, 0.0) for callee in called) for key in ("requests", "errors"))
        if requests < service.confirm.minimum_requests:
            return False
        told.append(lower_bound(errors, requests) <= service.confirm.error_rate)
    return bool(told) and all(told)


def slow_until(service: Service, findings: Sequence[Finding]) -> float | None:
    """Return the end of the last window in which something was slow, by findings of several looks; None: there is none.
    """
    return max((finding.window.end for finding in findings if finding.window and _slow(service, [finding])),
               default=None)


def _slow(service: Service, findings: Sequence[Finding]) -> list[Reading]:
    """What the latencies among findings say is slow."""
    return [reading for reading in read([finding for finding in findings if finding.name == "latency_p95_ms"],
                                        service.confirm) if reading.verdict == "slow"]


def next_look(service: Service, elapsed_seconds: float, left_seconds: float | None) -> int:
    """Return after how many seconds to look again.

    While it takes long, looks become rarer, so that hours of watching stay cheap; where it is well already, the next
    look is when it has been well for long enough (``left_seconds``), if that is sooner.
    """
    recovery = service.recovery
    wait = min(max(recovery.check_every_seconds, _GROWTH * elapsed_seconds), recovery.check_at_most_every_seconds)
    if left_seconds is not None:
        wait = max(recovery.check_every_seconds, min(wait, left_seconds + 1))
    return max(1, round(wait))


def worse(service: Service, findings: Sequence[Finding], now: float, changed_at: float) -> str:
    """Say which component became worse by what was done at ``changed_at``; an empty text where none did.

    By every source that answers (two at least, where two are deployed): its failures before and after lie apart beyond
    doubt, by more than the limit that makes an outage, and the newest period shows it still. The first moments after a
    change, in which pods come and go, do not count.
    """
    asked = {finding.source for finding in findings if finding.name in ("error_rate", "answer")}
    told: dict[str, list[str]] = defaultdict(list)
    sources = set()
    for finding in findings:
        if finding.name != "error_rate" or not finding.usable:
            continue
        period = service.metrics.period_seconds
        settled = changed_at + max(_SETTLE_SECONDS, _SETTLE_SHARE * service.recovery.give_up_seconds)
        series = buckets(finding)
        before = [b for b in series if changed_at - _BEFORE_SECONDS <= b.start and b.start + period <= changed_at]
        after = [b for b in series if settled <= b.start and b.start + period <= now]
        if not before or len(after) < 2:
            continue
        sources.add(finding.source)
        # The outage may have been on its way up: what it had reached is what counts.
        was = max(before, key=lambda b: b.error_rate)
        requests, errors = sum(b.requests for b in after), sum(b.errors for b in after)
        if requests >= service.confirm.minimum_requests and after[-1].error_rate > service.confirm.error_rate and (
                lower_bound(errors, requests) > upper_bound(was.errors, was.requests) + service.confirm.error_rate):
            told[finding.component].append(f"{finding.source}: {errors / requests:.0%} of requests fail after it, "
                                           f"at most {was.error_rate:.0%} did before")
    for component, said in sorted(told.items()):
        if len(said) >= min(SOURCES_NEEDED, len(asked)) and len(said) == len(sources):
            return f"{component} became worse: {'; '.join(said)}"
    return ""


def _fresh(service: Service) -> float:
    """How old, in seconds, a source's newest period with requests may be."""
    return 60.0 + service.metrics.period_seconds


def _well_since(service: Service, finding: Finding, now: float, changed_at: float) -> float | None:
    """Return since when a component's requests succeed, or None where they do not, or hardly come.

    What came before ``changed_at`` alone shows nothing: a loss of traffic looks well until its silence is noticed.
    """
    series = [b for b in buckets(finding) if b.requests]
    if not series:
        return None
    expected = usual_per_second(finding)
    newest = series[-1].start
    # Silence is no recovery: the newest period with requests must be recent, and requests come as they used to.
    period = service.metrics.period_seconds
    if now - newest > _fresh(service) or newest + period < changed_at:
        return None
    enough = _LEAST_SHARE * expected * period if expected * period >= service.confirm.minimum_requests else 0.0
    run: list[Bucket] = []
    for bucket in reversed(series):
        if bucket.error_rate > service.confirm.error_rate and bucket.errors >= _SPURIOUS_ERRORS:
            break
        # Nor is a stretch in which hardly any came part of it; the newest period may have just begun.
        if enough and run and (run[-1].start - bucket.start > 2 * period or (
                bucket.start < newest - period and bucket.requests < enough)):
            break
        run.append(bucket)
    if not run:
        return None
    requests, errors = sum(b.requests for b in run), sum(b.errors for b in run)
    seconds = run[0].start - run[-1].start + period
    # Requests must come much as they used to (the newest period may have just begun), and enough to tell.
    if requests < min(service.confirm.minimum_requests, 0.5 * expected * seconds) or requests < _LEAST_SHARE * (
            expected * (seconds - period)):
        return None
    if requests >= 3 * service.confirm.minimum_requests and upper_bound(errors, requests, z=1.0) > (
            service.confirm.error_rate):
        return None
    return run[-1].start
