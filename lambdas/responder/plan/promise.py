"""When customers hear more: the time that they are told, and how each way through the plan keeps it.

What is promised is in the course (``more_by``). After each step it is worked out how long it may take at most until the
next step ends: where the promise would not outlast that, customers are told more before the plan goes on. That takes
the plan no time, because the state machine does not wait for it. A wait that can be shorter is shortened instead, so
that a step ends in time.

It holds as long as no step needs more than two tries. Where one needs more, customers hear it later: at the next step.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from responder.model.moment import iso, seconds
from responder.plan.course import Course, Following, State
from responder.plan.times import RARER

APPROVAL_MARGIN_SECONDS = 30
"""How long the state machine waits beyond the time in which people may answer, so that an answer just before its end
still arrives."""
STEP_SECONDS = 120
"""A step ends within 60 s, at its second try."""
ASK_SECONDS = 50
"""Sources are asked side by side, 25 s each, and once again where Lambda itself failed."""
REPORT_SECONDS = 200
"""The interim report ends within 100 s, at its second try."""
SAY_SECONDS = 240
"""What a delivery takes whose first try fails: Lambda tries an event again after a minute ("How Lambda handles errors
and retries with asynchronous invocation"); and before it a step that was about to end the incident and did not."""
_MINUTE = 60
_LOOK = ASK_SECONDS + STEP_SECONDS
_ESCALATE = STEP_SECONDS + REPORT_SECONDS + _LOOK
"""Nothing is put between the escalation and its interim report."""
_WAITS = frozenset({State.WATCH, State.WAIT_TO_VERIFY, State.INFORM, State.INTERIM})
"""States before whose next step there is a wait that may be shorter."""
_AT_ONCE = frozenset({State.GUARD, State.APPLY, State.INTERIM, State.STAND_DOWN})
"""States that are never put off: between a ruling and its remedy there is nothing. Standing down tells customers."""
_ENDED = frozenset({State.REPORT, State.CLOSED, State.WAIT_TO_RESTORE, State.RESTORE, State.LEAVE, State.ANSWER,
                    State.REFUSE})
"""States in which nothing is promised any more."""


def update_seconds(configured: int, approval_seconds: int, remedies: int) -> int:
    """Return after how many seconds customers hear more: as configured, or after the longest stretch without a step.

    ``approval_seconds`` is how long people may be asked at most, ``remedies`` how many an incident may have, which may
    all be rolled back one after the other. 0: nothing is promised.
    """
    longest = max(approval_seconds + 2 * STEP_SECONDS, remedies * STEP_SECONDS + _ESCALATE)
    # A message is written at the beginning of its step; another remedy may be planned and ruled on before people are
    # asked. Without these, customers would hear more at once after the first message.
    return max(configured, longest + 3 * STEP_SECONDS + SAY_SECONDS) if configured else 0


def promised(now: str, after_seconds: int) -> str:
    """Return the time that is promised at ``now``, a full minute; both ISO 8601. Empty: nothing is promised."""
    return iso(ceil((seconds(now) + after_seconds) / _MINUTE) * _MINUTE) if after_seconds else ""


def longest(following: Following) -> int:
    """Return how many seconds it takes at most until the next step has ended, without a wait that may be shorter."""
    course = following.course
    match following.state:
        case (State.VERIFY | State.IDENTIFY | State.GATHER | State.WATCH | State.WAIT_TO_VERIFY
              | State.INFORM):
            return _LOOK
        case State.PLAN:
            return 3 * STEP_SECONDS  # nothing is put between it, the ruling and the remedy
        case State.GUARD:
            return 2 * STEP_SECONDS
        case State.APPROVAL:
            return course.settings.approval_seconds + 2 * STEP_SECONDS
        case State.ESCALATE:
            return _ESCALATE
        case State.INTERIM:
            return REPORT_SECONDS + _LOOK
        case State.ROLL_BACK:
            return len(course.undo) * STEP_SECONDS + (_ESCALATE if course.then is State.ESCALATE else _LOOK)
        case _:
            return STEP_SECONDS


def kept(following: Following, now: str) -> Following:
    """Return what follows with customers told before it, where they must be, and with waits that keep the promise.

    They must be told where what was promised would not be kept otherwise, and where they were told that it is over and
    it is there again.
    """
    course, state = following.course, following.state
    if state in _ENDED:
        return Following(state, replace(course, more_by=""))
    relapsed = course.told_over and state is State.IDENTIFY
    if relapsed or (state not in _AT_ONCE and _left(course, now) < longest(following) + SAY_SECONDS):
        more = replace(course, more_by=promised(now, _after(course, now)), told_over=False, after=state)
        return Following(State.UPDATE, _shortened(Following(state, more), now))
    return Following(state, _shortened(following, now))


def _after(course: Course, now: str) -> int:
    """Return in how many seconds customers hear more: the more rarely, the longer it is watched, as looks do.

    A look is put between for each promise that no other keeps, and an execution's history has an end.
    """
    update = course.settings.update_seconds
    watched = seconds(now) - seconds(course.since) if course.since else 0.0
    return max(update, int(RARER * watched)) if update else 0


def _left(course: Course, now: str) -> float:
    """Return how many seconds are left until customers are to hear more."""
    return seconds(course.more_by) - seconds(now) if course.more_by else float("inf")


def _shortened(following: Following, now: str) -> Course:
    course = following.course
    left = _left(course, now) - longest(following) - SAY_SECONDS
    return replace(course, wait=max(1, int(left))) if following.state in _WAITS and left < course.wait else course
