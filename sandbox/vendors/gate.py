"""What can be wrong with a source of telemetry, before it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

SLOW_SECONDS = 30.0
FAULTS = ("down", "slow", "empty", "malformed", "stale", "throttled", "unauthorized")


@dataclass
class Answer:
    """An HTTP answer; ``status`` 0 means that the connection is broken off."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Gates:
    """The faults of all sources; no fault where none was set."""

    def __init__(self) -> None:
        self._faults: dict[str, tuple[str, float]] = {}
        self._slow_seconds: dict[str, float] = {}

    def reset(self) -> None:
        """All sources are well."""
        self._faults = {}

    def set(self, source: str, fault: str, slow_seconds: float = SLOW_SECONDS) -> None:
        """Give a source a fault; a slow one answers so many seconds late."""
        self._faults[source] = (fault, time.time())
        self._slow_seconds[source] = slow_seconds

    def heal(self, source: str) -> None:
        """Take a source's fault away."""
        self._faults.pop(source, None)

    def fault(self, source: str) -> str:
        """The fault of a source, or an empty text."""
        return self._faults.get(source, ("", 0.0))[0]

    def newest(self, source: str, delay: float) -> float:
        """Until when a source's data reach: a stale one's end when it became so."""
        fault, since = self._faults.get(source, ("", 0.0))
        return min(time.time() - delay, since) if fault == "stale" else time.time() - delay

    def hold(self, source: str) -> None:
        """Wait, where the source is slow; until it heals, or for as long as it is slow: else than anybody waits."""
        end = time.time() + self._slow_seconds.get(source, SLOW_SECONDS)
        while self.fault(source) == "slow" and (left := end - time.time()) > 0:
            time.sleep(min(0.2, left))
