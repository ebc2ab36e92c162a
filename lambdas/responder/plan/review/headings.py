"""The headings that the field's postmortems have: each told by facts, or else asked of the team.

Sources of the headings: Google's "Site Reliability Engineering", appendix D, "Example Postmortem" (trigger, root
causes, detection, "where we got lucky"); PagerDuty's "Postmortem Template" (contributing factors); Jeli's "Howie: The
Post-Incident Guide" (questions to those who were there).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from responder.model.evidence.changes import Changes
from responder.model.evidence.instance import DatabaseInstance
from responder.model.facts import Answered, ApprovalAsked
from responder.model.incident import Cause, Entry
from responder.model.moment import epoch
from responder.model.remedy import RemedyStatus
from responder.plan.confirm import VOTES_NEEDED
from responder.plan.decisions import Confirmed
from responder.plan.review.headline import subject
from responder.plan.review.story import Story
from responder.plan.review.told import Told
from responder.plan.review.trigger import evidence_for
from responder.plan.times import just_before
from responder.plan.wording import clock, duration, full_sentence, listed, plural, share, source_name, words

_CLOSE_SECONDS = 60.0
"""An answer that came so shortly before the question expired came just in time."""
_MOST_TOLD = 5
_QUESTIONS = {
    "Trigger": "What set it off? No change is among the evidence.",
    "Root cause": "What was it? No cause was found.",
    "Contributing factors": "What made it worse, or made it take longer?",
    "Detection": "How was it noticed?",
    "Where we got lucky": "What could have gone worse, and did not by luck alone?"}

_WHY = "Why could this fail at all? The responder sees what broke, and not why it could get so far."


def headings(story: Story, answers: Mapping[str, str]) -> tuple[Told, ...]:
    """Return the headings in their order, of a false alarm none.

    ``answers`` are what people wrote, by heading in lower-case letters.
    """
    if story.false_alarm:
        return ()
    found = {"Trigger": tuple(_trigger(story)), "Root cause": tuple(_root_cause(story)),
             "Contributing factors": tuple(_contributing(story))[:_MOST_TOLD], "Detection": tuple(_detection(story)),
             "Where we got lucky": tuple(_lucky(story))[:_MOST_TOLD]}
    return tuple(Told(heading, facts, _question(story, heading, facts), answers.get(heading.lower(), ""))
                 for heading, facts in found.items())


def _question(story: Story, heading: str, facts: tuple[str, ...]) -> str:
    if heading == "Root cause":
        return _WHY if story.cause else _QUESTIONS[heading]
    return "" if facts else _QUESTIONS[heading]


def _trigger(story: Story) -> Iterator[str]:
    set_off = story.trigger
    if set_off is not None:
        by = f" {set_off.by}" if set_off.by else ""
        onset, at = epoch(story.incident.onset), epoch(set_off.at)
        before = f", {duration(onset - at)} before the symptom" if onset and at and onset - at >= 1 else ""
        when = f" at {clock(set_off.at)} UTC" if set_off.at else ""
        yield full_sentence(f"{set_off.detail}{by}{when}{before}")


def _root_cause(story: Story) -> Iterator[str]:
    cause = story.cause
    if cause is None:
        return
    named = subject(story, cause, story.trigger)
    yield full_sentence(f"{named} ({words(cause.id)}), {share(cause.confidence)} likely by the evidence: "
                   + "; ".join(evidence_for(story.incident, cause)))
    if cause.object and cause.object not in named:
        yield full_sentence(f"what is at fault in the cluster: {cause.object}")


def _contributing(story: Story) -> Iterator[str]:
    for also in story.further:
        named = subject(story, Cause(also.id, also.mechanism, also.component), None)
        yield full_sentence(f"at the same time: {named}, ended by {words(also.mended_by)}")
    for other in _other_changes(story):
        yield full_sentence(f"{other} just before the symptom as well; whether it bears on it is not known")
    for remedy in story.failed:
        lost = _between(remedy.applied_at, remedy.rolled_back_at)
        yield full_sentence(f"{words(remedy.action)} was tried and did not help{lost}")


def _between(start: str | None, end: str | None) -> str:
    began, ended = epoch(start), epoch(end)
    return f", which took {duration(ended - began)}" if began and ended and ended > began else ""


def _other_changes(story: Story) -> Iterator[str]:
    """Changes just before the symptom that the diagnosis does not name."""
    onset, seen = epoch(story.incident.onset), {story.trigger.changed if story.trigger else ""}
    named = story.cause.component if story.cause else ""
    for finding in story.evidence.of(Changes):
        for change in finding.detail.changes:
            place = f"{change.kind} {change.name}"
            if just_before(change, onset) and place not in seen and change.name != named:
                seen.add(place)
                yield f"{place} was {change.what}"


def _detection(story: Story) -> Iterator[str]:
    onset, opened = epoch(story.incident.onset), epoch(story.incident.opened_at)
    first = next(iter(story.record.signals), None)
    if first is None:
        return
    who = f"{first.name}, a person," if first.kind == "person" else f"the alarm {first.name}"
    late = f", {duration(opened - onset)} after the first failing period" if onset and opened and opened > onset else ""
    yield full_sentence(f"{who} told of it at {clock(first.at)} UTC{late}")
    agreed = [fact for entry in story.record.timeline if (fact := entry.stated(Confirmed))
              and fact.answer == "confirmed"]
    if agreed:
        seeing = [source_name(name) for name, vote in sorted(agreed[0].votes.items()) if vote == "outage"]
        yield full_sentence(f"{listed(seeing)} confirmed it")


def _lucky(story: Story) -> Iterator[str]:
    for entry in story.record.timeline:
        judged = entry.stated(Confirmed)
        if judged and judged.answer == "confirmed":
            votes = list(judged.votes.values())
            if votes.count("outage") == VOTES_NEEDED and votes.count("unknown"):
                blind = [source_name(name) for name, vote in sorted(judged.votes.items()) if vote == "unknown"]
                yield full_sentence(f"just {plural(VOTES_NEEDED, 'source')} could confirm it, as many as are needed; "
                               f"{listed(blind)} could not tell")
            break
    yield from _just_in_time(story)
    for remedy in story.helped:
        if remedy.action == "switch_provider":
            yield "The other provider was up."
        if remedy.action == "restore_database" and "standby" in remedy.summary and any(
                finding.detail.multi_az for finding in story.evidence.looks(DatabaseInstance)):
            yield "The database had a standby to fail over to."
        if remedy.action == "restore_database" and remedy.summary.startswith("fail over"):
            yield "The database had a healthy reader to fail over to."
    if story.over and not story.helped and not story.incident.escalated_at:
        yield "It passed by itself, before anything was done."


def _just_in_time(story: Story) -> Iterator[str]:
    questions = {fact.task: (entry, fact) for entry, fact in story.record.facts(ApprovalAsked)}
    permitted = {remedy.decided_by for remedy in story.record.remedies if remedy.status is not RemedyStatus.REJECTED}
    for entry, answer in story.record.facts(Answered):
        asked = questions.get(answer.task) or _last_before(questions.values(), entry)
        if asked is None or answer.decision == "reject" or entry.by not in permitted:
            continue
        left = (epoch(asked[1].expires) or 0.0) - (epoch(entry.at) or 0.0)
        if 0 < left < _CLOSE_SECONDS:
            yield full_sentence(f"the approval came {duration(left)} before the question expired")


def _last_before(asked: Iterable[tuple[Entry, ApprovalAsked]], entry: Entry) -> tuple[Entry, ApprovalAsked] | None:
    found = [one for one in asked if one[0].at <= entry.at]
    return found[-1] if found else None
