"""How an incident ended: the causes, what was ruled out, and what resolved it."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.incident import Cause, Incident
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.review.contents import FurtherCause, RuledOut
from responder.plan.wording import clock

_UNLIKELY = 0.1
"""A cause with less confidence than this is ruled out."""
DID_NOT_HELP = frozenset({RemedyStatus.REVERTED, RemedyStatus.FAILED})


def further_causes(named: Cause | None, remedies: Sequence[Remedy]) -> tuple[FurtherCause, ...]:
    """Return the causes beside the one that was named last of which a remedy was seen to help."""
    apart = (named.id, named.component) if named else None
    found = {(remedy.cause, remedy.component): FurtherCause(
        remedy.cause, remedy.mechanism, remedy.component, mended_by=remedy.action) for remedy in remedies
        if remedy.status is RemedyStatus.VERIFIED and remedy.cause and (remedy.cause, remedy.component) != apart}
    return tuple(found.values())


def ruled_out(incident: Incident, further: Sequence[FurtherCause]) -> tuple[RuledOut, ...]:
    """Return the causes that are unlikely, each with what speaks against it."""
    found = {cause.id for cause in further} | ({incident.cause.id} if incident.cause else set())
    return tuple(RuledOut(hypothesis.cause, hypothesis.confidence,
                          hypothesis.evidence_against or ("nothing points at it",))
                 for hypothesis in incident.ranking
                 if hypothesis.cause not in found and hypothesis.confidence < _UNLIKELY)


def resolution(incident: Incident, remedies: Sequence[Remedy]) -> str:
    """Say how it ended, in a few sentences."""
    if incident.outcome == "false_alarm":
        return "Nothing was wrong: the sources that were asked agree on it."
    helped = "; ".join(
        f"{remedy.summary} (applied {clock(remedy.applied_at)}, verified {clock(remedy.verified_at)})"
        for remedy in remedies if remedy.status is RemedyStatus.VERIFIED)
    tried = ", ".join(remedy.action for remedy in remedies if remedy.status in DID_NOT_HELP)
    restored = ", ".join(remedy.action for remedy in remedies if remedy.restored_at)
    return (_ended(incident, helped) + (f" These remedies did not help: {tried}." if tried else "")
            + (f" These were restored when their reason was gone: {restored}." if restored else ""))


def _ended(incident: Incident, helped: str) -> str:
    match incident.outcome:
        case "escalated" if helped:
            return (f"Not resolved: it was escalated to people at {clock(incident.escalated_at)}. "
                    f"Verified before that: {helped}.")
        case _ if helped:
            return f"{helped}."
        case "resolved":
            return "It recovered by itself, or by what people did: no remedy of the responder's was verified."
        case "observed":
            return "The responder only observed: it said what it would have done."
        case None:
            return "It was not brought to an end: the execution stopped before that."
        case _:
            return "It was escalated to people; the responder knows of no resolution."
