"""How figures and moments are said to people: the one place for shares, counts, durations and times of day.

What is not known is said as ``-``, so that no reader takes it for zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor

from responder.model.moment import epoch

UNKNOWN = "-"


def share(value: float | None) -> str:
    """Return a share of one as a percentage; only 1 is said as 100%, and only 0 as 0%."""
    if value is None:
        return UNKNOWN
    if 0.99 < value < 1:
        return f"{floor(value * 1000) / 10:.1f}%"
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{value:.0%}" if value >= 0.0995 or value == 0 else f"{value:.1%}"


def count(value: float | None) -> str:
    """Return a number of things, with separators between thousands."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun; ``many`` is the plural where it is not ``one`` and an s."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def times(number: int) -> str:
    """Return how often something happened: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(number, f"{count(number)} times")


def duration(seconds: float | None) -> str:
    """Return a duration in at most two units: ``4.2 s``, ``36 s``, ``1 min 40 s``, ``2 h 5 min``, ``3 d 1 h``."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, part, smaller in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = whole % length // smaller
            return f"{whole // length} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def clock(moment: str | float | None) -> str:
    """Return the time of day in UTC, from seconds since 1970 or ISO 8601."""
    seconds = epoch(moment) if isinstance(moment, str) else moment
    return UNKNOWN if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def words(name: str) -> str:
    """Return an identifier as people write it: ``code_bug`` as "code bug"."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: "a", "a and b", "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


_SOURCES = {"aws_health": "AWS Health", "changes": "change ledger", "cloudtrail": "CloudTrail",
            "cloudwatch": "CloudWatch", "eks": "EKS", "network": "network probes", "newrelic": "New Relic",
            "provider": "provider's status page", "rds": "RDS"}


_CHANNELS = {"pagerduty": "PagerDuty", "sns": "SNS"}


def channel_name(name: str) -> str:
    """Return a channel as people write it: ``pagerduty`` as "PagerDuty"; one that is new here by its own name."""
    return _CHANNELS.get(name) or words(name).capitalize()


def source_name(name: str) -> str:
    """Return a source as people write it: ``newrelic`` as "New Relic"; one that is new here by its own name."""
    return _SOURCES.get(name) or words(name).capitalize()


def bare(text: str) -> str:
    """Return a text in one line, without a full stop at its end."""
    return " ".join(text.split()).rstrip(". ;:,")


def sentence(text: str) -> str:
    """Return a text as a sentence in one line, with one full stop; an empty one stays empty."""
    said = bare(text)
    return said if not said or said[-1] in "!?…:" else f"{said}."
