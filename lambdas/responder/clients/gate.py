"""What stands right before each change that a remedy makes: asked anew for every request that writes, each try too.

Kubernetes' client and boto3's clients ask it themselves, so that no remedy can forget to. It is closed unless a step
has opened it: code that changes something outside of a remedy's step changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """A change was not let through; the message says why. Nothing was changed by it."""


class Gate:
    """Lets changes through, one by one."""

    def __init__(self, why_not: Callable[[], str]) -> None:
        self._why_not = why_not
        self.passed = 0
        """How many changes it has let through."""
        self.made = 0
        """How many of them the other side has confirmed."""

    def check(self, change: str) -> None:
        """Let one change through, or raise Stopped."""
        reason = self._why_not()
        if reason:
            raise Stopped(reason)
        self.passed += 1


_gate: Gate | None = None


@contextmanager
def opened(why_not: Callable[[], str]) -> Iterator[Gate]:
    """Let changes through within the block, while ``why_not`` returns an empty text when it is asked.

    It is asked right before each change, so it must read what it goes by anew. A function handles one event at a time,
    so the gate is the module's.
    """
    global _gate
    outer, _gate = _gate, Gate(why_not)
    try:
        yield _gate
    finally:
        _gate = outer


def made() -> None:
    """Say that a change that was let through has been made."""
    if _gate is not None:
        _gate.made += 1


def check(change: str) -> None:
    """Ask for leave to make a change, just before it is made; raises Stopped."""
    if _gate is None:
        raise Stopped(f"{change}: no remedy is being applied, so nothing may be changed")
    _gate.check(change)
