"""What several checks ask of one state is reckoned once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from responder.state.state import State

_T = TypeVar("_T")


def once(reckon: Callable[[State], _T]) -> Callable[[State], _T]:
    """Keep the answer for the state that was asked about last; another state is another object."""
    kept: list[tuple[State, _T]] = []

    @wraps(reckon)
    def ask(state: State) -> _T:
        if not kept or kept[0][0] is not state:
            kept[:] = [(state, reckon(state))]
        return kept[0][1]
    return ask
