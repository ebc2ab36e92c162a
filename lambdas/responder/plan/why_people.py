"""Why people are needed, or have something left to do: sentences about the course of an incident."""

from __future__ import annotations

from responder.plan.course import Course


def why_escalated(course: Course) -> str:
    """Say why people are needed: what went wrong last, the gravest first."""
    if course.failed:
        return f"the responder failed in a step: {course.failed}"
    if course.progress == "not_helped":
        return "the remedies did not help"
    if course.progress == "worse":
        return "a remedy made it worse and was rolled back"
    if course.told:
        return f"people have a task: {course.done}"
    if course.applied is False:
        return f"the remedy could not be applied: {course.done}"
    if course.reason is not None:
        return course.reason
    if course.summary is not None:
        return course.summary
    return "the sources do not agree on whether there is an outage"


def why_left(course: Course) -> str:
    """Say why what is in place for a while was not restored."""
    if course.failed:
        return f"the responder failed in a step: {course.failed}; its temporary changes are in the report"
    return course.left_for
