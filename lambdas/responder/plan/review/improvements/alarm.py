"""Whether another alarm would have told of an incident sooner, without more false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from responder.model.evidence import Bucket, Series, Window
from responder.model.frozen import dataclass
from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.plan import wording
from responder.plan.advice import Advice, Effort
from responder.plan.review.contents import PastIncident
from responder.plan.times import shortest_step
from responder.plan.wording import count, duration, share

_LATE_SECONDS = 60.0
_THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.1)
_PERIOD_SECONDS = 10.0
"""Of the service's own metrics."""
_PERIODS = (1, 2, 3, 6)
"""How many periods an alarm may look over."""
_LEAST_REQUESTS = 20.0
"""Fewer requests than this say nothing about an error rate."""
_FALSE_ALARMS_A_WEEK = 1.0
"""An alarm that would have gone off falsely more often than this is not proposed."""
_DAY_SECONDS = 86_400.0
_WEEK_SECONDS = 7 * _DAY_SECONDS
_AROUND_SECONDS = 900.0
"""An incident is noticed after it began, and its end is known to a few minutes."""


@dataclass(frozen=True)
class BetterAlarm:
    """An alarm on the entry's error rate that would have gone off sooner than the one that did."""

    threshold: float
    over_seconds: float
    """How long it looks over."""
    saved_seconds: float
    """How much sooner it would have gone off."""
    false_alarms_a_week: float
    counted_seconds: float
    """The time in which false alarms were counted; 0 where nothing is known of the weeks before."""


def came_late(incident: Incident) -> bool:
    """Whether the first signal came so late that another alarm is looked for: only that needs the weeks before."""
    onset, opened = epoch(incident.onset), epoch(incident.opened_at)
    return bool(onset and opened and opened - onset > _LATE_SECONDS)


def quiet(weeks: Series, history: Sequence[PastIncident]) -> Series:
    """Return the periods in which no incident was open."""
    spans = [(opened - _AROUND_SECONDS, opened + (past.recovery_seconds or 0.0) + _AROUND_SECONDS)
             for past in history if past.outcome != "false_alarm" and (opened := epoch(past.opened_at))]
    return tuple(bucket for bucket in weeks if not any(start <= bucket.start <= end for start, end in spans))


def late_alarm(incident: Incident, series: Series, weeks: Series) -> Iterator[Advice]:
    """Yield that the alarm came late.

    Saved would have been: from when a better alarm would have told to when the incident was opened; where none is
    known, nothing can be said.
    """
    onset, opened = epoch(incident.onset), epoch(incident.opened_at)
    if not onset or not opened or not came_late(incident):
        return
    late = f"The first signal came {duration(opened - onset)} after the first failing period"
    better = sooner(series, weeks, onset, opened)
    if better is None:
        yield Advice(
            "watch-another-signal", "detection", "The alarm came late",
            f"{late}; no threshold on the error rate would have told sooner without false alarms",
            f"alarms of {incident.service}", "watch another signal of this failure: a canary from outside, or the "
            "component's own", "SRE", Effort.CHECK, "such a failure is noticed within a minute when it is made in a "
            "test")
        return
    falsely = "how often falsely is not known: there are no data of the weeks before"
    if better.counted_seconds:
        falsely = (f"about {wording.decimal(better.false_alarms_a_week)} times a week falsely, judged by the "
                   f"{count(better.counted_seconds / _DAY_SECONDS)} days before")
    alarm = f"{share(better.threshold)} over {duration(better.over_seconds)}"
    yield Advice(
        "set-alarm", "detection", "The alarm came late",
        f"{late}; an error rate above {alarm} would have told {duration(better.saved_seconds)} sooner, "
        f"and gone off {falsely}", f"alarm on the error rate of {incident.service}", f"set the alarm to {alarm}",
        "SRE", Effort.SETTING, f"the configuration has alarms.error_rate: {wording.exact(better.threshold)}",
        (Window(opened - better.saved_seconds, opened),))


def sooner(series: Series, weeks: Series, onset: float, opened: float) -> BetterAlarm | None:
    """Return the alarm that would have gone off soonest between onset and opening (seconds since 1970, UTC).

    Among those that go off at the same time it is the one with the fewest false alarms. None where no alarm would have
    gone off sooner with at most one false alarm a week.
    """
    measured = tuple(bucket for bucket in series if bucket.requests)
    candidates = [alarm for threshold in _THRESHOLDS
                  for alarm in _alarms(measured, threshold, onset, opened, *_false_alarms(weeks, threshold, onset))]
    return max(candidates, default=None, key=lambda alarm: (
        alarm.saved_seconds, -alarm.false_alarms_a_week, alarm.threshold, alarm.over_seconds))


def _false_alarms(weeks: Series, threshold: float, onset: float) -> tuple[float, float]:
    """Return how many alarms a week a threshold gave for nothing, and the seconds over which they were counted."""
    span = weeks[-1].start - weeks[0].start if len(weeks) > 1 else 0.0
    above = [bucket.start for bucket in weeks if bucket.start < onset and _rate((bucket,)) > threshold]
    # Periods in a row are one alarm.
    alarms = sum(start - last > _AROUND_SECONDS for last, start in pairwise([float("-inf"), *above]))
    return alarms / (span / _WEEK_SECONDS) if span else 0.0, span


def _alarms(series: Series, threshold: float, onset: float, opened: float, weekly: float,
            span: float) -> Iterator[BetterAlarm]:
    """Yield the alarms of one threshold that would have gone off between onset and opening."""
    if len(series) < 2 or weekly > _FALSE_ALARMS_A_WEEK:
        return
    period = shortest_step((bucket.start for bucket in series), _PERIOD_SECONDS) or _PERIOD_SECONDS
    for periods in _PERIODS:
        ends = (series[last].start + period for last in range(periods - 1, len(series))
                if series[last].start + period > onset and _rate(series[last - periods + 1:last + 1]) > threshold)
        told = next(ends, None)
        if told is not None and told < opened:
            yield BetterAlarm(threshold, periods * period, opened - told, weekly, span)


def _rate(buckets: Sequence[Bucket]) -> float:
    """Return the share of requests that failed; 0 where there were too few to tell."""
    requests = sum(bucket.requests for bucket in buckets)
    return sum(bucket.errors for bucket in buckets) / requests if requests >= _LEAST_REQUESTS else 0.0
