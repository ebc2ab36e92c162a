"""Background work in a daemon thread, for calls that take no time-out of their own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from responder.clients import closing

_Result = TypeVar("_Result")


class Task(Generic[_Result]):
    """Work that has begun. Its thread is a daemon: it is left behind where it takes too long."""

    def __init__(self, work: Callable[[], _Result]) -> None:
        self._ended: queue.SimpleQueue[_Result | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(work, closing.current()), daemon=True).start()

    def _run(self, work: Callable[[], _Result], opened: closing.Opened | None) -> None:
        try:
            with closing.within(opened):
                self._ended.put(work())
        except BaseException as error:
            self._ended.put(error)

    def result(self, until: float) -> _Result | None:
        """Return the result, or None if there is none by ``until`` (``time.monotonic`` seconds).

        Raises what the work raised. Call it once.
        """
        try:
            ended = self._ended.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None
        if isinstance(ended, BaseException):
            raise ended
        return ended
