"""How an incident ended: the causes, what was ruled out, and what resolved it."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.incident import Cause, Incident
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.review.contents import FurtherCause, RuledOut
from responder.plan.review.story import Story
from responder.plan.review.summary import false_alarm, now, relapse
from responder.plan.wording import brief, clock, full_sentence, words

_UNLIKELY = 0.1
"""A cause with less confidence than this is ruled out."""


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


def over(story: Story) -> str:
    """Say in a word or two, with the time, whether it is over."""
    incident = story.incident
    if story.false_alarm:
        return "Nothing was wrong"
    if story.over:
        return f"Over since {clock(incident.recovered_at or incident.recovery_verified_at or incident.closed_at)} UTC"
    if incident.outcome in ("escalated", "observed"):
        since = clock(incident.escalated_at or incident.closed_at)
        return f"{'Not over' if incident.confirmed else 'Not known'}: people have it since {since} UTC"
    return f"Gone since {clock(incident.recovered_at)} UTC, being watched" if incident.recovered_at else "Not over"


def resolution(story: Story) -> str:
    """Say how it ended, in a few sentences."""
    incident = story.incident
    if story.false_alarm:
        return false_alarm(story)
    restored = [brief(remedy.summary or words(remedy.action)) for remedy in story.record.remedies
                if remedy.restored_at]
    put_back = full_sentence(f"restored when the reason was gone: {'; '.join(restored)}") if restored else ""
    if story.relapses and not story.over:
        return " ".join(part for part in (relapse(story), put_back) if part)
    helped = "; ".join(f"{brief(remedy.summary)} (applied {clock(remedy.applied_at)}, found to help "
                       f"{clock(remedy.verified_at)})" for remedy in story.helped)
    if story.over and helped:
        return " ".join(part for part in (full_sentence(helped), put_back) if part)
    if story.over:
        how = "It recovered while people had it" if incident.escalated_at else "It recovered by itself"
        return " ".join(part for part in (f"{how}: no remedy of the responder's was found to help.", put_back) if part)
    before = full_sentence(f"Found to help before that: {helped}") if helped else ""
    return " ".join(part for part in (now(story), before, put_back) if part)


