"""How sure must be who looks often, so that it goes off for nothing rarely.

It is apart from ``plan/rates.py`` because the functions that only ask need not load ``statistics``.
"""

from __future__ import annotations

from statistics import NormalDist

_WEEK_SECONDS = 604_800


def sureness(false_alarms_a_week: float, period_seconds: int, periods: int = 1) -> float:
    """Return how many standard deviations an alarm must be sure of, to go off falsely so often at most.

    The worst case is a service that fails just as much as the threshold allows. ``periods``: so many in a row must
    breach. A window that slides is as independent as windows one after the other.
    """
    chance = min(0.5, false_alarms_a_week * period_seconds / _WEEK_SECONDS)
    return round(NormalDist().inv_cdf(1.0 - chance ** (1.0 / periods)), 2)
