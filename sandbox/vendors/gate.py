"""What can be wrong with a source of telemetry, before it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sandbox.platform.layers import Layer, Layers

SLOW_SECONDS = 30.0
"""A slow source answers this much later: longer than anybody waits."""
FAULTS = ("down", "slow", "empty", "malformed", "stale", "throttled", "unauthorized")


@dataclass
class Answer:
    """An HTTP answer; ``status`` 0 means that the connection is broken off."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Fault:
    """What is wrong with a source."""

    kind: str
    """One of ``FAULTS``, or empty."""
    since: float
    """Seconds since 1970 (UTC)."""
    slow_seconds: float = SLOW_SECONDS


_WELL = Fault("", 0.0)


class Gates:
    """The faults of all sources; a source has none until one is set."""

    def __init__(self) -> None:
        self._faults: Layers[str, Fault] = Layers()

    def reset(self) -> None:
        """Make all sources well."""
        self._faults = Layers()

    def set(self, source: str, fault: str, slow_seconds: float = SLOW_SECONDS) -> Layer[str, Fault]:
        """Give a source a fault, and return it for ``lift``; of several faults the newest counts."""
        return self._faults.lay(source, Fault(fault, time.time(), slow_seconds), _WELL)

    def lift(self, fault: Layer[str, Fault]) -> None:
        """Take one fault away."""
        self._faults.lift(fault)

    def heal(self, source: str) -> None:
        """Take all faults of a source away."""
        self._faults.clear(source)

    def fault(self, source: str) -> str:
        """The kind of a source's fault, or an empty text."""
        return self._faults.top(source, _WELL).kind

    def newest(self, source: str, delay: float) -> float:
        """Until when a source's data reach; a stale source's data end where the fault began."""
        fault = self._faults.top(source, _WELL)
        return min(time.time() - delay, fault.since) if fault.kind == "stale" else time.time() - delay

    def hold(self, source: str) -> None:
        """Wait while the source is slow, at most for as long as its fault says."""
        end = time.time() + self._faults.top(source, _WELL).slow_seconds
        while self.fault(source) == "slow" and (left := end - time.time()) > 0:
            time.sleep(min(0.2, left))
