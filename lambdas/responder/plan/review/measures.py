"""The plan's four preventive measures, each answered from the facts of this incident."""

from __future__ import annotations

from responder.model.evidence.auth_failures import AuthFailures
from responder.model.moment import epoch
from responder.plan.review.contents import PreventiveMeasure
from responder.plan.review.improvements import ANSWERED, changes_by_hand
from responder.plan.review.story import Story
from responder.plan.wording import duration, full_sentence, listed, words

_BY_CHANGE = frozenset({"code_bug"})
"""Causes that are a change by what they are."""


def measures(story: Story) -> tuple[PreventiveMeasure, ...]:
    """Return the plan's four preventive measures, each with what this incident says of it."""
    return (
        PreventiveMeasure("Automated alerts for exceeding error rate thresholds", _alerts(story)),
        PreventiveMeasure("Regular load testing and vulnerability assessments",
                          " ".join((_load(story), _logins(story)))),
        PreventiveMeasure("A process for code reviews and change management", _changes(story)),
        PreventiveMeasure("A disaster recovery plan for critical services", _recovery(story)))


def _changes(story: Story) -> str:
    """Whether a change was at fault: the trigger where there is one, and the cause where that is a change."""
    if story.trigger is not None:
        by_hand = any(f"{change.kind} {change.name}" == story.trigger.changed
                      for change in changes_by_hand(story.incident, story.evidence))
        return "A change set it off (see the trigger)" + (
            ", made by hand and with no pipeline's mark of a review." if by_hand else ".")
    causes = {one.id for one in (*((story.cause,) if story.cause else ()), *story.further)}
    if causes & _BY_CHANGE:
        said = "The cause is a change of the component or of its configuration; which one was not seen."
    elif not causes:
        said = "Whether a change was at fault is not known, for no cause was found."
    else:
        said = "The diagnosis names no change among its evidence."
    hand = list(dict.fromkeys(f"{change.kind} {change.name}"
                              for change in changes_by_hand(story.incident, story.evidence)))
    return said + (f" Changed by hand shortly before: {listed(hand)}; whether that bears on it is not known."
                   if hand else "")


def _load(story: Story) -> str:
    causes = {one.mechanism for one in (*((story.cause,) if story.cause else ()), *story.further)}
    if "more_traffic" in causes:
        return "Load was the cause: more came than could be served."
    if not causes:
        return "Whether load was the cause is not known."
    return "Load was not the cause that was named."


def _recovery(story: Story) -> str:
    if not story.helped:
        return "This incident proves no automatic way of recovery."
    what = listed(list(dict.fromkeys(words(remedy.action) for remedy in story.helped)))
    for_good = "" if story.over and not story.relapses else " for a while"
    return full_sentence(f"an automatic way of recovery worked{for_good}: {what}")


def _alerts(story: Story) -> str:
    first = next(iter(story.record.signals), None)
    if first is None or first.kind == "person":
        return "No alarm told of it first: a person did." if first else "No alarm is on record."
    onset, opened = epoch(story.incident.onset), epoch(story.incident.opened_at)
    late = f", {duration(opened - onset)} after it began" if onset and opened and opened >= onset else ""
    return full_sentence(f"the alarm {first.name} told of it{late}")


def _logins(story: Story) -> str:
    asked = [finding for finding in story.evidence.asked(AuthFailures) if finding.status in ANSWERED]
    if not asked:
        return "Authentication failures were not looked at."
    if any((finding.value or 0.0) > (finding.baseline or 0.0) for finding in asked):
        return "Authentication failures were above what is usual: look at who tried."
    return "Nothing unusual was seen in authentication failures."
