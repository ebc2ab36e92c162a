"""The incident's phases and moments on the time axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from responder.model.frozen import dataclass
from responder.model.moment import epoch
from responder.model.remedy import RemedyStatus
from responder.plan.review import Review
from responder.plan.review.contents import Opening, ReportedRemedy
from responder.plan.wording import words

_ORDER = ("not detected", "detected", "diagnosed", "remedy applied", "escalated", "watched", "well")
"""The phases in their order; until it is opened again an incident goes to later ones only."""
_RELAPSED = "relapsed"
_BAD = frozenset({"not detected", "detected", "diagnosed", "remedy applied", "escalated", _RELAPSED})
_MOST_MARKS = 16


@dataclass(frozen=True)
class Span:
    """A phase of the incident."""

    name: str
    start: float
    """Seconds since 1970 (UTC)."""
    end: float | None
    """None: nothing followed."""

    @property
    def bad(self) -> bool:
        """Whether the symptom was there, as far as it was known."""
        return self.name in _BAD


@dataclass(frozen=True)
class Mark:
    """A moment of the incident."""

    at: float
    """Seconds since 1970 (UTC)."""
    text: str
    short: str
    """For a narrow chart."""
    importance: int
    """The most important has the smallest."""
    deed: bool = False
    """Whether something was changed then."""


def spans(review: Review, end: float) -> tuple[Span, ...]:
    """Return the phases in their order that began before the end of the chart."""
    found: list[tuple[float, str]] = []
    for at, name in sorted(_turns(review), key=lambda turn: turn[0]):
        if not found or name == _RELAPSED or _rank(name) > _rank(found[-1][1]):
            found.append((at, name))
    ends = [*(at for at, _ in found[1:]), None]
    return tuple(Span(name, start, until) for (start, name), until in zip(found, ends, strict=True)
                 if start < end and start != until)


def marks(review: Review) -> tuple[Mark, ...]:
    """Return the moments in order of time: the most important of them, where there are very many."""
    found = [Mark(moment, text, short, importance, deed) for at, text, short, importance, deed in _moments(review)
             if (moment := epoch(at)) is not None]
    most = sorted(found, key=lambda mark: (mark.importance, mark.at))[:_MOST_MARKS]
    return tuple(sorted(most, key=lambda mark: mark.at))


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else _ORDER.index("detected")


def _relapses(review: Review) -> Iterator[Opening]:
    """Yield each opening but the first in which something was wrong."""
    return (opening for opening in review.openings[1:] if opening.outcome != "false_alarm")


def _turns(review: Review) -> Iterator[tuple[float, str]]:
    """Yield when each phase began, in no order."""
    incident = review.incident
    turns: Iterable[tuple[str | None, str]] = (
        (incident.onset, "not detected"), (incident.opened_at, "detected"), (incident.diagnosed_at, "diagnosed"),
        *((remedy.applied_at, "remedy applied") for remedy in review.actions if not _notifies(remedy)),
        (incident.escalated_at, "escalated"), (incident.well_since, "watched"), (incident.recovered_at, "well"),
        # The incident's own times are those of its last opening.
        *((opening.verified_at, "well") for opening in review.openings[:-1]),
        *((opening.onset or opening.opened_at, _RELAPSED) for opening in _relapses(review)))
    for at, name in turns:
        if moment := epoch(at):
            yield moment, name


def _moments(review: Review) -> Iterator[tuple[str | None, str, str, int, bool]]:
    """Yield what the marks' fields hold, in their order."""
    incident = review.incident
    told = [(incident.onset, "symptoms begin", 0), (incident.opened_at, "detected", 3),
            (incident.escalated_at, "escalated", 1), (incident.well_since, "well again", 1),
            *((opening.onset or opening.opened_at, _RELAPSED, 1) for opening in _relapses(review))]
    for at, text, importance in told:
        yield at, text, text, importance, False
    for remedy in review.actions:
        tells, short = _notifies(remedy), words(remedy.action)
        yield remedy.applied_at, _deed(remedy), short, 4 if tells else 0, not tells
        yield remedy.put_back_at, f"{short} restored", f"{short} restored", 2, True


def _notifies(remedy: ReportedRemedy) -> bool:
    """Whether a remedy tells somebody and changes nothing itself."""
    return remedy.status == RemedyStatus.DONE


def _deed(remedy: ReportedRemedy) -> str:
    what = words(remedy.action)
    if _notifies(remedy):
        return what
    helped = {RemedyStatus.FAILED: ", failed", RemedyStatus.REVERTED: ", did not help"}.get(
        RemedyStatus(remedy.status), "")
    return f"{what}: {remedy.target.rpartition('/')[2]}{helped}" if remedy.target else f"{what}{helped}"
