"""What a component's numbers say: failing, silent, slow or healthy, from when, by one source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from responder.model.evidence import Bucket, Detail, Evidence, Finding
from responder.model.evidence.error_lines import ErrorLines
from responder.model.evidence.error_rate import DayBefore, ErrorRate
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.frozen import dataclass
from responder.model.service import Confirm, Service
from responder.plan.approval_rate import rates
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, lower_bound, upper_bound
from responder.plan.series import newest_start, period_seconds, total, trailing
from responder.plan.wording import count, duration, share, source_name

State = Literal["failing", "silent", "slow", "healthy", "unknown"]

_MULTIPLE_OF_BASELINE = 2.0
"""A component that always fails a little is in trouble only at twice its own habit."""
_ALL = 1.0
"""From here no share of requests is above the limit. What failed half of its requests before has no habit to be judged
by: an outage may be older than the baseline, where the responder is started late."""
SILENT_SHARE = 0.1
MINIMUM_EXPECTED = 20.0
"""Silence counts once 20 requests were to be expected: a Poisson count of that mean is below a tenth of it with a
probability of 5e-7."""
_OVER_SECONDS = 45.0
"""Errors that ended this long ago are over; log lines arrive sooner."""
_RECENT_SECONDS = 30.0
_MINUTE = 60.0
_FEWEST = 10.0
"""With fewer of the newest requests a rate of a half cannot be told from one of nothing."""
_LOG_MULTIPLE = 3.0
"""Log lines come in bursts (one failure, several lines), so they must be three times the habit, not twice."""
_LOG_MINIMUM = 10
_LOG_PERIOD_SECONDS = 10


@dataclass(frozen=True)
class Verdict:
    """What one source says of one component."""

    source: str
    component: str
    state: State
    reason: str
    onset: float | None = None
    """Start of the first period in which the symptom shows, seconds since 1970 (UTC)."""
    declines: bool = False
    """Whether what fails is payments that are declined, which no status shows."""
    by_lines: bool = False
    """Whether it is told by log lines: that none tells of an error is no sign that requests come."""


def verdicts(service: Service, evidence: Evidence, signal_at: float | None = None) -> list[Verdict]:
    """Return a verdict for each answer that bears on symptoms: by source, then in the order of the components.

    A source whose data end well before ``signal_at`` (seconds since 1970, UTC) cannot know what the signal is about,
    and is not called healthy.
    """
    settings, load = service.confirm, _requests_per_second(evidence)
    found: list[tuple[Finding[Detail], Verdict]] = [
        *((lines, _by_lines(lines, settings, load.get(lines.component), signal_at))
          for lines in evidence.asked(ErrorLines)),
        *((rate, _by_requests(rate, settings, signal_at)) for rate in evidence.asked(ErrorRate)),
        *((latency, said) for latency in evidence.of(LatencyP95) if (said := slow(latency, settings))),
        *((rate, said) for rate in rates(evidence) if (said := declining(rate, settings, signal_at)))]
    order = {component.name: place for place, component in enumerate(service.components)}
    found.sort(key=lambda pair: (pair[0].source, pair[0].name, order.get(pair[0].component, len(order))))
    return [verdict for _, verdict in found]


def _verdict(finding: Finding[Detail], state: State, reason: str, began: float | None = None) -> Verdict:
    return Verdict(finding.source, finding.component, state, reason, began,
                   by_lines=state == "healthy" and isinstance(finding.detail, ErrorLines))


def _by_requests(finding: Finding[ErrorRate], settings: Confirm, signal_at: float | None) -> Verdict:
    if not finding.usable:
        return _verdict(finding, "unknown", finding.note or finding.status)
    series = sorted(finding.detail.series)
    silent = _silent(finding, series)
    if silent:
        return silent
    if not series:
        return _verdict(finding, "unknown", "no request in the window")
    limit = _limit(finding.detail, settings)
    recent, newest = trailing(series, _RECENT_SECONDS), _newest(series, settings.minimum_requests)
    surely_well = (total(recent).requests >= settings.minimum_requests and _surely_below(recent, limit)
                   and not _rising(newest, limit))
    if not surely_well:
        # What has just begun is drowned by the time before it, so the shortest stretch is looked at first.
        for part in (newest, recent, trailing(series, _MINUTE), series):
            seen = total(part)
            if seen.requests >= settings.minimum_requests and lower_bound(seen.errors, seen.requests) > limit:
                usual = Bucket(0.0, finding.detail.baseline_requests, finding.detail.baseline_errors)
                return _verdict(finding, "failing", f"{share(seen.error_rate)} of {count(seen.requests)} requests "
                                f"failed{_normally(usual.error_rate, share)}", onset(series, limit))
    requests = total(series).requests
    if requests < settings.minimum_requests:
        return _verdict(finding, "unknown", f"only {count(requests)} requests, too few to tell")
    day = finding.detail.day_before
    if day and _is_no_habit_of(day, recent, settings):
        return _verdict(finding, "unknown", f"{share(total(recent).error_rate)} of the last requests failed; that is "
                                            f"as in the hour before, and a day ago it was "
                                            f"{share(day.errors / day.requests)}")
    if _rising(newest, limit):
        return _verdict(finding, "unknown",
                        f"{share(total(newest).error_rate)} of the newest requests failed, too few to tell")
    end = newest_start(series) + period_seconds(series)
    if signal_at is not None and end < signal_at - period_seconds(series):
        return _verdict(finding, "unknown", f"its data end {duration(signal_at - end)} before the signal")
    if limit >= _ALL and not _surely_below(recent, settings.error_rate):
        return _verdict(finding, "unknown", f"{share(total(recent).error_rate)} of the last requests failed, and so "
                                            "many before that none could be more than usual")
    return _verdict(finding, "healthy", f"{share(total(recent).error_rate)} of the last requests failed")


def declining(finding: Finding[ErrorRate], settings: Confirm, signal_at: float | None = None) -> Verdict | None:
    """Return that more payments are declined than usual; None where they are not, or nobody can tell."""
    said = _by_requests(finding, settings, signal_at)
    if said.state != "failing":
        return None
    seen = total(trailing(sorted(finding.detail.series), _MINUTE))
    return replace(said, declines=True, reason=f"{share(seen.error_rate)} of {count(seen.requests)} payments were "
                                               "declined beyond what is usual for their kinds")


def _limit(rate: ErrorRate, settings: Confirm) -> float:
    """Return the share of requests from which a component fails.

    A component that errs a little all day fails at twice its habit; the habit itself is known no better than its upper
    bound, unless there is hardly any. What fails at this hour of each day, such as a nightly batch, is a habit as well.
    """
    day = rate.day_before
    return max(_limit_by(rate.baseline_requests, rate.baseline_errors, settings),
               _limit_by(day.requests, day.errors, settings) if day else 0.0)


def _limit_by(requests: float, errors: float, settings: Confirm) -> float:
    """Return the share of requests from which a component fails, by one habit; too few requests are none."""
    habit = upper_bound(errors, requests) if requests >= settings.minimum_requests else 0.0
    return max(settings.error_rate, _MULTIPLE_OF_BASELINE * habit)


def _is_no_habit_of(day: DayBefore, recent: Sequence[Bucket], settings: Confirm) -> bool:
    """Whether surely more fails than the same hour of the day before makes usual; False where nobody can tell.

    An outage that is as old as the baseline is all that the baseline takes for usual.
    """
    seen = total(recent)
    return (min(day.requests, seen.requests) >= settings.minimum_requests and lower_bound(
        seen.errors, seen.requests) > _limit_by(day.requests, day.errors, settings))


def _silent(finding: Finding[ErrorRate], series: Sequence[Bucket]) -> Verdict | None:
    """Return that the requests that the baseline lets expect do not come; None where they do, or nobody can tell."""
    window = finding.window
    per_second = finding.detail.usual_per_second * _of_the_hour(finding.detail.day_before)
    if window is None or not per_second:
        return None
    # The last half minute may not have arrived at the source yet, so silence is looked for over twice that.
    seconds = min(window.seconds, max(2 * _RECENT_SECONDS, MINIMUM_EXPECTED / per_second))
    expected = per_second * seconds
    if expected < MINIMUM_EXPECTED:
        return None
    seen = total(period for period in series if period.start >= window.end - seconds).requests
    if seen < SILENT_SHARE * expected:
        return _verdict(finding, "silent", f"{count(seen)} requests where {count(expected)} were to be expected",
                        newest_start(series) or None)
    return None


def _of_the_hour(day: DayBefore | None) -> float:
    """Return which share of the hour before it a day ago came at this time: a shop that closes has fewer, each day.

    1 where nothing is known of it, and where more came.
    """
    if day is None or not day.hour_requests or not day.seconds or not day.hour_seconds:
        return 1.0
    return min(1.0, (day.requests / day.seconds) / (day.hour_requests / day.hour_seconds))


def _requests_per_second(evidence: Evidence) -> dict[str, float]:
    """Return requests a second of each component, by the source that sees the fewest; a sample tells no number."""
    found: dict[str, float] = {}
    for finding in evidence.of(ErrorRate):
        if finding.detail.sampled:
            continue
        part = [period for period in sorted(finding.detail.series) if period.requests]
        if part:
            rate = total(part).requests / (len(part) * period_seconds(part))
            found[finding.component] = min(rate, found.get(finding.component, rate))
    return found


def _by_lines(finding: Finding[ErrorLines], settings: Confirm, requests_per_second: float | None,
              signal_at: float | None) -> Verdict:
    """Judge by error lines; a request that fails has one at least, so of many requests a few lines are no outage."""
    if not finding.usable:
        return _verdict(finding, "unknown", finding.note or finding.status)
    window, series = finding.window, sorted(finding.detail.series)
    per_second = (finding.baseline or 0.0) / _MINUTE
    errors = [period for period in series if period.errors]
    blind = _blind(finding, signal_at)
    if window is not None and errors and all(
            period.start + period_seconds(series) <= window.end - _OVER_SECONDS for period in errors):
        return _verdict(finding, "unknown" if blind else "healthy", blind or
                        f"no error line within the last {duration(_OVER_SECONDS)}; there were before")
    for length in (_RECENT_SECONDS, _MINUTE, window.seconds if window else 0.0):
        lines = total(period for period in series if window is None or period.start >= window.end - length).errors
        requests = (requests_per_second or 0.0) * length
        if requests >= settings.minimum_requests and upper_bound(min(lines, requests), requests) < settings.error_rate:
            continue
        if lines >= _LOG_MINIMUM and count_lower_bound(lines) > _LOG_MULTIPLE * per_second * length:
            least = _LOG_MULTIPLE * per_second * _LOG_PERIOD_SECONDS + 1
            return _verdict(finding, "failing",
                            f"{count(lines)} error lines in {duration(length)}{_normally(per_second * length, _lines)}",
                            next((period.start for period in errors if period.errors > least), None))
    return _verdict(finding, "unknown" if blind else "healthy", blind or (
        f"{_lines(finding.value or 0)} error lines a minute" + _normally(finding.baseline or 0, _lines)))


def _blind(finding: Finding[ErrorLines], signal_at: float | None) -> str:
    """Return why a source may have no error line though there are some; empty where nothing says so.

    Lines that are few or late, or whose time or level was not understood, look like a service that is well.
    """
    detail, window = finding.detail, finding.window
    if finding.status == "partial":
        return finding.note or finding.status
    if not detail.all_lines and detail.baseline_all_lines:
        return f"no line of any kind in the window, where there were {count(detail.baseline_all_lines)} before"
    length = detail.period_seconds or _LOG_PERIOD_SECONDS
    if window is not None and any(not window.start - length <= period.start <= window.end for period in detail.series):
        return "its lines bear times outside the window"
    if detail.newest is not None and signal_at is not None and detail.newest + 2 * length < signal_at:
        return f"its newest line is from {duration(signal_at - detail.newest)} before the signal"
    return ""


def _normally(usual: float, said: Callable[[float], str]) -> str:
    return f" (normally {said(usual) if usual else 'none'})"


def _lines(number: float) -> str:
    return "fewer than one" if 0 < number < 1 else count(number)


def slow(finding: Finding[LatencyP95], settings: Confirm) -> Verdict | None:
    """Return that a component is slow; None where it is not, or nobody can tell."""
    value, normal = finding.value, finding.baseline
    if not finding.usable or value is None or finding.detail.requests < settings.minimum_requests:
        return None
    if value > settings.latency_p95_ms and (normal is None or value > SLOW_MULTIPLE * normal):
        return _verdict(finding, "slow",
                        f"95% of requests took up to {duration(value / 1000)}"
                        + (f" (normally {duration(normal / 1000)})" if normal else ""))
    return None


def onset(series: Sequence[Bucket], limit: float) -> float | None:
    """Return the start of the run of failing periods that lasts until now, one well period allowed in between."""
    first, well = None, 0
    for period in reversed(series):
        if not period.requests:
            continue
        if period.error_rate > limit:
            first, well = period.start, 0
        else:
            well += 1
            if first is not None and well > 1:
                break
    return first


def fading(service: Service, evidence: Evidence, since: float | None) -> str:
    """Say where the symptom is going away by itself; an empty text where it is not, or nobody can tell.

    Every source that can tell must say so: at the entry the newest requests fail less, beyond doubt, than those before
    them since the onset. What heals by itself needs a moment and no remedy.
    """
    if since is None:
        return ""
    said = []
    for source, before, newest in _since(service, evidence, since):
        if before.requests < service.confirm.minimum_requests or newest.requests < _FEWEST:
            continue
        if upper_bound(newest.errors, newest.requests) >= lower_bound(before.errors, before.requests):
            return ""
        said.append(f"{source_name(source)}: {share(newest.error_rate)} of the newest {count(newest.requests)} "
                    f"requests failed, {share(before.error_rate)} did before")
    return "; ".join(said)


def _since(service: Service, evidence: Evidence, moment: float) -> Iterator[tuple[str, Bucket, Bucket]]:
    """Yield each source with the entry's requests since a moment: those before the newest period, and the newest."""
    for finding in evidence.of(ErrorRate, service.entry):
        whole = sorted(finding.detail.series)
        series = [period for period in whole if period.requests and period.start >= moment - period_seconds(whole)]
        if len(series) > 1:
            yield finding.source, total(series[:-1]), series[-1]


def _newest(series: Sequence[Bucket], minimum: int) -> list[Bucket]:
    """Return the shortest stretch up to now with enough requests to tell, newest first."""
    part: list[Bucket] = []
    for period in reversed(series):
        part.append(period)
        if total(part).requests >= minimum:
            break
    return part


def _rising(newest: Sequence[Bucket], limit: float) -> bool:
    """Whether the newest requests fail so often that it may just be beginning: half the limit, by two or more."""
    seen = total(newest)
    return seen.errors >= 2 and seen.errors > limit / 2 * seen.requests


def _surely_below(part: Sequence[Bucket], limit: float) -> bool:
    seen = total(part)
    return upper_bound(seen.errors, seen.requests) < limit
