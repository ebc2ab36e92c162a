"""Many functions at once on one clock that goes on only while all of them sleep: a storm of minutes takes a moment."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest


class Clock:
    """Runs functions in the order of time, one at a time; each has a thread, whose sleep lets the next one go on."""

    def __init__(self, began: float = 1_795_000_000.0) -> None:
        self.now = began
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._idle = threading.Event()
        self._errors: list[BaseException] = []
        # A thread that another test has left behind would sleep by this clock without an end.
        self._others = set(threading.enumerate()) - {threading.current_thread()}

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let all threads go by this clock but those that were there before it."""
        for name, ours in (("time", lambda: self.now), ("monotonic", lambda: self.now), ("sleep", self.sleep)):
            monkeypatch.setattr(time, name, self._by_thread(ours, getattr(time, name)))

    def _by_thread(self, ours: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: (real if threading.current_thread() in self._others else ours)(*given)

    def sleep(self, seconds: float) -> None:
        """Let the others go on until so much time has passed."""
        mine = self._wait_until(self.now + max(0.0, seconds))
        self._idle.set()
        mine.wait()

    def run(self, work: Iterable[tuple[float, Callable[[], Any]]]) -> None:
        """Run functions, each from a moment on (seconds from now), to their ends; raises the first error of one."""
        began = self.now
        for after, function in work:
            self._begin(began + after, function)
        while self._waiting:
            self.now, _, event = heapq.heappop(self._waiting)
            self._idle.clear()
            event.set()
            self._idle.wait()
        if self._errors:
            raise self._errors[0]

    def beside(self, function: Callable[[], Any]) -> None:
        """Run a function from now on that nobody waits for, called by one that runs here."""
        self._begin(self.now, function)

    def together(self, functions: Iterable[Callable[[], Any]]) -> list[Any]:
        """Run functions beside each other, called by one that runs here; return their results once all have ended."""
        work = list(functions)
        found: dict[int, Any] = {}
        ended = threading.Event()

        def one(place: int, function: Callable[[], Any]) -> None:
            found[place] = function()
            if len(found) == len(work):
                self._count += 1
                heapq.heappush(self._waiting, (self.now, self._count, ended))

        for place, function in enumerate(work):
            self._begin(self.now, partial(one, place, function))
        if work:
            self._idle.set()
            ended.wait()
        return [found[place] for place in range(len(work))]

    def _begin(self, moment: float, function: Callable[[], Any]) -> None:
        start = self._wait_until(moment)
        threading.Thread(target=self._work, args=(start, function), daemon=True).start()

    def _wait_until(self, moment: float) -> threading.Event:
        self._count += 1
        event = threading.Event()
        heapq.heappush(self._waiting, (moment, self._count, event))
        return event

    def _work(self, start: threading.Event, function: Callable[[], Any]) -> None:
        start.wait()
        try:
            function()
        except BaseException as error:
            self._errors.append(error)
        finally:
            self._idle.set()
