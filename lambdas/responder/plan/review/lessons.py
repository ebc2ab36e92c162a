"""What went well, and what did not: each a fact of the record, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responder.model.facts import ApprovalAsked, Undelivered
from responder.model.incident import IncidentRecord
from responder.model.remedy import RemedyStatus
from responder.plan.review.contents import Phase
from responder.plan.review.outcome import DID_NOT_HELP
from responder.plan.wording import clock, duration, listed, times, words


def went_well(record: IncidentRecord) -> Iterator[str]:
    """Yield what went well."""
    incident = record.incident
    for remedy in record.remedies:
        if remedy.status is RemedyStatus.VERIFIED:
            # Of what was escalated later it is not known whether the remedy helped for good.
            told = "helped" if incident.outcome == "resolved" else f"was verified at {clock(remedy.verified_at)}"
            yield f"{words(remedy.action)} on {remedy.target} {told}"
    cause = incident.cause
    sources = next((hypothesis.sources for hypothesis in incident.ranking if cause and (
        hypothesis.cause, hypothesis.component) == (cause.id, cause.component)), ())
    if incident.diagnosed_at and cause and cause.id != "unknown" and len(sources) > 1:
        yield f"the cause was named from what {listed(sources)} saw"
    if incident.outcome == "resolved" and not incident.escalated_at and not any(record.facts(ApprovalAsked)):
        yield "no decision by people was needed"


def went_badly(record: IncidentRecord, phases: Sequence[Phase]) -> Iterator[str]:
    """Yield what did not go well."""
    incident = record.incident
    for phase in phases:
        if phase.met is False:
            yield (f"{phase.phase} took {duration(phase.seconds)}; "
                   f"the plan allows {duration(phase.target_seconds)}")
    for remedy in record.remedies:
        if remedy.status in DID_NOT_HELP:
            yield f"{words(remedy.action)} on {remedy.target} did not help"
    for channel in sorted({fact.failed for _, fact in record.facts(Undelivered)}):
        yield f"{channel} could not be used to tell people"
    if incident.reopened_at:
        yield f"it came back {times(len(incident.reopened_at))} after it had been closed"
    if incident.cause and incident.cause.id == "unknown":
        yield "no cause was found"
