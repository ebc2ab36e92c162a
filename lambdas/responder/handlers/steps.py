"""Several steps with the same rights in one function; the first step warms it for the others.

The environment variable ``STEPS`` names the modules of the function's steps, separated by commas. For
an event that brings the incident's course (``plan/course.py``) the answer says what comes next; an execution that began
under an older definition brings none, and gets only the step's result.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from responder.clients import telemetry
from responder.handlers import environment, warm
from responder.handlers.observed import Whose, observed
from responder.handlers.step import event_of
from responder.model.codec import Foreign, decode_known, encode
from responder.model.frozen import dataclass
from responder.model.moment import iso, seconds
from responder.plan import own_steps
from responder.plan.course import Course
from responder.plan.left_to_try import if_unanswered, others
from responder.plan.next_step import MOST_RETURNS, RESULTS, if_it_fails, next_step
from responder.plan.promise import promised
from responder.plan.why_people import why_escalated, why_left


@dataclass(frozen=True)
class Failure(Foreign):
    """The error of a step that failed, in Step Functions' words."""

    KEYS: ClassVar[Mapping[str, str]] = {"error": "Error"}
    error: str = ""


@dataclass(frozen=True)
class Called:
    """The part of an event that names the step and holds the incident's course."""

    do: str = "act"
    """The step's module in this folder."""
    operation: str = ""
    """The step, where its module has several."""
    entered: str = ""
    """When its state was entered (ISO 8601)."""
    course: Course | None = None
    failure: Failure = Failure()
    incident: Whose | None = None
    """None in the event that opens it."""

    @property
    def step(self) -> str:
        """The step's name."""
        return self.operation or self.do


@observed(states=2)
def handler(event: Mapping[str, object], context: object) -> dict[str, object]:
    """Pass the event to the step that it names; raises ValueError where this function does not have the step."""
    if warm.warmed(event, warm.steps):
        return {}
    called = event_of(Called, event)
    if called.do not in environment.steps():
        raise ValueError(f"this function has no step {called.do!r}; it has {', '.join(environment.steps())}")
    return _followed(called, event, context)


@observed(states=2)
def remedy(event: Mapping[str, object], context: object) -> dict[str, object]:
    """Pass the event to the remedy that the function's environment names."""
    if warm.warmed(event, warm.remedy):
        return {}
    return _followed(replace(event_of(Called, event), do="act"), event, context)


def _followed(called: Called, event: Mapping[str, object], context: object) -> dict[str, object]:
    """Run a step; return its ``result``, the ``next`` state, the course, and the ``fallback``.

    The fallback is the state and the course to use if the next state fails.
    """
    given = {name: value for name, value in event.items() if name not in ("course", "failure")}
    if called.course is None:
        return result_by(called.do, given, context)
    course = replace(called.course, failed=called.failure.error or called.course.failed)
    if called.step == "assemble" and not course.call_team:
        return {}
    result = result_by(called.do, given | inputs(called.step, course, called.entered), context)
    if called.step not in RESULTS:
        return result
    now = time.time()
    following = next_step(course, called.step, result, iso(now))
    _measured(called, course, result, now)
    fallback = if_it_fails(following)
    return {"next": following.state.value, "course": encode(following.course), "result": result,
            "fallback": {"next": fallback.state.value, "course": encode(fallback.course)}}


@dataclass(frozen=True)
class _New:
    """The part of the result of ``open`` that names the incident."""

    incident: Whose | None = None


def _measured(called: Called, course: Course, result: Mapping[str, object], now: float) -> None:
    """Write what a step's result says of the responder itself to the function's log."""
    incident = called.incident or decode_known(_New, result).incident
    if incident is None:
        return
    opened = incident.opened_at and now - seconds(incident.opened_at)
    telemetry.emit(environment.namespace(), (
        *own_steps.of_step(called.step, incident.service, result, course, opened or None),
        *(own_steps.of_failure(incident.service) if called.failure.error else ())))


def result_by(module: str, event: dict[str, object], context: object) -> dict[str, object]:
    """Return a step's own result."""
    result: dict[str, object] = importlib.import_module(f"responder.handlers.{module}").handler(event, context)
    return result


def inputs(step: str, course: Course, entered: str) -> dict[str, object]:
    """Return a step's input from the incident's course; ``entered`` is when its state was entered."""
    match step:
        case "confirm":
            return {"round": course.round}
        case "plan" | "apply":
            return {"number": course.number, "remedy": encode(course.remedies[course.place]),
                    "value": course.value if course.is_as_chosen else None,
                    "more_by": promised(entered, course.settings.update_seconds)}
        case "inform" | "customers":
            return {"more_by": course.more_by}
        case "guard":
            return {"number": course.number, "asked": course.asked,
                    "question": course.question if course.is_as_chosen else course.number}
        case "approval":
            return {"number": course.number, "otherwise": if_unanswered(course), "others": others(course)}
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
