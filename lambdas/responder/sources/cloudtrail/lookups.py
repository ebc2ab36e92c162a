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
from responder.model.moment import iso

APART_SECONDS = 0.55
_MARGIN_SECONDS = 1.0
"""So much of the deadline is left for what follows the last call."""
_NAME_PAGES = 2
Attribute = tuple[str, str]
"""Key and value of a look-up attribute."""


@dataclass
class Found:
    """What was found, as it is added up."""

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    covered: bool = False
    """Whether all changes of the stretch of time were seen."""
    since: float | None = None
    """From when on all changes were seen, seconds since 1970 (UTC); None where none were."""
    unasked: list[str] = field(default_factory=list)
    """Names that were not, or not fully, asked for."""
    failed: str = ""

    @property
    def events(self) -> list[dict[str, Any]]:
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


def changes(client: Any, start: float, end: float, deadline: float, named: Sequence[Attribute]) -> Found:
    """Return the changes between two times, newest first as far as the deadline allows; raises CallFailed.

    ``deadline`` is in ``time.monotonic`` seconds. ``named`` are asked for one by one where not all changes can be read.
    """
    found, pace = Found(), _Pace(deadline)
    reserve = len(named) * APART_SECONDS
    try:
        found.covered = _pages(client, ("ReadOnly", "false"), start, end, pace, found, reserve)
    except CallFailed as failed:
        if not found.by_id:
            raise
        found.failed = failed.note
    if found.covered:
        found.since = start
        return found
    found.since = min((item["EventTime"].timestamp() for item in found.by_id.values()), default=None)
    for place, attribute in enumerate(named):
        try:
            if not pace.time_left() or not _pages(client, attribute, start, end, pace, found, most=_NAME_PAGES):
                found.unasked.append(attribute[1])
        except CallFailed as failed:
            found.failed = failed.note
            found.unasked += [value for _, value in named[place:]]
            break
    return found


def _pages(client: Any, attribute: Attribute, start: float, end: float, pace: _Pace, found: Found,
           reserve_seconds: float = 0.0, most: int = 10_000) -> bool:
    """Add the events with an attribute; return whether all of them were read."""
    arguments: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": attribute[0], "AttributeValue": attribute[1]}], "MaxResults": 50,
        "StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(end, UTC)}
    for _ in range(most):
        if not pace.time_left(reserve_seconds):
            return False
        pace.wait()
        with aws.failures("CloudTrail"):
            answer = client.lookup_events(**arguments)
        found.by_id.update({str(item.get("EventId")): item for item in answer.get("Events", [])})
        if not answer.get("NextToken"):
            return True
        arguments["NextToken"] = answer["NextToken"]
    return False


class _Pace:
    """Keeps calls as far apart as CloudTrail's limit asks."""

    def __init__(self, deadline: float) -> None:
        self._deadline, self._last = deadline, float("-inf")

    def time_left(self, reserve_seconds: float = 0.0) -> bool:
        """Whether another call fits before the deadline, beside what is reserved."""
        return time.monotonic() + APART_SECONDS + _MARGIN_SECONDS + reserve_seconds <= self._deadline

    def wait(self) -> None:
        """Wait for the turn of the next call."""
        time.sleep(max(0.0, self._last + APART_SECONDS - time.monotonic()))
        self._last = time.monotonic()
