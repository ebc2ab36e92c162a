"""What is left to try: the next remedy that a diagnosis names, watching what was changed, another look, or people."""

from __future__ import annotations

from dataclasses import replace

from responder.plan.course import Course, Done, Following, RemedyRef, State, Watching
from responder.plan.remedies import phrase


def another(course: Course, now: str) -> Following:
    """Return the next remedy that the diagnosis names; without one, watch what was changed, or look again.

    Two faults at once have two remedies. A contested remedy is not applied while another one of the same cause is
    watched: it follows where that one did not help.
    """
    course = replace(course, number=course.number + 1, asked=False)
    for place in range(course.place + 1, len(course.remedies)):
        if not _waits(course.remedies[place], course.changed):
            return Following(State.PLAN, replace(course, place=place))
    if course.watching == "people":
        return Following(State.WATCH, course)
    if course.changed:
        return Following(State.INFORM, watch_remedy(course, now))
    if course.neighbour and not course.waited:
        # Another incident remediates what both depend on: its recovery is this one's.
        return Following(State.WATCH, watch_remedy(replace(course, waited=True), now))
    if course.passing and course.attempt < course.settings.attempts:
        return Following(State.WATCH, look_again(course, now))
    return Following(State.ESCALATE, course)


def if_unanswered(course: Course) -> str:
    """Say what follows where nobody answers the question about the remedy, in a sentence without a capital."""
    following = another(replace(course, asked=True), "")
    after = following.course
    if following.state is State.PLAN:
        return f"the next remedy follows: {phrase(after.remedies[after.place].action)}"
    if following.state is State.ESCALATE:
        return "people are paged to take over"
    if after.watching == "look":
        return "the evidence is gathered once more"
    return "nothing more is tried for now, and the responder keeps watching"


def others(course: Course) -> tuple[str, ...]:
    """Return the ids of the remedies that may come first instead of the one that is decided on."""
    return tuple(remedy.id for remedy in course.remedies[course.place + 1:] if not _waits(remedy, course.changed))


def first(course: Course, wanted: str) -> Course:
    """Return the same in which the wanted remedy follows next, where it is one of those that may."""
    if wanted not in others(course):
        return course
    following = sorted(course.remedies[course.place + 1:], key=lambda remedy: remedy.id != wanted)
    return replace(course, remedies=(*course.remedies[:course.place + 1], *following))


def _waits(remedy: RemedyRef, changed: tuple[Done, ...]) -> bool:
    return remedy.contested and any(
        done.remedy.cause == remedy.cause and done.remedy.action != remedy.action for done in changed)


def look_again(course: Course, now: str) -> Course:
    """Return the course in which the evidence is gathered once more, after a while."""
    return watch(replace(course, attempt=course.attempt + 1), "look", now, course.settings.look_wait_seconds)


def watch_remedy(course: Course, since: str) -> Course:
    """Return the course in which it is watched whether what was done, or what heals by itself, helps; see ``watch``."""
    return watch(course, "remedy", since, course.settings.check_every_seconds)


def watch(course: Course, watching: Watching, since: str, wait: int) -> Course:
    """Return the course in which the recovery is watched since a moment (ISO 8601; empty: the next look)."""
    return replace(course, watching=watching, since=since, changed_since=since if watching == "remedy" else "",
                   wait=wait, tell="inform")
