"""The timeline as people read it: in the plan's phases, with repeated looks in one row, and times from the onset on."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.moment import epoch
from responder.plan.review.contents import ReportedEntry, Review
from responder.plan.review.told import Chapter, Row
from responder.plan.wording import clock, relative, times

_TITLES = ("Initial response", "Investigation and diagnosis", "Recovery and resolution", "After the incident")
"""The plan's phases."""
_PHASE = {"Open the incident": 0, "Verify the symptoms": 0, "Confirm the incident": 0, "Assemble the team": 0,
          "Isolate the issue": 0, "Gather additional information": 1, "Identify failing pods": 1,
          "Diagnose the root cause": 1, "Plan the remedy": 2, "Check the guardrails": 2, "Ask for approval": 2,
          "Decide": 2, "Apply the remedy": 2, "Monitor the recovery": 2, "Take the remedy back": 2, "Escalate": 2,
          "Stand down": 3, "Write the postmortem": 3, "Is it over?": 3, "Leave it to people": 3}
"""A step's title to the place of its phase; any other step belongs to the phase in which it is."""
_LONG = 60
"""A reason of more characters than this is told once."""
_IMPORTANT = frozenset({"decision", "action", "approval", "outcome"})


def chapters(review: Review) -> tuple[Chapter, ...]:
    """Return the timeline of a review in phases."""
    zero = epoch(review.incident.onset) or epoch(review.incident.opened_at) or 0.0
    found: list[tuple[str, list[ReportedEntry]]] = []
    starts = {opening.opened_at for opening in review.openings}
    place, openings = -1, 0
    for entry in review.timeline:
        if entry.step == "Open the incident" and entry.at in starts:
            place, openings = -1, openings + 1
        mine = max(place, _PHASE.get(entry.step, max(place, 0)))
        if mine != place or not found:
            again = place == -1 and openings > 1
            found.append((f"Opened again at {clock(entry.at)} UTC: {_TITLES[mine].lower()}" if again else _TITLES[mine],
                          []))
        place = mine
        found[-1][1].append(entry)
    told: set[str] = set()
    return tuple(Chapter(title, relative((epoch(entries[0].at) or zero) - zero),
                         any(entry.kind in _IMPORTANT for entry in entries), _rows(entries, zero, told))
                 for title, entries in found)


def _rows(entries: Sequence[ReportedEntry], zero: float, told: set[str]) -> tuple[Row, ...]:
    """Return the rows of a phase; ``told`` are long reasons that stand above already, and is added to."""
    rows: list[Row] = []
    run: list[ReportedEntry] = []
    for entry in (*entries, None):
        if run and (entry is None or (entry.step, entry.what, entry.by) != (run[0].step, run[0].what, run[0].by)):
            first, last = run[0], run[-1]
            rows.append(Row(first.at, relative((epoch(first.at) or zero) - zero), first.step, _new(first.what, told),
                            "" if last.why in told else last.why, first.by,
                            f"{times(len(run))}, until {clock(last.at)}" if len(run) > 1 else ""))
            told |= {last.why} if len(last.why) > _LONG else set()
            run = []
        if entry is not None:
            run.append(entry)
    return tuple(rows)


def _new(what: str, told: set[str]) -> str:
    """Return a text without a reason that stands above already: "escalated to people: …"."""
    for reason in told:
        what = what.replace(f": {reason}", "")
    return what
