"""Metric math for alarms that are sure of what they say, also where there are few requests.

Sources: AWS's page "Using metric math" (operators, and which functions are not for alarms: those that make one number
of a series) and E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927): the score
interval, whose lower bound holds for small counts, too.
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


def share_at_least(bad: str, total: str, z: float, least: float) -> str:
    """Return the lower bound of the share of ``bad`` among ``total``: Wilson's, by ``z`` standard deviations.

    It is 0 below ``least`` bad ones. No requests at all give no value, because metric math drops a division by zero.
    """
    square = z * z
    # The two counts may reach CloudWatch in different periods. ABS keeps the root real where more failed than came.
    spread = f"(ABS({total} - {bad}) * {bad} / {total} + {square / 4:g}) ^ 0.5"
    return (f"IF({bad} >= {least:g}, ({bad} + {square / 2:g} - {z:g} * ({spread})) / ({total} + {square:g}), 0)")


def below_usual(requests: str, usual_per_second: str, seconds: int, share: float, z: float) -> str:
    """Return an expression that is negative where surely less than ``share`` of the usual requests came.

    Requests are counted, so their variance is their number. Where nothing usual is known, the expression is the number
    of requests, which is never negative: metric math takes a missing value as 0.
    """
    least = f"{share * seconds:g} * {usual_per_second}"
    return f"{requests} + {z:g} * (({least}) ^ 0.5) - {least}"
