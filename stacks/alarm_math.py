"""Metric math for alarms that are sure of what they say, also where there are few requests.

Sources: AWS's page "Using metric math" (operators, and which functions are not for alarms: those that make one number
of a series) and E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927): the score
interval, whose lower bound holds for small counts, too.
"""

from __future__ import annotations


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


def below_usual_or_floor(requests: str, usual_per_second: str, seconds: int, share: float, z: float,
                         floor: float) -> str:
    """Return ``below_usual`` where something usual is known, else what is left above ``floor`` requests.

    It has no value where there is neither a request nor something usual: an alarm must take that as breaching. It rests
    on three rules of AWS's page "Using metric math" alone: an arithmetic operator takes a value that is missing beside
    one that is there as 0, IF drops the data point whose condition is missing, and what is not there at all makes no
    data point. FILL would be shorter, but the page does not say what it makes of a metric without any data.
    """
    unknown = f"({requests} * 0 + 1 - IF({usual_per_second} >= 0, 1, 0))"
    return (f"IF({usual_per_second} >= 0, {below_usual(requests, usual_per_second, seconds, share, z)}, 0) "
            f"+ ({requests} - {floor:g}) * {unknown}")
