"""What a change must explain: where and when an outage began, in what words it is told, and what moved with it."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Line:
    """Lines of a log that are alike."""

    component: str
    text: str
    more: float = 1.0
    """How many more than usual; below zero: fewer."""
    bad: bool = True
    """Whether they tell of a failure."""


@dataclass(frozen=True)
class Moved:
    """A measured quantity that moved about when the symptom began."""

    component: str
    name: str
    before: float
    after: float
    began: float
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Notice:
    """What an outside party says of itself."""

    text: str
    began: float
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Symptom:
    """An outage as a change must explain it."""

    component: str
    """Where it shows first."""
    told: str
    """The alarm's metric and words."""
    onset: float
    """When it began, seconds since 1970 (UTC); before the alarm."""
    gradual: bool = False
    """Whether it grew bit by bit, rather than at once."""
    lines: tuple[Line, ...] = ()
    moved: tuple[Moved, ...] = ()
    path: frozenset[str] = frozenset()
    """Components that call each other where it shows."""
    notices: tuple[Notice, ...] = ()
    clear: float = 0.0
    """When the alarm's own measure left its usual range; something else may have moved before. 0: with ``onset``."""

    @property
    def latest(self) -> float:
        """After this nothing can have brought it."""
        return max(self.clear, self.onset)
