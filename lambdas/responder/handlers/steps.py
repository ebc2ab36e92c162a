"""Several steps in one function, where they need the same rights: the first warms it for those that follow.

Which steps a function has is a matter of its environment: ``STEPS`` names their modules here, separated by commas. For
an event that brings the incident's course (``plan/course.py``) the answer says what comes next; an execution that began
under an older definition brings none, and gets the step's result alone.
"""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

from responder.model.codec import decode, encode
from responder.plan.course import Course
from responder.plan.next_step import MOST_RETURNS, RESULTS, if_it_fails, next_step, why_escalated, why_left
from responder.records.table import iso


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Hand the event to the step that it names; raises ValueError where this function has no such step."""
    name = event["do"]
    if name not in os.environ["STEPS"].split(","):
        raise ValueError(f"this function has no step {name!r}; it has {os.environ['STEPS']}")
    return _followed(name, event, context)


def remedy(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Hand the event to the remedy that the function's environment names."""
    return _followed("act", event, context)


def _followed(module: str, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run a step; returns its ``result`` with the state that is ``next``, the course, and the ``fallback``.

    The fallback is the state and the course that follow where what comes now fails.
    """
    given = dict(event)
    step, passed, failure = given.get("operation", module), given.pop("course", None), given.pop("failure", {})
    if passed is None:
        return run(module, given, context)
    course = decode(Course, passed | ({"failed": failure["Error"]} if failure else {}), "course")
    if step == "assemble" and not course.call_team:
        return {}
    result = run(module, given | inputs(step, course, given["entered"]), context)
    if step not in RESULTS:
        return result
    following = next_step(course, step, result, iso(time.time()))
    fallback = if_it_fails(following)
    return {"next": following.state.value, "course": encode(following.course), "result": result,
            "fallback": {"next": fallback.state.value, "course": encode(fallback.course)}}


def run(module: str, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return a step's own result."""
    result: dict[str, Any] = importlib.import_module(f"responder.handlers.{module}").handler(event, context)
    return result


def inputs(step: str, course: Course, entered: str) -> dict[str, object]:
    """Return what a step is told of the incident's course; ``entered`` is when its state was entered."""
    match step:
        case "confirm":
            return {"round": course.round}
        case "plan" | "apply":
            return {"number": course.number, "remedy": encode(course.remedies[course.place])}
        case "guard":
            return {"number": course.number, "asked": course.asked}
        case "approval":
            return {"number": course.number}
        case "monitor":
            return {"watching": course.watching, "since": course.since or entered, "now": entered,
                    "changed": bool(course.changed)}
        case "escalate":
            return {"why": why_escalated(course), "observed": course.observed and not course.failed}
        case "stand_down":
            return {"until": course.until, "force": course.again >= MOST_RETURNS}
        case "left":
            return {"why": why_left(course)}
        case "aftercare":
            return {"since": course.since, "now": entered}
    return {}
