"""What a step's result says of the responder itself: a pure function of the result to measures."""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.codec import decode_known
from responder.model.frozen import dataclass
from responder.model.measure import Measure, Metric, count, measure, overall
from responder.plan.course import Course, RemedyRef
from responder.plan.next_step import (
    RESULTS,
    Applied,
    Confirmed,
    Diagnosed,
    Isolated,
    Opened,
    Planned,
    Result,
    Ruled,
    StoodDown,
    Watched,
)


@dataclass(frozen=True)
class _Ended:
    """The part of a result of ``stand_down`` that decides nothing."""

    outcome: str | None = None


def of_step(step: str, service: str, result: Mapping[str, object], course: Course,
            seconds_open: float | None) -> list[Measure]:
    """Return what a step's result amounts to.

    ``course`` is the one that the step was given. ``seconds_open`` is how long the incident has been open; None: it is
    not open.
    """
    if step not in RESULTS or not service:
        return []
    found = decode_known(RESULTS[step], result, step)
    measures = _of_result(service, found, course)
    if isinstance(found, StoodDown) and not found.newer:
        measures.append(count(Metric.CLOSED, service, outcome=decode_known(_Ended, result, step).outcome or "unknown"))
    if seconds_open is not None and _is_over(found):
        measures.append(measure(Metric.SINCE_OPENED, seconds_open * 1000, "Milliseconds", service, phase=step))
    return measures


def _is_over(found: Result) -> bool:
    """Whether a phase has ended with this result; asking again or waiting does not end one."""
    match found:
        case Confirmed(answer=answer):
            return answer != "inconclusive"
        case Watched(answer=answer):
            return answer != "waiting"
        case StoodDown(newer=newer):
            return not newer
        case Isolated() | Diagnosed() | Planned() | Applied():
            return True
    return False


def _of_result(service: str, found: Result, course: Course) -> list[Measure]:
    match found:
        case Opened(result="opened"):
            return [count(Metric.OPENED, service)]
        case Ruled():
            return _of_ruling(service, found, course)
        case Applied(applied=applied, told=told):
            return [_of_remedy(service, course.remedies[course.place],
                               ("told" if told else "applied") if applied else "not_applied")]
        case Watched(answer=answer) if course.watching == "remedy" and answer != "waiting":
            return [_of_remedy(service, done.remedy, "helped" if answer == "recovered" else answer)
                    for done in course.changed]
    return []


def _of_remedy(service: str, remedy: RemedyRef, outcome: str) -> Measure:
    return count(Metric.REMEDIES, service, action=remedy.action, outcome=outcome)


def _of_ruling(service: str, found: Ruled, course: Course) -> list[Measure]:
    measures = []
    if course.asked:
        # The guardrails are checked again once people answered, or nobody did in time.
        answer = {"permitted": "approve", "rejected": "reject"}.get(found.ruling, "refused_since")
        measures += [count(Metric.ANSWERED, service, answer=answer), measure(Metric.WAITING, 0.0, "Count", service)]
    elif found.ruling == "approval":
        measures += [count(Metric.ASKED, service), measure(Metric.WAITING, 1.0, "Count", service)]
    if found.ruling == "refused":
        measures.append(count(Metric.REFUSALS, service, guardrail=found.guardrail))
    return measures


def of_failure(service: str) -> list[Measure]:
    """Return what it amounts to that a state failed in spite of its retries: an error, a time-out, a throttle."""
    return [count(Metric.STEP_FAILURES, service), overall(Metric.STEP_FAILURES, 1.0, "Count")] if service else []
