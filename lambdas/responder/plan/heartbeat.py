"""What a heartbeat says: which parts of the read path work, and when the team is told.

A heartbeat walks what an incident would read and write, while there is no incident (``handlers/heartbeat.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from responder.model.frozen import dataclass
from responder.model.measure import Measure, Metric, measure, overall
from responder.model.moment import iso

PARTITION = "HEARTBEAT"
"""The partition of the table that has each service's last heartbeat, by the service's name."""
OBJECT = "raw/heartbeat.txt"
"""The object that a heartbeat writes; the lifecycle of the raw answers deletes it."""
TELL_SECONDS = 21_600.0
"""The team gets at most one message for a service in this time, however often a part fails and works again."""


@dataclass(frozen=True)
class Reading:
    """Whether one part of the read path works."""

    part: str
    """What was tried: ``source newrelic``, ``table``, ``reports``, ``topic``, ``state machine``, ``kill switch``."""
    note: str = ""
    """Why it does not work, masked; empty: it works."""


@dataclass(frozen=True)
class Heartbeat:
    """The last heartbeat of a service, as it is kept."""

    at: str
    """ISO 8601 in UTC."""
    readings: tuple[Reading, ...] = ()
    told: tuple[str, ...] = ()
    """The parts of which the team was last told that they do not work."""
    told_at: float = 0.0
    """When the team was last told, seconds since 1970 (UTC); 0: never."""

    @property
    def unread(self) -> tuple[Reading, ...]:
        """The parts that do not work."""
        return tuple(reading for reading in self.readings if reading.note)


@dataclass(frozen=True)
class News:
    """What the team has not been told."""

    broken: tuple[Reading, ...]
    """What does not work any more."""
    again: tuple[str, ...]
    """What works again."""


def news(before: Heartbeat | None, readings: Sequence[Reading], now: float) -> tuple[Heartbeat, News | None]:
    """Return the heartbeat to keep, and what the team is to be told; None: nothing.

    News that comes too early after a message waits for a later heartbeat, and lapses where it is no longer so.
    """
    told = before.told if before else ()
    kept = Heartbeat(iso(now), tuple(readings), told, before.told_at if before else 0.0)
    broken = tuple(reading for reading in kept.unread if reading.part not in told)
    still = {reading.part for reading in kept.unread}
    again = tuple(part for part in told if part not in still)
    if not (broken or again) or now - kept.told_at < TELL_SECONDS:
        return kept, None
    return replace(kept, told=tuple(reading.part for reading in kept.unread), told_at=now), News(broken, again)


def subject(service: str, found: News) -> str:
    """Return the message's subject."""
    return (f"{service}: the incident responder cannot read everything" if found.broken
            else f"{service}: the incident responder can read it again")


def text(service: str, kept: Heartbeat, found: News) -> str:
    """Return the message to the team."""
    lines = [f"No incident: this is the incident responder's own check for {service}, at {kept.at} (UTC)."]
    if found.broken:
        lines += ["", "It cannot read or write:",
                  *(f"- {reading.part}: {reading.note}" for reading in found.broken),
                  "", "In an incident it would have to do without. Please repair access before one comes."]
    if found.again:
        lines += ["", f"It works again: {', '.join(found.again)}."]
    left = [reading.part for reading in kept.unread if reading not in found.broken]
    if left:
        lines += ["", f"Still not working, as told before: {', '.join(left)}."]
    return "\n".join(lines) + "\n"


def measures(service: str, readings: Sequence[Reading]) -> list[Measure]:
    """Return one measure for each part that does not work.

    A part that works has none, because a metric costs money for each hour in which it has a value.
    """
    return [measure(Metric.SOURCE_UNREAD, 1.0, "Count", service, source=reading.part.removeprefix("source "))
            for reading in readings if reading.note]


def ended(unread: int) -> list[Measure]:
    """Return how many parts of all services do not work: it says that a heartbeat came to its end, too."""
    return [overall(Metric.UNREAD, float(unread), "Count")]
