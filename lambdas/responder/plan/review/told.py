"""What a report's top, its headings and its timeline say, in words: a part of ``Review``."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Severity:
    """How severe it was, by the configuration's rules."""

    level: int
    """1 (the worst) to 4; 0: it was a false alarm."""
    because: str
    """The figures that the rule was reached by, in a sentence."""


@dataclass(frozen=True)
class Cost:
    """What the failed requests mean; None where the configuration does not say what it takes to know."""

    budget_share: float | None
    """Share of the error budget that this incident used."""
    budget_days: int | None
    """The days that the budget is for."""
    money: float | None
    """What the failed requests were worth: their number times the average."""
    currency: str


@dataclass(frozen=True)
class OpenItem:
    """What is left to do."""

    who: str
    what: str
    command: str = ""
    """The shell commands that do it, one a line; empty where there are none."""


@dataclass(frozen=True)
class Told:
    """One heading of a postmortem: what the facts say of it, or else a question to the team."""

    heading: str
    facts: tuple[str, ...]
    """Sentences."""
    question: str
    """What the team is asked; empty where the facts say it all."""
    answer: str
    """What people wrote under that heading in review.md."""


@dataclass(frozen=True)
class FollowUp:
    """Something to be done after the incident, and its state."""

    what: str
    done: bool
    """Whether review.md has it as done."""


@dataclass(frozen=True)
class Row:
    """One row: an entry, or several of one kind that say the same."""

    at: str
    """ISO 8601 in UTC."""
    after: str
    """How long after the onset: ``+0:36``."""
    step: str
    what: str
    why: str
    by: str
    repeated: str
    """``4 times, until 01:46:05``; empty: it was once."""


@dataclass(frozen=True)
class Chapter:
    """One phase of the plan in one stretch of the incident."""

    title: str
    began: str
    """How long after the onset."""
    important: bool
    """Whether something was decided or done in it: then it is shown unfolded."""
    rows: tuple[Row, ...]
