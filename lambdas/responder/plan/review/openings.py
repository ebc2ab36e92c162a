"""The incident's story: each stretch from an alarm to what became of it, with its own times.

An incident that is opened again is one story of several stretches. The incident's own item holds the times of the last
one alone; the timeline's facts hold those of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from responder.model.facts import Opened
from responder.model.incident import Entry, Incident, IncidentRecord
from responder.plan.decisions import Confirmed, Diagnosed, Isolated, Watched
from responder.plan.review.contents import Opening
from responder.plan.review.timing import phases


def openings(record: IncidentRecord) -> tuple[Opening, ...]:
    """Return the stretches of an incident, oldest first; at least one."""
    stretches = list(_stretches(record.timeline))
    if not stretches:
        return (_whole(record),)
    return tuple(_opening(record, stretch, last=stretch is stretches[-1]) for stretch in stretches)


def _stretches(timeline: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries of each stretch; what comes before the first alarm is left out."""
    stretch: list[Entry] = []
    for entry in timeline:
        if entry.stated(Opened) is not None:
            if stretch:
                yield stretch
            stretch = [entry]
        elif stretch:
            stretch.append(entry)
    if stretch:
        yield stretch


def _whole(record: IncidentRecord) -> Opening:
    """Return an incident of which no timeline tells as one stretch."""
    incident = record.incident
    signal = next(iter(record.signals), None)
    return Opening(incident.opened_at, signal.name if signal else "", incident.onset, incident.outcome or "open",
                   incident.recovery_verified_at, incident.escalated_at, incident.closed_at,
                   tuple(remedy.number for remedy in record.remedies if remedy.applied_at),
                   phases(incident, record.remedies))


def _opening(record: IncidentRecord, stretch: Sequence[Entry], *, last: bool) -> Opening:
    incident, began = record.incident, stretch[0]
    opened, until = began.at, "~" if last else stretch[-1].at
    judged = [fact for entry in stretch if (fact := entry.stated(Confirmed))]
    verified = next((entry.at for entry in stretch
                     if (watched := entry.stated(Watched)) and watched.answer == "recovered"), None)
    handed = next((entry.at for entry in stretch if entry.step == "Escalate"), None)
    onset = next((fact.onset for fact in reversed(judged) if fact.answer == "confirmed"), None)
    mine = [remedy for remedy in record.remedies if remedy.applied_at and opened <= remedy.applied_at <= until]
    signal = next((signal for signal in reversed(record.signals) if signal.at <= opened), None)
    whole = last and len(record.incident.reopened_at) == 0
    took = phases(incident if whole else _times(incident, stretch, onset, verified, last=last),
                  record.remedies if whole else mine)
    return Opening(opened, signal.name if signal else "", onset, _ended(incident, judged, verified, handed, last=last),
                   verified, handed, stretch[-1].at, tuple(remedy.number for remedy in mine), took)


def _ended(incident: Incident, judged: Sequence[Confirmed], verified: str | None, handed: str | None, *,
           last: bool) -> str:
    if judged and judged[-1].answer == "false_alarm":
        return "false_alarm"
    if last:
        return incident.outcome or "open"
    return "resolved" if verified else "escalated" if handed else "open"


def _times(incident: Incident, stretch: Sequence[Entry], onset: str | None, verified: str | None, *,
           last: bool) -> Incident:
    """Return the incident with the times of one stretch, as far as its entries have them."""
    def first(wanted: Callable[[Entry], bool]) -> str | None:
        return next((entry.at for entry in stretch if wanted(entry)), None)

    return replace(
        incident, opened_at=stretch[0].at, onset=onset, recovery_verified_at=verified,
        confirmed_at=first(lambda entry: (fact := entry.stated(Confirmed)) is not None and fact.answer == "confirmed"),
        isolated_at=first(lambda entry: entry.stated(Isolated) is not None),
        diagnosed_at=first(lambda entry: entry.stated(Diagnosed) is not None),
        # Since when it was well is kept of the last stretch alone.
        recovered_at=incident.recovered_at if last and verified else None)


def relapses(found: Sequence[Opening]) -> tuple[Opening, ...]:
    """Return the stretches in which the symptom was confirmed once more, after it had been found gone.

    A further alarm that was a false one is no relapse.
    """
    return tuple(later for place, later in enumerate(found) if later.outcome != "false_alarm"
                 and any(before.outcome == "resolved" for before in found[:place]))
