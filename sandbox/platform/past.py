"""What was there before the platform began anew, so that a question about that time has the answer of then.

Each beginning has healthy hours of its own before it, so a question belongs to the beginning in which its stretch of
time ends.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Past(Generic[T]):
    """What was laid away, by when it held; times are seconds since 1970 (UTC)."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, float, T]] = []

    def lay_away(self, began: float, ended: float, what: T) -> None:
        """Keep what held between two times."""
        self._kept.append((began, ended, what))

    def at(self, moment: float, now: T) -> T:
        """Return what held at a moment; what holds now, where nothing was laid away of then."""
        return next((what for began, ended, what in self._kept if began <= moment < ended), now)

    def keeps(self, what: T) -> bool:
        """Whether this very thing was laid away."""
        return any(one is what for _, _, one in self._kept)
