"""Closes what an invocation opened when it ends: the process lives on for hours, and waits for no garbage collector.

A connection that nobody closes stays until its client's references to itself are collected, which an idle function
never does. Meanwhile the other side has ended it, and each of the function's invocations leaves another one behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Opened = list[Callable[[], None]]
_opened: ContextVar[Opened | None] = ContextVar("opened", default=None)


def later(close: Callable[[], None]) -> None:
    """Let ``close`` be called when the invocation ends; nothing where there is none, as in a command of a person."""
    opened = _opened.get()
    if opened is not None:
        opened.append(close)


def current() -> Opened | None:
    """Return what this thread's invocation has opened, for ``within`` in another thread."""
    return _opened.get()


@contextmanager
def within(opened: Opened | None) -> Iterator[None]:
    """Let what this thread opens within the block be closed together with ``opened``."""
    token = _opened.set(opened)
    try:
        yield
    finally:
        _opened.reset(token)


@contextmanager
def closing() -> Iterator[None]:
    """Close what is opened within the block when it ends, in whichever thread of it."""
    opened: Opened = []
    try:
        with within(opened):
            yield
    finally:
        for close in opened:
            close()
