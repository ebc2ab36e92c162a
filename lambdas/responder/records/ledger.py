"""The change ledger: the watched objects at the last snapshot, and each difference since.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `LEDGER#service` | `LOOK` | when the last snapshot was made |
| | `SINCE` | since when it was made each minute |
| | `OBJECT#Kind/name` | a watched object as it was last seen (``model/watched.py``); its body is a text of JSON |
| | `CHANGE#time#Kind/name` | a difference, with the values before it (``model/change.py``), as a text of JSON |

Where several writers changed one object at one time, the further ones' sort keys end with ``#writer``.
Bodies and changes are kept exactly, except for leaves that must not be stored or are too large for an item; those are
hidden (``model/shown.py``).
Today's rules are applied to an older item before it is compared, so that a new rule does not look like a change.

Snapshots are idempotent. A snapshot that finds no difference writes only its own time.

The objects are large, and are needed each minute. So the process that kept a snapshot remembers its objects, with the
version that ``LOOK`` has: while the table has the same version, nobody has written objects since. A writer takes the
version away before its first object and sets a new one after its last, so that all read an interrupted snapshot again.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from responder.clients import marks
from responder.model.change import Change
from responder.model.codec import decode, encode
from responder.model.frozen import dataclass
from responder.model.incident import KEYS
from responder.model.item import keyed, sort_key
from responder.model.shown import RULES, hide
from responder.model.watched import Snapshot, Watched, snapshot_of
from responder.plan.changes import shortened
from responder.records.table import Records, iso, seconds

KEPT_DAYS = 30
GAP_SECONDS = 180.0
"""Snapshots are made each minute; after three missing ones, the minute of a change is unknown."""
REREAD_SECONDS = 3600.0
"""How long a process relies on what it remembers."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Snapshot:
    """The items ``LOOK`` and ``SINCE``."""

    at: float
    """Seconds since 1970 (UTC)."""
    version: str = ""
    """Of the objects: another one whenever one was written. Empty while they are being written."""


@dataclass(frozen=True)
class _Remembered:
    """The objects of a version, as this process knows them."""

    version: str
    objects: Snapshot
    read_at: float
    """By the monotonic clock, in seconds."""


_REMEMBERED: dict[str, _Remembered] = {}
"""By the ledger's partition; a version is never used twice."""


@dataclass(frozen=True)
class _Change:
    """An item ``CHANGE#time#Kind/name``."""

    change: str
    """JSON."""


class Ledger:
    """The ledger of one service."""

    def __init__(self, records: Records, service: str) -> None:
        self._records, self._pk = records, f"LEDGER#{service}"
        self._read: _Remembered | None = None

    def last_snapshot(self) -> tuple[float | None, dict[str, Watched]]:
        """Return the last snapshot's time, seconds since 1970 (UTC; None: there was none), and its objects."""
        last, known = self._look(), _REMEMBERED.get(self._pk)
        if last is None or known is None or not last.version or last.version != known.version or (
                time.monotonic() - known.read_at > REREAD_SECONDS):
            known = _Remembered(last.version if last else "", snapshot_of(
                *map(_with_body, self._items(Watched, "OBJECT#", "OBJECT#~"))), time.monotonic())
        self._read = known
        return last.at if last else None, dict(known.objects)

    def last_at(self) -> float | None:
        """Return when the last snapshot was made, seconds since 1970 (UTC); None: there was none."""
        last = self._look()
        return last.at if last else None

    def _look(self) -> _Snapshot | None:
        return next(iter(self._items(_Snapshot, "LOOK", "LOOK")), None)

    def since(self) -> float | None:
        """Return since when it has looked without a gap, seconds since 1970 (UTC); None: it is not known.

        A ledger of before this was kept has looked at least since the oldest change that it still has.
        """
        began = next((snapshot.at for snapshot in self._items(_Snapshot, "SINCE", "SINCE")), None)
        oldest = None if began else self._records.first(self._pk, "CHANGE#", "CHANGE#~")
        return seconds(keyed(sort_key(oldest))[1]) if oldest else began

    def changes(self, since: float, until: float | None = None) -> list[Change]:
        """Return the recorded changes between two times, seconds since 1970 (UTC), oldest first; None: until now."""
        last = "CHANGE#~" if until is None else f"CHANGE#{iso(until)}~"
        return [decode(Change, json.loads(item.change))
                for item in self._items(_Change, f"CHANGE#{iso(since)}", last)]

    def keep(self, now: float, before: Snapshot, objects: Snapshot, changes: Iterable[Change]) -> None:
        """Record the changes, then the objects, then the snapshot's time: an interrupted snapshot is repeated."""
        # Who owns which field is asked of the object as it is, and would be as long as the object again.
        kept = {key: replace(watched, writings=()) for key, watched in objects.items()}
        written = {key: one for key, one in kept.items() if before.get(key) != one}
        found, gone = list(_keyed(changes)), before.keys() - objects.keys()
        last = self._look()
        version = last.version if last and not (written or gone or found) else ""
        if last and last.version and not version:
            self._put("LOOK", replace(last, version=""))
        for sk, change in found:
            self._put(sk, _Change(json.dumps(encode(shortened(change, marks.key())))), KEPT_DAYS)
        for key, one in written.items():
            self._put(f"OBJECT#{key}", replace(one, body=json.dumps(one.body)))
        for key in gone:
            self._records.delete(self._pk, f"OBJECT#{key}")
        version = version or uuid.uuid4().hex
        if last is None or now - last.at > GAP_SECONDS:
            self._put("SINCE", _Snapshot(now))
        self._put("LOOK", _Snapshot(now, version))
        # Only what was compared with all that the table has is all that it has now, and only if nobody wrote since.
        if self._read and before == self._read.objects and self._read.version == (last.version if last else ""):
            _REMEMBERED[self._pk] = _Remembered(version, kept, self._read.read_at)

    def _items(self, kind: type[T], first: str, last: str) -> list[T]:
        return [decode(kind, {name: value for name, value in item.items() if name not in KEYS}, f"{self._pk}: {first}")
                for item in self._records.partition(self._pk, first, last)]

    def _put(self, sk: str, item: Watched | _Change | _Snapshot, days: int | None = None) -> None:
        keys: dict[str, Any] = {"pk": self._pk, "sk": sk}
        self._records.put(keys | encode(item), *(() if days is None else (days,)))


def _keyed(changes: Iterable[Change]) -> Iterator[tuple[str, Change]]:
    """Yield changes with their sort keys: of one object at one time there are as many as there are writers."""
    seen: set[str] = set()
    for change in changes:
        key = f"CHANGE#{iso(change.latest)}#{change.kind}/{change.name}"
        yield key if key not in seen else f"{key}#{change.by}", change
        seen.add(key)


def _with_body(stored: Watched) -> Watched:
    body = json.loads(stored.body)
    return replace(stored, body=body if stored.rules == RULES else hide(body, marks.key()))
