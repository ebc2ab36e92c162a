"""What several checks ask of one state is reckoned once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


def once(function: Callable[[Any], _Answer]) -> Callable[[Any], _Answer]:
    """Keep a function's answer for the state that it was asked about last: a state does not change. The state is kept
    with it, so that no other can take its place in memory.
    """
    kept: list[tuple[Any, _Answer]] = []

    @wraps(function)
    def answer(state: Any) -> _Answer:
        last = kept[-1] if kept else None
        if last is None or last[0] is not state:
            last = state, function(state)
            kept[:] = [last]
        return last[1]

    return answer
