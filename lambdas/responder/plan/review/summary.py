"""The incident in three sentences of plain English: what happened, what was done, how it is now."""

from __future__ import annotations

from responder.model.evidence.error_rate_by_version import ErrorRateByVersion
from responder.model.evidence.rollouts import Rollouts
from responder.model.images import version_of
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.zone import zone
from responder.plan.confirm import Vote
from responder.plan.decisions import Confirmed
from responder.plan.remedies import phrase
from responder.plan.review.effect import clause
from responder.plan.review.headline import subjects
from responder.plan.review.story import DID_NOT_HELP, Story
from responder.plan.wording import (
    brief,
    clock,
    count,
    duration,
    full_sentence,
    in_past,
    listed,
    moment,
    plural,
    share,
    source_name,
    times,
)

_TELLING = frozenset({"engage_network_team", "inform_customers", "inform_provider"})
"""Remedies that change nothing: they tell somebody."""
_ROUGH_SECONDS = 2.0
"""An onset that is known to more seconds than this is said with "about": a trigger may seem to come after it."""
_ENOUGH_REQUESTS = 20.0
"""Fewer requests of a version than this say nothing about its error rate."""


def summary(story: Story) -> tuple[str, ...]:
    """Return the three sentences; of a false alarm one, for nothing happened and nothing was done."""
    if story.false_alarm:
        return (false_alarm(story),)
    return (full_sentence(_happened(story)), full_sentence(done(story)), now(story))


# --- what happened ----------------------------------------------------------------------------------------------------


def _happened(story: Story) -> str:
    incident, team = story.incident, zone(story.reports.time_zone)
    if not incident.confirmed:
        return f"an alarm went off at {moment(incident.opened_at, team)}, and too few sources could say whether " \
               "anything was wrong"
    about = "about " if (story.impact.accuracy_seconds or 0.0) >= _ROUGH_SECONDS else ""
    since = f"from {about}{moment(incident.onset or incident.opened_at, team)} on {clause(story)}"
    cause = incident.cause
    named = [_with_article(one) for one in subjects(story)]
    if not named:
        return f"{since}; no cause was found" if cause else f"{since}; no cause was looked for"
    set_off = story.trigger
    if set_off is None:
        sure = f" ({share(story.cause.confidence)})" if story.cause else ""
        return f"{since}; the diagnosis names {listed(named)}{sure}"
    by = f" {set_off.by}" if set_off.by else ""
    at = f" at {clock(set_off.at)}" if set_off.at else ""
    return f"{set_off.what}{by}{at}; {since}{_beside(story, set_off.version)}"


def _with_article(subject: str) -> str:
    """Return a subject as a sentence has it: "a bad release of x"; of things in the plural without an article."""
    first = subject.split()[0]
    if first in _BARE or subject.split(" of ")[0].split(" to ")[0].split(" for ")[0].endswith("s"):
        return subject
    return f"{'an' if first[0] in 'aeiou' else 'a'} {subject}"


_BARE = frozenset({"more", "full", "lost"})


def _beside(story: Story, version: str) -> str:
    """Return how the other version did beside a bad release: " (1.0.0 beside it: 0.5%)"; empty: nobody measured it."""
    cause = story.cause
    if not version or cause is None:
        return ""
    for finding in story.evidence.looks(ErrorRateByVersion, cause.component):
        served = finding.detail.window
        others = {name: one for name, one in served.items() if name != version and one.requests >= _ENOUGH_REQUESTS}
        if version in served and len(others) == 1:
            [(name, one)] = others.items()
            return f" ({name} beside it: {share(one.errors / one.requests)})"
    return ""


# --- what was done ----------------------------------------------------------------------------------------------------


def done(story: Story) -> str:
    """Say what the responder did, and where it did nothing, what it did not and why; without the full stop."""
    changing = [remedy for remedy in story.record.remedies if remedy.action not in _TELLING]
    applied = [remedy for remedy in changing if remedy.applied_at]
    told = [f"{'then it' if place else 'the responder'} {_applied(story, remedy, first=not place)}"
            for place, remedy in enumerate(applied)]
    pending = [said for remedy in changing if not remedy.applied_at and (said := _pending(remedy))]
    if not applied or story.incident.outcome is None:
        told += pending
    telling = [in_past(remedy.summary or phrase(remedy.action)) for remedy in story.record.remedies
               if remedy.action in _TELLING and remedy.status is RemedyStatus.DONE]
    if telling:
        told.append(f"{'it' if applied else 'the responder'} {listed(list(dict.fromkeys(telling)))}")
    if not told:
        return "nothing was changed: the responder had no remedy to propose" if story.incident.diagnosed_at else (
            "nothing was changed: it did not come to a diagnosis")
    return "; ".join(told)


def _pending(remedy: Remedy) -> str:
    """Return a remedy that was not applied, with the reason; empty where that is said elsewhere."""
    what = brief(remedy.summary or phrase(remedy.action)).rstrip(" :")
    reason = f" ({remedy.reason})" if remedy.reason and remedy.reason not in what else ""
    match remedy.status:
        case RemedyStatus.OBSERVED:
            return f"nothing was changed, for the mode is observe; it would have been: {what}"
        case RemedyStatus.REFUSED:
            return f"not done: {what}{reason}"
        case RemedyStatus.REJECTED:
            return f"not done, because it was not approved: {what}{reason}"
        case RemedyStatus.WAITING:
            return f"people are asked whether to {what}"
        case RemedyStatus.PLANNED | RemedyStatus.PERMITTED | RemedyStatus.APPLYING:
            return f"being done: {what}"
        case _:
            return f"tried, and failed: {what}{reason}"


def _applied(story: Story, remedy: Remedy, *, first: bool) -> str:
    onset, at = epoch(story.incident.onset), epoch(remedy.applied_at)
    after = f", {duration(at - onset)} after it began" if first and onset and at and at > onset else ""
    who = "" if remedy.decided_by in ("", "policy") else f", approved by the {remedy.decided_by}" if (
        remedy.decided_by.startswith("holder ")) else f", approved by {remedy.decided_by}"
    how = ""
    if remedy.status in DID_NOT_HELP:
        how = ", which did not help" + (" and was taken back" if remedy.status is RemedyStatus.REVERTED else "")
    return f"{in_past(remedy.summary or phrase(remedy.action))} at {clock(remedy.applied_at)}{after}{who}{how}"


# --- how it is now ----------------------------------------------------------------------------------------------------


def now(story: Story) -> str:
    """Say whether it is over, and who has it, in a sentence."""
    incident, team = story.incident, zone(story.reports.time_zone)
    if not incident.confirmed and incident.outcome:
        return (f"Whether anything is wrong is not known; people have it since "
                f"{moment(incident.escalated_at or incident.closed_at, team)}.")
    if story.relapses and not story.over:
        return full_sentence(_relapsed(story))
    if story.over:
        well = incident.recovered_at or incident.recovery_verified_at or incident.closed_at
        by_itself = "" if story.helped else (
            " while people had it" if incident.escalated_at else " without a remedy of the responder's")
        after = f", {_again(story)}" if story.relapses else ""
        return f"It is over{after}: {story.reports.requests} have been well since {moment(well, team)}{by_itself}."
    match incident.outcome:
        case "observed":
            return (f"It is not over as far as the record goes: the responder only watches, and people have it since "
                    f"{moment(incident.escalated_at or incident.closed_at, team)}.")
        case "escalated":
            return (f"It is not over as far as the record goes: people have it since "
                    f"{moment(incident.escalated_at or incident.closed_at, team)}.")
        case _ if incident.recovered_at:
            return f"The symptom is gone since {moment(incident.recovered_at, team)}, and it is watched."
        case _:
            return "It is still open: the record tells of no end."


def _again(story: Story) -> str:
    return f"after it had come back {times(len(story.relapses))}"


def relapse(story: Story) -> str:
    """Tell a relapse that is not over as one story: what was done, how long it was well, what was there again."""
    first = [remedy for remedy in story.helped if remedy.applied_at]
    parts = ["Not resolved."]
    if first:
        what = in_past(first[-1].summary or phrase(first[-1].action))
        parts.append(f"The responder {what} at {clock(first[-1].applied_at)}.")
    return " ".join([*parts, full_sentence(_relapsed(story))])


def _relapsed(story: Story) -> str:
    """Say until when it was well, what was there again, and who has it now."""
    back = story.relapses[-1]
    first = [remedy for remedy in story.helped if remedy.applied_at and remedy.applied_at < back.opened_at]
    done_so_far = [remedy.action for remedy in story.record.remedies if remedy.applied_at]
    untried = "the same was not tried twice, and " if first and len({*done_so_far}) == len(done_so_far) else ""
    since = story.incident.escalated_at or back.handed_over_at
    tail = f"people have it since {moment(since, zone(story.reports.time_zone))}" if since else "it is being worked on"
    return f"it was well until {clock(back.onset or back.opened_at)}{_there_again(story)}; {untried}{tail}"


def _there_again(story: Story) -> str:
    version = story.trigger.version if story.trigger else ""
    return f"; then {version} was there again" if version and _current(story) == version else ", then it was back"


def _current(story: Story) -> str:
    """Return the version that the newest look found running in the component at fault; empty where nobody looked."""
    component = story.cause.component if story.cause else ""
    newest = list(story.evidence.looks(Rollouts, component))[-1:]
    return next((version_of(revision.images[0]) for finding in newest for revision in finding.detail.revisions
                 if revision.current and revision.images), "")


# --- a false alarm ----------------------------------------------------------------------------------------------------


def false_alarm(story: Story) -> str:
    """Say who saw nothing wrong, and who could not say: by the votes of the last look."""
    judged = [fact for entry in story.record.timeline if (fact := entry.stated(Confirmed))]
    if not judged:
        return "Nothing was wrong."
    votes = judged[-1].votes

    def who(wanted: Vote) -> list[str]:
        return [source_name(source) for source, cast in sorted(votes.items()) if cast == wanted]

    well = who("healthy")
    many = f"{count(len(well))} of {plural(len(votes), 'source')}" if len(well) < len(votes) else (
        f"All {plural(len(votes), 'source')}")
    said = [f"{many} saw nothing wrong ({listed(well)})"]
    if who("outage"):
        said.append(f"{listed(who('outage'))} alone saw an outage")
    if who("unknown"):
        said.append(f"{listed(who('unknown'))} could not tell")
    return full_sentence("; ".join(said))
