"""How a source's look-ups are made: alone here; within the budget and shared among incidents by ``handlers/looks.py``.

A source asks by ``Query.looks``. What it shares is asked for a window that begins with a full minute, and cut to what
the incident needs, also where it is alone: so an incident has the same findings whether it or another one asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from responder.model.codec import Json
from responder.model.evidence import Window

_MINUTE = 60.0


class Answered(NamedTuple):
    """What was answered to a look-up that may be shared."""

    value: Any
    """Plain JSON, without secrets: it is kept for others."""
    window: Window
    """What it tells of, within what the incident needs: another one's answer may have been asked some seconds ago."""


class Alone:
    """Asks at once, and shares nothing."""

    said: Sequence[str] = ()
    """What other incidents shared, and when it was asked for, in a sentence each."""
    raw: str = ""
    """Where what this incident asked ahead is kept word for word (``s3://…``); empty: nowhere, or it did not."""

    def turn(self, calls: int | None = None, scope: str | None = None) -> None:
        """Wait for the turn of some calls, by default of a whole look; raises CallFailed with ``throttled``.

        ``scope``: whose limit they count against; by default that of the source's budget.
        """

    def give_back(self, calls: int, scope: str | None = None) -> None:
        """Return calls of a turn that were not needed."""

    def once(self, key: str, window: Window, ask: Callable[[Window], Json], *, scope: str | None = None,
             calls: int | None = None, deadline: float | None = None) -> Answered:
        """Return the answer to a look-up that is the same for several incidents; raises what ``ask`` raises.

        ``window`` is what the incident needs; ``ask`` is given one that begins with a full minute, and returns plain
        JSON, masked. ``deadline`` is in ``time.monotonic`` seconds; by default that of the query. Before it asks, it
        waits for the turn of ``calls``.
        """
        return Answered(ask(widened(window)), window)


def widened(window: Window) -> Window:
    """Return a window that begins with a full minute, so that incidents of one minute ask for the same."""
    return Window(window.start // _MINUTE * _MINUTE, window.end)


ALONE = Alone()
