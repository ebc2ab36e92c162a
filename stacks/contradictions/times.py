"""Durations that end before what they wait for, and windows that overlap what they must not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from responder.model.service import Freeze, Service
from responder.plan import guardrails
from stacks.nearest import Found

_WEEK_MINUTES = 7 * 24 * 60
_DAY_SECONDS = 86_400


def _above(service: Service, section: str, name: str, other: str, why: str) -> Iterator[Found]:
    """Find a duration that is not longer than another of its section."""
    values = getattr(service, section)
    value, least = getattr(values, name), getattr(values, other)
    if 0 < value <= least:
        yield (section, name), str(value), f"more than {other} ({least}), {why}"


def _recovery(service: Service) -> Iterator[Found]:
    recovery = service.recovery
    if 0 < recovery.hold_seconds <= recovery.check_every_seconds:
        yield (("recovery", "check_every_seconds"), str(recovery.check_every_seconds),
               f"less than hold_seconds ({recovery.hold_seconds}), in which the symptom is looked for")


def _rarest_look(service: Service) -> Iterator[Found]:
    recovery = service.recovery
    if 0 < recovery.check_at_most_every_seconds < recovery.check_every_seconds:
        yield (("recovery", "check_at_most_every_seconds"), str(recovery.check_at_most_every_seconds),
               f"check_every_seconds ({recovery.check_every_seconds}) or more: looks become rarer up to this")


def _periods(service: Service) -> Iterator[Found]:
    period = service.metrics.period_seconds
    for section, name, value in (("confirm", "window_seconds", service.confirm.window_seconds),
                                 ("recovery", "hold_seconds", service.recovery.hold_seconds)):
        if 0 < value < period:
            yield ((section, name), str(value),
                   f"metrics.period_seconds ({period}) or more: else no whole period is seen")


def _evaluation(service: Service) -> Iterator[Found]:
    for name in ("evaluation_periods", "traffic_evaluation_periods"):
        periods = getattr(service.alarms, name)
        if periods * service.metrics.period_seconds > _DAY_SECONDS:
            yield (("alarms", name), f"{periods} periods of {service.metrics.period_seconds} s",
                   "a day together at most, as CloudWatch allows")


def _freezes(service: Service) -> Iterator[Found]:
    """Find what is wrong with freezes, which would show only in an outage."""
    for index, freeze in enumerate(service.guardrails.freezes):
        for key, found, expected in _freeze(freeze):
            yield ("guardrails", "freezes", index, key), repr(found), expected


def _freeze(freeze: Freeze) -> Iterator[tuple[str, str, str]]:
    for key, text in (("start", freeze.start), ("end", freeze.end)):
        try:
            guardrails.moment(text)
        except ValueError:
            yield key, text, 'a time with its zone ("2026-11-27T00:00:00Z") or of each week, in UTC ("fri 18:00")'
            return
    weekly = [guardrails.weekly_day(text) for text in (freeze.start, freeze.end)]
    if weekly[0] != weekly[1]:
        yield "end", freeze.end, "of the same kind as start"
    elif not weekly[0] and guardrails.moment(freeze.end) <= guardrails.moment(freeze.start):
        yield "end", freeze.end, "a time after start"


def _empty_freezes(service: Service) -> Iterator[Found]:
    for index, freeze in enumerate(service.guardrails.freezes):
        if freeze.start.strip().lower() == freeze.end.strip().lower():
            yield (("guardrails", "freezes", index, "end"), repr(freeze.end),
                   "another time than start: this freeze never holds")


def _ended(service: Service, now: Callable[[], float]) -> Iterator[Found]:
    for index, freeze in enumerate(service.guardrails.freezes):
        moments = _moments(freeze)
        if moments and not guardrails.weekly_day(freeze.end) and moments[0] < moments[1] < now():
            yield (("guardrails", "freezes", index, "end"), f"{freeze.end!r}, which is over",
                   "a freeze to come; take out what is over")


def _moments(freeze: Freeze) -> tuple[float, float] | None:
    try:
        return guardrails.moment(freeze.start), guardrails.moment(freeze.end)
    except ValueError:
        return None


def _always_frozen(service: Service) -> Iterator[Found]:
    weekly = [freeze for freeze in service.guardrails.freezes
              if _moments(freeze) and guardrails.weekly_day(freeze.start) and guardrails.weekly_day(freeze.end)]
    # Weeks of 1970 will do, because each week is like the other.
    if weekly and all(any(guardrails.within(freeze, minute * 60.0) for freeze in weekly)
                      for minute in range(0, _WEEK_MINUTES, 5)):
        yield (("guardrails", "freezes"), "freezes that cover the whole week",
               "some time in which a remedy may run; mode observe does without any")


def _frozen_twice(service: Service) -> Iterator[Found]:
    freezes = service.guardrails.freezes
    for index, freeze in enumerate(freezes):
        if any((freeze.start, freeze.end) == (other.start, other.end) for other in freezes[:index]):
            yield (("guardrails", "freezes", index), "the same time again",
                   "one freeze: an action is refused unless each that is on allows it")


def _reminders(service: Service) -> Iterator[Found]:
    approval = service.approval
    if approval.remind_seconds >= approval.task_seconds > 0:
        yield (("approval", "remind_seconds"), str(approval.remind_seconds),
               f"less than task_seconds ({approval.task_seconds}): else nobody is ever reminded")


def _baseline(service: Service) -> Iterator[Found]:
    confirm = service.confirm
    if 0 < confirm.baseline_seconds <= confirm.window_seconds:
        yield (("confirm", "baseline_seconds"), str(confirm.baseline_seconds),
               f"well more than window_seconds ({confirm.window_seconds}): it says what is normal")


ERRORS = (
    partial(_above, section="recovery", name="give_up_seconds", other="hold_seconds",
            why="because a remedy would be given up before it could have held"),
    partial(_above, section="recovery", name="aftercare_seconds", other="calm_seconds",
            why="because a temporary change would be left to people before it could be taken back"),
    _recovery, _rarest_look, _periods, _evaluation, _freezes, _empty_freezes)
WARNINGS = (partial(_ended, now=lambda: datetime.now(UTC).timestamp()), _always_frozen, _frozen_twice, _reminders,
            _baseline)
