"""What is left to do: by whom, and what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responder.model.facts import ApprovalAsked
from responder.model.remedy import RemedyStatus
from responder.plan.messages import stop_gaps
from responder.plan.remedies import phrase
from responder.plan.review.story import Story
from responder.plan.review.told import FollowUp, OpenItem, Told
from responder.plan.wording import brief, clock, plural

_TASK = "engage_network_team"
_NOT_DONE = frozenset({RemedyStatus.REFUSED, RemedyStatus.REJECTED, RemedyStatus.OBSERVED})


def left(story: Story, follow_ups: Sequence[FollowUp], told: Sequence[Told]) -> tuple[OpenItem, ...]:
    """Return what is left to do, the most urgent first; of a false alarm nothing."""
    if story.false_alarm:
        return ()
    return (*_now(story), *_stop_gaps(story), *_temporary(story), *_afterwards(follow_ups, told))


def _now(story: Story) -> Iterator[OpenItem]:
    if story.over or story.incident.outcome is None:
        asked = [fact for _, fact in story.record.facts(ApprovalAsked)]
        for remedy in story.record.remedies:
            if remedy.status is RemedyStatus.WAITING:
                until = f", until {clock(asked[-1].expires)} UTC" if asked else ""
                yield OpenItem("Who was asked", f"Approve or reject: {brief(remedy.summary)}{until}.")
        return
    tasks = [remedy for remedy in story.record.remedies
             if remedy.action == _TASK and remedy.status is RemedyStatus.DONE]
    if tasks:
        yield OpenItem("Network team", "End the outage: the responder has no remedy for it.")
    if not story.incident.confirmed:
        yield OpenItem("Incident commander", "Find out whether anything is wrong: the responder could not.")
    elif not tasks:
        yield OpenItem("Incident commander", "End the outage: the responder does nothing more about it.")
    for remedy in story.record.remedies:
        if remedy.status in _NOT_DONE and remedy.summary:
            yield OpenItem("Incident commander", f"Decide on what was not done: {brief(remedy.summary).rstrip(' :')}.",
                           remedy.by_hand)


def _stop_gaps(story: Story) -> Iterator[OpenItem]:
    """What was only put off: the next time is certain, and is not yet told by anything."""
    for follows in stop_gaps(story.record.remedies):
        yield OpenItem("Developers", f"What was done is a stop-gap: {brief(follows)}.")


def _temporary(story: Story) -> Iterator[OpenItem]:
    for remedy in story.temporary:
        what = brief(remedy.summary or phrase(remedy.action))
        if remedy.left_to_people_at:
            yield OpenItem("Incident commander", f"Take back what is still in place since {clock(remedy.applied_at)} "
                                                 f"UTC: {what}.", remedy.undo)
        else:
            yield OpenItem("The responder", f"Restores what is only for a time, when its reason is gone: {what}.")


def _afterwards(follow_ups: Sequence[FollowUp], told: Sequence[Told]) -> Iterator[OpenItem]:
    to_do = [item for item in follow_ups if not item.done]
    questions = [one for one in told if one.question and not one.answer]
    if to_do:
        yield OpenItem("Owners", f"{plural(len(to_do), 'follow-up')} below.")
    if questions:
        yield OpenItem("The team", f"Answer {plural(len(questions), 'question')} below.")
