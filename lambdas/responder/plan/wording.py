"""How figures and moments are said to people: the one place for shares, counts, durations and times of day.

What is not known is said as ``-``, so that no reader takes it for zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from math import floor

from responder.model.moment import epoch

UNKNOWN = "-"
_FIRST_DAY: ContextVar[date | None] = ContextVar("first_day", default=None)
"""The day that a report is of: its times of other days say theirs."""


@contextmanager
def days_from(at: str | float | None) -> Iterator[None]:
    """Let each time within the block that is of another day in UTC than ``at`` say so: ``27 Nov 00:10:05``.

    A report says the day in its first line. All times of one that goes over midnight would be read as of that day.
    """
    seconds = epoch(at) if isinstance(at, str) else at
    token = _FIRST_DAY.set(None if seconds is None else datetime.fromtimestamp(seconds, UTC).date())
    try:
        yield
    finally:
        _FIRST_DAY.reset(token)


def _with_day(moment: datetime) -> str:
    first = _FIRST_DAY.get()
    other = f"{moment.day} {moment:%b} " if first and moment.date() != first else ""
    # A day of another year is a year ago, or New Year's Eve.
    year = f"{moment.year} " if other and first and moment.year != first.year else ""
    return f"{other}{year}{moment:%H:%M:%S}"


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


def decimal(value: float | None) -> str:
    """Return a number with one decimal, where it is below ten; what is greater is counted."""
    if value is None:
        return UNKNOWN
    return count(value) if abs(value) >= 9.95 or value == 0 else f"{value:.1f}"


def exact(value: float) -> str:
    """Return a number as a configuration has it: ``0.05``."""
    return f"{value:g}"


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
    """Return the time of day in UTC, from seconds since 1970 or ISO 8601; see ``days_from``."""
    seconds = epoch(moment) if isinstance(moment, str) else moment
    return UNKNOWN if seconds is None else _with_day(datetime.fromtimestamp(seconds, UTC))


def moment(at: str | float | None, zone: tzinfo | None = None) -> str:
    """Return a time of day with its zone, and the team's own beside it: ``01:45:39 UTC (02:45:39 CET)``.

    The day is said where it is another in the team's zone: ``23:45:39 UTC (Thu 00:45:39 CET)``.
    """
    seconds = epoch(at) if isinstance(at, str) else at
    if seconds is None:
        return UNKNOWN
    utc = datetime.fromtimestamp(seconds, UTC)
    told = f"{_with_day(utc)} UTC"
    if zone is None:
        return told
    local = utc.astimezone(zone)
    return f"{told} ({local:%a %H:%M:%S %Z})" if local.date() != utc.date() else f"{told} ({local:%H:%M:%S %Z})"


def axis_time(at: float, *, seconds: bool = False) -> str:
    """Return a time of day in UTC as an axis has it: ``01:45``, or with its seconds ``01:45:30``."""
    told = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
    return told if seconds else told.rpartition(":")[0]


def axis_day(at: float) -> str:
    """Return the day in UTC as an axis has it: ``25 Nov``."""
    found = datetime.fromtimestamp(at, UTC)
    return f"{found.day} {found:%b}"


def day(at: str | float | None) -> str:
    """Return the day in UTC: ``25 November 2026``."""
    seconds = epoch(at) if isinstance(at, str) else at
    if seconds is None:
        return UNKNOWN
    found: date = datetime.fromtimestamp(seconds, UTC).date()
    return f"{found.day} {found:%B %Y}"


def stamp(at: str | float | None) -> str:
    """Return day and time in UTC as a list has them: ``2026-11-25 01:45``."""
    seconds = epoch(at) if isinstance(at, str) else at
    return UNKNOWN if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def exact_stamp(at: float) -> str:
    """Return day and time in UTC to the second: ``2026-11-25 01:45:51 UTC``."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def relative(seconds: float) -> str:
    """Return how long after the beginning something was: ``+0:36``, ``+1:02:03``; ``-0:12`` is before it."""
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    told = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{'-' if seconds < 0 and whole else '+'}{told}"


def amount(value: float, currency: str) -> str:
    """Return money to two digits that count, because it is made of an average: ``36,000 EUR``."""
    size = 10 ** max(0, len(str(round(abs(value)))) - 2)
    return f"{count(round(value / size) * size)} {currency}"


def full_sentence(text: str) -> str:
    """Return a text with a capital and a full stop; what begins with a name of code or a number stays as it begins."""
    told = text.strip()
    if not told:
        return ""
    first = told.split()[0]
    name = any(letter in first for letter in "-_/.:") or any(letter.isupper() for letter in first[1:])
    told = told if name else capital(told)
    return told if told[-1] in ".!?" else f"{told}."


def capital(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


_PAST = {
    "add": "added", "bring": "brought", "close": "closed", "create": "created", "cycle": "cycled", "delete": "deleted",
    "drain": "drained", "give": "gave", "open": "opened", "put": "put", "raise": "raised", "reboot": "rebooted",
    "remove": "removed", "restart": "restarted", "restore": "restored", "roll": "rolled", "scale": "scaled",
    "set": "set", "switch": "switched", "take": "took", "tell": "told", "use": "switched to"}
"""The verbs that a remedy's summary begins with, and their past."""
_IMAGE = re.compile(r"\b[\w.-]+(?::\d+)?(?:/[\w.-]+)+:([\w.-]+)")
_PODS = re.compile(r":(?:,? [a-z0-9.-]+-[a-z0-9]{8,10}-[a-z0-9]{5}\b)+")
"""Names of pods as Deployments give them: the ReplicaSet's, a hyphen and five letters."""


def in_past(summary: str) -> str:
    """Return a remedy's summary as what somebody did: "roll x back" as "rolled x back".

    Images are told by their tag alone. A verb that is not known here: "carried out: …".
    """
    parts = [part.partition(" ") for part in brief(summary).split("; ")]
    past = [(_PAST.get(verb.lower()), rest) for verb, _, rest in parts]
    if not all(verb for verb, _ in past):
        return f"carried out: {brief(summary)}"
    return " and ".join(f"{verb} {rest}" for verb, rest in past)


def brief(text: str) -> str:
    """Return a text in which each image is told by its tag alone, and pods by their number, not by their names.

    ``registry.example/payments:1.1.0`` becomes ``1.1.0``.
    """
    return _PODS.sub("", _IMAGE.sub(r"\1", text))


def words(name: str) -> str:
    """Return an identifier as people write it: ``code_bug`` as "code bug"."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: "a", "a and b", "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


_SOURCES = {"application_signals": "Application Signals",
            "aws_health": "AWS Health", "changes": "the change ledger", "cloudtrail": "CloudTrail",
            "cloudwatch": "CloudWatch", "cloudwatch_logs": "CloudWatch Logs", "eks": "EKS",
            "credentials": "the ends of certificates and keys",
            "dependencies": "the dependencies' own measures",
            "foreign_changes": "the feeds of changes",
            "network": "the network probes", "newrelic": "New Relic",
            "provider": "the provider's status page", "rds": "RDS", "rollouts": "the rollouts",
            "utilisation": "utilisation"}
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
