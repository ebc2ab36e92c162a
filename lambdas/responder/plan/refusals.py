"""Why remedies of an incident are not at work, as people are told it, and how they are done by hand."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.fault_location import Callee, Database, Provider, Unreached, location_of
from responder.model.incident import IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.needs import TASK, asked_for, current, earlier
from responder.plan.remedies import sentence as of_refusal
from responder.plan.wording import bare, clock, sentence, words

_BY_PEOPLE = frozenset({RemedyStatus.REFUSED, RemedyStatus.REJECTED, RemedyStatus.OBSERVED, RemedyStatus.FAILED})
"""Statuses of what the responder did not do, and a person may."""


def not_proposed(record: IncidentRecord) -> list[str]:
    """Return a sentence for each remedy of the cause that was named last which was not even planned."""
    planned = {(remedy.action, remedy.component) for remedy in record.remedies}
    return [of_refusal(refusal) for refusal in record.incident.not_proposed
            if (refusal.action, refusal.component) not in planned]


def deed(remedy: Remedy) -> str:
    """Return what a remedy does, or what people are asked to do by it, in plain words, without a full stop."""
    if remedy.action == TASK:
        return f"restore the path {_path(remedy)}"
    return bare(remedy.deed or remedy.summary or words(remedy.action))


def _path(remedy: Remedy) -> str:
    match location_of(remedy.where):
        case Unreached():
            return f"from its callers to {remedy.component}"
        case Database():
            return f"from {remedy.component} to its database"
        case Provider(name) | Callee(name):
            return f"from {remedy.component} to {name}"
        case _:
            return f"from {remedy.component} to what it calls"


def by_hand(record: IncidentRecord) -> list[Remedy]:
    """Return the remedies of this opening that were not carried out, and that people may carry out by hand."""
    return [remedy for remedy in current(record) if remedy.status in _BY_PEOPLE and not remedy.audience]


def commands(remedies: Sequence[Remedy]) -> str:
    """Return the commands that do remedies by hand, each under what it does; empty where none is known."""
    return "\n".join(dict.fromkeys(f"# {deed(remedy)}\n{remedy.by_hand.strip()}" for remedy in remedies
                                   if remedy.by_hand.strip()))


def reasons(service: Service, record: IncidentRecord) -> tuple[str, ...]:
    """Return a sentence for each remedy that is not at work, with the reason."""
    found: dict[str, None] = {}
    for remedy in current(record):
        said = reason(service, record, remedy)
        if said:
            found[sentence(said)] = None
    for remedy in earlier(record):
        at = f" at {clock(remedy.applied_at)} UTC" if remedy.applied_at else ""
        found[sentence(f"{words(remedy.action)} was done once in this incident{at} and is not repeated")] = None
    found |= dict.fromkeys(sentence(one) for one in not_proposed(record))
    return tuple(found)


def reason(service: Service, record: IncidentRecord, remedy: Remedy) -> str:
    """Say why a remedy is not at work, with the times of the question where people were asked; empty where it is."""
    match remedy.status:
        case RemedyStatus.OBSERVED:
            would = "would do this" if service.policy.get(remedy.action) == "auto" else "would ask to do this"
            why = f". Mode observe, nothing was changed; in mode auto the responder {would}"
        case RemedyStatus.REFUSED:
            why = f": {bare(remedy.reason) or 'a guardrail refused it'}"
        case RemedyStatus.REJECTED:
            why = f": {_rejected(record, remedy)}"
        case RemedyStatus.FAILED:
            why = f": it failed{f' ({bare(remedy.reason)})' if remedy.reason else ''}"
        case RemedyStatus.REVERTED:
            why = ": it was tried, did not help, and was undone"
        case _:
            why = ": it was tried and did not help; it stays as it is" if remedy.kept else ""
    return f"{deed(remedy)}{why}" if why else ""


def _rejected(record: IncidentRecord, remedy: Remedy) -> str:
    asked = asked_for(record, remedy)
    if remedy.decided_by in ("", "policy") and asked:
        entry, fact = asked
        return f"not approved in time (asked {clock(entry.at)}, expired {clock(fact.expires)} UTC)"
    return bare(remedy.reason) or "it was not approved"
