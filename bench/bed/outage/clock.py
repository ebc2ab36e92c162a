"""Time that passes only where something waits for it, so that hours take a second and each run is the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import SupportsIndex

BEGAN = 1_800_000_000.0
"""When the world's story begins, in seconds since 1970 (UTC): the release, 40 s before the alarm."""


class OutOfTime(BaseException):
    """The function that runs was ended by Lambda, in the middle of whatever it did."""


class Clock:
    """The time of the world; ``time.time``, ``time.monotonic`` and ``time.sleep`` follow it within ``kept``."""

    def __init__(self) -> None:
        self.now = BEGAN
        self._limits: list[float] = []

    def time(self) -> float:
        """Return seconds since 1970 (UTC)."""
        return self.now

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return self.now - BEGAN + 100_000.0

    def sleep(self, seconds: SupportsIndex | float) -> None:
        """Let time pass; raises OutOfTime where the function that runs has no more of it."""
        until = self.now + max(0.0, float(seconds))
        if self._limits and until >= self._limits[-1] and threading.current_thread() is threading.main_thread():
            self.now = max(self.now, self._limits[-1])
            raise OutOfTime
        self.now = max(self.now, until)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Let a function have so many seconds."""
        self._limits.append(min([self.now + seconds, *self._limits[-1:]]))
        try:
            yield
        finally:
            self._limits.pop()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let what is done within take no time of those who do not wait for it; it has limits of its own."""
        began, limits = self.now, self._limits
        self._limits = []
        try:
            yield
        finally:
            self.now, self._limits = began, limits

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let the whole process live by this clock."""
        real = time.time, time.monotonic, time.sleep
        time.time, time.monotonic, time.sleep = self.time, self.monotonic, self.sleep
        try:
            yield
        finally:
            time.time, time.monotonic, time.sleep = real
