"""Which calls the roles made: each kind once, with how often it was allowed or refused.

A drill keeps it beside its record (``calls/NAME.json.gz``), and ``tests/stacks`` compares it with what is allowed.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

FOLDER = "calls"
"""Of the calls, beside the records."""


@dataclass(frozen=True, order=True)
class Made:
    """Calls of one kind."""

    caller: str
    """The function's name; ``states`` is the state machine, ``events`` a rule."""
    action: str
    resource: str
    """The resource of the statement that allowed it; of a refused call what it was about."""
    allowed: bool
    count: int = 0


class Log:
    """The calls of this process; safe to use from threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, bool]] = Counter()
        self._lock = threading.Lock()

    def note(self, caller: str, action: str, resource: str, allowed: bool) -> None:
        """Add one call."""
        with self._lock:
            self._counts[caller, action, resource, allowed] += 1

    def take(self) -> list[Made]:
        """Return what was noted, and forget it."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return sorted(Made(*key, count) for key, count in counts.items())


def encode(calls: Iterable[Made]) -> bytes:
    """Return calls as they are kept; the same calls give the same bytes."""
    return gzip.compress(json.dumps([asdict(call) for call in sorted(calls)], indent=0).encode(), mtime=0)


def decode(kept: bytes) -> list[Made]:
    """Read what ``encode`` wrote."""
    return [Made(**item) for item in json.loads(gzip.decompress(kept))]
