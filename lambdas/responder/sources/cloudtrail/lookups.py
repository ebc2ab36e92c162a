"""How CloudTrail's event history is asked for all changes of a stretch of time, in the time that there is.

AWS's page "LookupEvents": one attribute a call, ``ReadOnly=false`` among them; 50 events a page, newest first; two
calls a second for all callers of an account and Region. A busy account has thousands of reads an hour and hundreds of
changes, so reads are never asked for. Where even the changes are too many, what the configuration names is asked for by
name, and it is said from when on all changes were seen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.looks import Alone, Answered
from responder.model.codec import Json, decode, encode
from responder.model.evidence import Window
from responder.model.moment import iso
from responder.sources.cloudtrail.happened import Happened, happened

APART_SECONDS = 0.55
_MARGIN_SECONDS = 1.0
"""So much of the deadline is left for what follows the last call."""
_NAME_PAGES = 2
MOST_CALLS = 18
"""Calls of one look for all changes: what ten seconds have room for."""
Attribute = tuple[str, str]
"""Key and value of a look-up attribute."""


@dataclass
class Found:
    """What was found, as it is added up."""

    by_id: dict[str, Happened] = field(default_factory=dict)
    covered: bool = False
    """Whether all changes of the stretch of time were seen."""
    since: float | None = None
    """From when on all changes were seen, seconds since 1970 (UTC); None where none were."""
    unasked: list[str] = field(default_factory=list)
    """Names that were not, or not fully, asked for."""
    failed: str = ""

    @property
    def events(self) -> list[Happened]:
        """The events, in no order."""
        return list(self.by_id.values())

    def note(self, start: float) -> str:
        """Return what was not seen, in one sentence; empty where all was."""
        if self.covered:
            return ""
        whole = f"all changes were seen from {iso(self.since)[11:19]} UTC on only" if self.since else (
            "not all changes were seen")
        earlier = f", earlier ones (from {iso(start)[11:19]} UTC) by the names of the service's resources" if (
            self.since and not self.unasked) else ""
        missing = f"; not asked for by name: {', '.join(self.unasked)}" if self.unasked else ""
        return f"{whole}{earlier}{missing}{': ' if self.failed else ''}{self.failed}"


@dataclass(frozen=True)
class Changes:
    """An answer that several services share."""

    events: tuple[Happened, ...] = ()
    covered: bool = False
    failed: str = ""


def changes(client: Any, window: Window, pace: Pace, named: int) -> Json:
    """Return the changes of a stretch of time, newest first as far as the deadline allows; raises CallFailed.

    It is an answer for several services: whose each change is, and what their configurations name, is not asked here.
    Time is left for ``named`` look-ups by name.
    """
    found, pace.left = Found(), MOST_CALLS
    try:
        found.covered = _pages(client, ("ReadOnly", "false"), window, pace, found, named * APART_SECONDS)
    except CallFailed as failed:
        if not found.by_id:
            raise
        found.failed = failed.note
    return encode(Changes(tuple(found.events), found.covered, found.failed))


def within(answer: Answered) -> Found:
    """Return what the changes of a stretch of time tell of a part of it."""
    window, given = answer.window, decode(Changes, answer.value, "CloudTrail")
    found = Found(covered=given.covered, failed=given.failed)
    # Times of the API are full seconds, so an event of the window's first second counts.
    found.by_id = {event.id: event for event in given.events if int(window.start) <= event.at <= window.end}
    found.since = window.start if found.covered else min((event.at for event in given.events), default=None)
    return found


def add_by_name(client: Any, found: Found, window: Window, pace: Pace, named: Sequence[Attribute],
                looks: Alone) -> None:
    """Add the changes that name what one service has, as far as the deadline and the budget allow.

    Who has asked for all changes goes on within its turn; who has another one's answer needs a turn of its own.
    """
    if not pace.began:
        try:
            looks.turn(len(named))
        except CallFailed as failed:
            found.failed, found.unasked = failed.note, [value for _, value in named]
            return
        pace.left = len(named)
    for place, attribute in enumerate(named):
        try:
            if not pace.time_left() or not _pages(client, attribute, window, pace, found, most=_NAME_PAGES):
                found.unasked.append(attribute[1])
        except CallFailed as failed:
            found.failed = failed.note
            found.unasked += [value for _, value in named[place:]]
            break


def _pages(client: Any, attribute: Attribute, window: Window, pace: Pace, found: Found,
           reserve_seconds: float = 0.0, most: int = 10_000) -> bool:
    """Add the events with an attribute; return whether all of them were read."""
    arguments: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": attribute[0], "AttributeValue": attribute[1]}], "MaxResults": 50,
        "StartTime": datetime.fromtimestamp(window.start, UTC), "EndTime": datetime.fromtimestamp(window.end, UTC)}
    for _ in range(most):
        if not pace.time_left(reserve_seconds):
            return False
        pace.wait()
        with aws.failures("CloudTrail"):
            answer = client.lookup_events(**arguments)
        found.by_id.update({event.id: event for event in map(happened, answer.get("Events", []))})
        if not answer.get("NextToken"):
            return True
        arguments["NextToken"] = answer["NextToken"]
    return False


class Pace:
    """Keeps calls as far apart as CloudTrail's limit asks, and their number within the turn that was taken."""

    def __init__(self, deadline: float) -> None:
        """``deadline`` is in ``time.monotonic`` seconds."""
        self._deadline, self._last = deadline, float("-inf")
        self.left = 0
        """Calls of the turn that was taken that are left."""

    @property
    def began(self) -> bool:
        """Whether a call was made."""
        return self._last > float("-inf")

    def time_left(self, reserve_seconds: float = 0.0) -> bool:
        """Whether another call fits before the deadline, beside what is reserved."""
        return self.left > 0 and (
            time.monotonic() + APART_SECONDS + _MARGIN_SECONDS + reserve_seconds <= self._deadline)

    def wait(self) -> None:
        """Wait for the turn of the next call."""
        time.sleep(max(0.0, self._last + APART_SECONDS - time.monotonic()))
        self._last = time.monotonic()
        self.left -= 1
