"""What went well, and what did not: each a fact of the record, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.facts import ApprovalAsked, Undelivered
from responder.plan.remedies import phrase
from responder.plan.review.story import Story
from responder.plan.wording import (
    brief,
    channel_name,
    duration,
    full_sentence,
    listed,
    plural,
    source_name,
    times,
    words,
)


def went_well(story: Story) -> Iterator[str]:
    """Yield what went well."""
    incident = story.incident
    # Of what came back, or was handed to people later, it is not known whether a remedy helped for good.
    for_good = story.over and not story.relapses
    if story.helped and for_good:
        yield ("The first remedy that was tried helped." if not story.failed else
               f"{plural(len(story.helped), 'remedy', 'remedies')} helped, after "
               f"{plural(len(story.failed), 'other')} had not.")
    elif story.helped:
        yield f"The symptom was gone for a while after {words(story.helped[0].action)}."
    cause = story.cause
    sources = next((hypothesis.sources for hypothesis in incident.ranking if cause and (
        hypothesis.cause, hypothesis.component) == (cause.id, cause.component)), ())
    if incident.diagnosed_at and len(sources) > 1:
        yield full_sentence(f"several sources named the cause: {listed([source_name(one) for one in sources])}")
    if story.over and not incident.escalated_at and not any(story.record.facts(ApprovalAsked)):
        yield "No decision by people was needed."


def went_badly(story: Story) -> Iterator[str]:
    """Yield what did not go well."""
    for phase in (phase for opening in story.openings for phase in opening.phases):
        if phase.met is False:
            yield full_sentence(f"{phase.phase} took {duration(phase.seconds)}; "
                           f"the plan allows {duration(phase.target_seconds)}")
    for remedy in story.failed:
        yield full_sentence(f"it did not help to {brief(remedy.summary or phrase(remedy.action))}")
    for channel in sorted({fact.failed for _, fact in story.record.facts(Undelivered)}):
        yield full_sentence(f"{channel_name(channel)} could not be used to tell people")
    if story.relapses:
        yield f"It came back {times(len(story.relapses))} after it had been closed."
    if story.incident.cause and story.incident.cause.id == "unknown" and not story.further:
        yield "No cause was found."
    if story.incident.outcome == "escalated" and not story.over:
        yield "The responder could not end it." if story.incident.confirmed else (
            "Too few sources could say whether anything was wrong.")
