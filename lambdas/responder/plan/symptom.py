"""What a component's numbers say: failing, silent, slow or well, from when, by one source."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responder.model.finding import Bucket, Finding, buckets, usual_per_second
from responder.model.service import Confirm, Service
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, lower_bound, upper_bound

Verdict = Literal["failing", "silent", "slow", "healthy", "unknown"]

_MULTIPLE_OF_BASELINE = 2.0
"""A component that always fails a little is in trouble only at twice its own habit."""
SILENT_SHARE = 0.1
MINIMUM_EXPECTED = 20.0
"""Silence counts once 20 requests were to be expected: a Poisson count of that mean is below a tenth of it with a
probability of 5e-7."""
_OVER_SECONDS = 45.0
"""Errors that ended so long ago are over; it is longer than lines take to arrive."""
_RECENT_SECONDS = 30.0
_FEWEST = 10.0
"""So few of the newest requests tell a rate of a half from one of nothing."""
_LOG_MULTIPLE = 3.0
_LOG_MINIMUM = 10


@dataclass(frozen=True)
class Reading:
    """One source's word on one component."""

    source: str
    component: str
    verdict: Verdict
    reason: str
    onset: float | None = None
    """Start of the first period in which the symptom shows, seconds since 1970 (UTC)."""
    by_lines: bool = False
    """Whether it is told by log lines: that none tells of an error is no sign that requests come."""


def read(findings: Sequence[Finding], settings: Confirm, signal_at: float | None = None) -> list[Reading]:
    """Return a reading per source and component, from the findings that bear on symptoms.

    A source whose data end well before ``signal_at`` (seconds since 1970, UTC) cannot know what the signal is about,
    and is not called healthy.
    """
    readings = []
    load = _load(findings)
    for finding in findings:
        if finding.name == "error_rate":
            readings.append(_by_requests(finding, settings, signal_at))
        elif finding.name == "error_lines":
            readings.append(_by_lines(finding, settings, load.get(finding.component)))
        elif finding.name == "latency_p95_ms":
            slow = _by_latency(finding, settings)
            if slow:
                readings.append(slow)
    return readings


def _by_requests(finding: Finding, settings: Confirm, signal_at: float | None) -> Reading:
    source, component = finding.source, finding.component
    if not finding.usable:
        return Reading(source, component, "unknown", finding.note or finding.status)
    series = buckets(finding)
    before = finding.detail.get("baseline_requests", 0.0)
    errors_before = finding.detail.get("baseline_errors", 0.0)
    silent = _silent(finding, series, before)
    if silent:
        return silent
    if not series:
        return Reading(source, component, "unknown", "no request in the window")
    # A component that errs a little all day fails at twice its habit; the habit itself is known no better than its
    # upper bound, unless there is hardly any.
    habit = upper_bound(errors_before, before) if before >= settings.minimum_requests else 0.0
    # What fails at this hour of each day, such as a nightly batch, is a habit as well.
    day = finding.detail.get("day_before") or {}
    if day.get("requests", 0.0) >= settings.minimum_requests:
        habit = max(habit, upper_bound(day["errors"], day["requests"]))
    limit = max(settings.error_rate, _MULTIPLE_OF_BASELINE * habit)
    recent, newest = _trailing(series, _RECENT_SECONDS), _newest(series, settings.minimum_requests)
    surely_well = (sum(b.requests for b in recent) >= settings.minimum_requests and _surely_below(recent, limit)
                   and not _rising(newest, limit))
    if not surely_well:
        # What has just begun is drowned by the time before it, so the shortest stretch is looked at first.
        for part in (newest, recent, _trailing(series, 60.0), series):
            requests, errors = sum(b.requests for b in part), sum(b.errors for b in part)
            if requests >= settings.minimum_requests and lower_bound(errors, requests) > limit:
                return Reading(source, component, "failing", f"{_rate(part)} of {requests:.0f} requests failed; "
                               f"normal is {errors_before / before if before else 0:.1%}", onset(series, limit))
    requests = sum(b.requests for b in series)
    if requests < settings.minimum_requests:
        return Reading(source, component, "unknown", f"only {requests:.0f} requests, too few to tell")
    if _rising(newest, limit):
        return Reading(source, component, "unknown", f"{_rate(newest)} of the newest requests failed, too few to tell")
    end = max(b.start for b in series if b.requests) + period_seconds(series)
    if signal_at is not None and end < signal_at - period_seconds(series):
        return Reading(source, component, "unknown", f"its data end {signal_at - end:.0f} s before the signal")
    return Reading(source, component, "healthy", f"{_rate(recent)} of the last requests failed")


def _silent(finding: Finding, series: Sequence[Bucket], before: float) -> Reading | None:
    """Whether the requests that the baseline lets expect do not come."""
    window = finding.window
    if window is None or not before:
        return None
    per_second = usual_per_second(finding) * _of_the_hour(finding)
    if not per_second:
        return None
    # The last half minute may not have arrived at the source yet, so silence is looked for over twice that.
    seconds = min(window.seconds, max(2 * _RECENT_SECONDS, MINIMUM_EXPECTED / per_second))
    expected = per_second * seconds
    if expected < MINIMUM_EXPECTED:
        return None
    seen = sum(b.requests for b in series if b.start >= window.end - seconds)
    if seen < SILENT_SHARE * expected:
        first = max((b.start for b in series if b.requests), default=None)
        return Reading(finding.source, finding.component, "silent",
                       f"{seen:.0f} requests where {expected:.0f} were to be expected", first)
    return None


def _of_the_hour(finding: Finding) -> float:
    """Return which share of the hour before it a day ago came at this time: a shop that closes has fewer, each day.

    ``day_before`` is {requests, errors, seconds} of the same window a day before, and {hour_requests, hour_seconds} of
    the hour before that. 1 where nothing is known of it, and where more came.
    """
    day = finding.detail.get("day_before") or {}
    if not day.get("hour_requests") or not day.get("seconds") or not day.get("hour_seconds"):
        return 1.0
    share: float = (day["requests"] / day["seconds"]) / (day["hour_requests"] / day["hour_seconds"])
    return min(1.0, share)


def _load(findings: Sequence[Finding]) -> dict[str, float]:
    """Return requests a second of each component, by the source that sees the fewest."""
    found: dict[str, float] = {}
    for finding in findings:
        part = [b for b in buckets(finding) if b.requests] if finding.name == "error_rate" and finding.usable else []
        if part:
            rate = sum(b.requests for b in part) / (len(part) * period_seconds(part))
            found[finding.component] = min(rate, found.get(finding.component, rate))
    return found


def _by_lines(finding: Finding, settings: Confirm, requests_per_second: float | None) -> Reading:
    """Judge by error lines; a request that fails has one at least, so of many requests a few lines are no outage."""
    if not finding.usable:
        return Reading(finding.source, finding.component, "unknown", finding.note or finding.status)
    window = finding.window
    seconds = window.seconds if window else 0.0
    per_second = (finding.baseline or 0.0) / 60
    series = buckets(finding)
    if window is not None and any(b.errors for b in series) and all(
            b.start + period_seconds(series) <= window.end - _OVER_SECONDS for b in series if b.errors):
        return Reading(finding.source, finding.component, "healthy", by_lines=True, reason=
                       f"no error line within the last {_OVER_SECONDS:.0f} s; there were before")
    for length in (_RECENT_SECONDS, 60.0, seconds):
        part = [b for b in series if window is None or b.start >= window.end - length]
        lines = sum(b.errors for b in part)
        # Log lines come in bursts (one failure, several lines), so they must be three times the habit, not twice.
        requests = (requests_per_second or 0.0) * length
        if requests >= settings.minimum_requests and upper_bound(min(lines, requests), requests) < settings.error_rate:
            continue
        if lines >= _LOG_MINIMUM and count_lower_bound(lines) > _LOG_MULTIPLE * per_second * length:
            first = next((b.start for b in series if b.errors > _LOG_MULTIPLE * per_second * 10 + 1), None)
            return Reading(finding.source, finding.component, "failing",
                           f"{lines:.0f} error lines in {length:.0f} s; normal are {per_second * length:.1f}", first)
    return Reading(finding.source, finding.component, "healthy", by_lines=True, reason=
                   f"{finding.value or 0:.1f} error lines a minute; normal are {finding.baseline or 0:.1f}")


def _by_latency(finding: Finding, settings: Confirm) -> Reading | None:
    value, normal = finding.value, finding.baseline
    if not finding.usable or value is None or finding.detail.get("requests", 0) < settings.minimum_requests:
        return None
    if value > settings.latency_p95_ms and (normal is None or value > SLOW_MULTIPLE * normal):
        return Reading(finding.source, finding.component, "slow",
                       f"95 % of requests took up to {value:.0f} ms; normal is {normal or 0:.0f} ms")
    return None


def onset(series: Sequence[Bucket], limit: float) -> float | None:
    """Return the start of the run of failing periods that lasts until now, one well period allowed in between."""
    first, well = None, 0
    for bucket in reversed(series):
        if not bucket.requests:
            continue
        if bucket.error_rate > limit:
            first, well = bucket.start, 0
        else:
            well += 1
            if first is not None and well > 1:
                break
    return first


def fading(service: Service, findings: Sequence[Finding], since: float | None) -> str:
    """Say where the symptom is going away by itself; an empty text where it is not, or nobody can tell.

    By every source that tells: at the entry the newest requests fail less, beyond doubt, than those before since the
    onset. What heals by itself needs a moment and no remedy.
    """
    told = []
    for finding in findings:
        if finding.name != "error_rate" or not finding.usable or finding.component != service.entry or since is None:
            continue
        series = [bucket for bucket in buckets(finding) if bucket.requests and bucket.start >= since - period_seconds(
            buckets(finding))]
        before, newest = series[:-1], series[-1:]
        errors, requests = (sum(getattr(bucket, name) for bucket in before) for name in ("errors", "requests"))
        if requests < service.confirm.minimum_requests or newest[0].requests < _FEWEST:
            continue
        if upper_bound(newest[0].errors, newest[0].requests) >= lower_bound(errors, requests):
            return ""
        told.append(f"{finding.source}: {newest[0].error_rate:.0%} of the newest {newest[0].requests:.0f} requests "
                    f"failed, {errors / requests:.0%} did before")
    return "; ".join(told)


def _trailing(series: Sequence[Bucket], seconds: float) -> list[Bucket]:
    newest = max((b.start for b in series if b.requests), default=0.0)
    return [b for b in series if b.start > newest - seconds]


def _newest(series: Sequence[Bucket], minimum: int) -> list[Bucket]:
    """The shortest stretch up to now with enough requests to tell."""
    part: list[Bucket] = []
    for bucket in reversed(series):
        part.append(bucket)
        if sum(b.requests for b in part) >= minimum:
            break
    return part


def _rising(newest: Sequence[Bucket], limit: float) -> bool:
    """Whether the newest requests fail so often that it may just be beginning: half the limit, by two or more."""
    requests, errors = sum(b.requests for b in newest), sum(b.errors for b in newest)
    return errors >= 2 and errors > limit / 2 * requests


def period_seconds(series: Sequence[Bucket]) -> float:
    """Return how long the periods of a series are: as the two that follow each other most closely."""
    return min((b.start - a.start for a, b in itertools.pairwise(series)), default=60.0)


def _surely_below(part: Sequence[Bucket], limit: float) -> bool:
    return upper_bound(sum(b.errors for b in part), sum(b.requests for b in part)) < limit


def _rate(part: Sequence[Bucket]) -> str:
    requests = sum(b.requests for b in part)
    return f"{sum(b.errors for b in part) / requests if requests else 0:.1%}"
