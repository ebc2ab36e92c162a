"""How often an EventBridge schedule starts its target in a month.

Source: the EventBridge User Guide's page "Schedule expressions": six fields of cron; rate of minutes, hours, days.
"""

from __future__ import annotations

import re

from stacks.prices import MONTH_HOURS

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MONTH_DAYS = MONTH_HOURS / 24


def calls_a_month(expression: str) -> float | None:
    """Return how often, in a month of 730 hours; None where the expression is of another kind.

    Of cron, minutes and hours are counted; days, months and years must be each.
    """
    if rate := _RATE.fullmatch(expression):
        return MONTH_HOURS * 60 / (int(rate[1]) * _MINUTES[rate[2]])
    cron = _CRON.fullmatch(expression)
    if not cron or any(field not in ("*", "?") for field in cron.groups()[2:]):
        return None
    minutes, hours = _count(cron[1], 60), _count(cron[2], 24)
    return minutes * hours * _MONTH_DAYS if minutes and hours else None


def _count(field: str, size: int) -> int:
    """Return how many values of ``size`` a field of cron takes; 0 where it cannot be read."""
    taken: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            start = 0 if first == "*" else int(first)
            end = int(last) if last else size - 1 if first == "*" or step else start
            taken |= set(range(start, end + 1, int(step) if step else 1))
        except ValueError:
            return 0
    return len(taken)
