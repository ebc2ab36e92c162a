"""The last check before each change that a remedy makes: it runs anew for every write request and every retry.

Kubernetes' client and boto3's clients call it themselves, so no remedy can forget it. It is closed unless a step has
opened it, so code that runs outside a remedy's step cannot change anything.
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
    """Let changes through within the block, while ``why_not`` returns an empty text.

    ``why_not`` is called right before each change, so it must read its facts anew each time. A function handles one
    event at a time, so the module has one gate.
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
    """Ask for permission to make a change, just before it is made; raises Stopped."""
    if _gate is None:
        raise Stopped(f"{change}: no remedy is being applied, so nothing may be changed")
    _gate.check(change)
