"""What planning, applying and reverting share: what the step was given, the remedy, and what is on record of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Literal, TypedDict

from responder import actions
from responder.actions import AnyAction, AnyPlan, RemediationContext
from responder.handlers import environment
from responder.handlers.step import StepEvent, StepRun, kill_switch
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord, Proposed
from responder.model.moment import seconds
from responder.model.remedy import Remedy
from responder.plan.course import RemedyRef
from responder.plan.guardrails import insufficient, released


class TryAgain(Exception):
    """The step may be tried again: nothing was done, or the next try sees that it was."""


@dataclass(frozen=True, kw_only=True)
class RemedyEvent(StepEvent):
    """What a remedy's function is given."""

    operation: Literal["plan", "apply", "revert"]
    number: int
    """1-based position of the remedy among the incident's."""
    remedy: RemedyRef
    """Its ``id`` is that of the diagnosis on record that proposes it."""
    value: int | None = None
    """Of planning: the value that a person chose for the parameter that may be changed; None: nobody did."""
    over: bool = False
    """Of reverting: whether a temporary mitigation is no longer needed. False: the remedy did not help."""
    why: str = ""
    """Of reverting: why, in a sentence."""
    more_by: str = ""
    """When customers may be told that they hear more, ISO 8601 in UTC; empty: nothing may be promised."""


def mine() -> AnyAction:
    """Return the action that this function is for."""
    return actions.find(environment.action())


def planned_context(run: StepRun, event: RemedyEvent, action: AnyAction, proposal: Proposed) -> RemediationContext:
    """Return what a remedy is asked to remediate, by the diagnosis that proposes it."""
    return RemediationContext(
        run.service, run.incident, event.number, proposal.cause, proposal.mechanism, proposal.component,
        proposal.onset, time.monotonic() + action.deadline_seconds, proposal.where, proposal.symptom, event.value,
        **_moment(run, event))


def context_of(run: StepRun, event: RemedyEvent, action: AnyAction, remedy: Remedy) -> RemediationContext:
    """Return what a remedy on record is asked to remediate."""
    proposal = run.records.proposed(run.incident, remedy.proposal)
    return RemediationContext(
        run.service, run.incident, remedy.number, remedy.cause, remedy.mechanism, remedy.component,
        proposal.onset if proposal else None, time.monotonic() + action.deadline_seconds, remedy.where,
        proposal.symptom if proposal else "", **_moment(run, event))


class _Moment(TypedDict):
    at: float
    more_by: str
    record: Callable[[], IncidentRecord]


def _moment(run: StepRun, event: RemedyEvent) -> _Moment:
    """Return what tells of the moment: the same at each try of the step, except for what is on record by then."""
    return {"at": seconds(run.entered), "more_by": event.more_by,
            "record": cache(lambda: run.records.without_timeline(run.incident))}


def kept(action: AnyAction, remedy: Remedy) -> AnyPlan:
    """Return the plan as it was put on record; raises ActionFailed."""
    return action.kept(remedy.target, remedy.summary, remedy.before, remedy.parameters, remedy.diff)


def added_to(run: StepRun, action: AnyAction, target: str) -> Remedy | None:
    """Return the remedy of this incident to which this one adds, because it was insufficient; None: it adds to none."""
    if not action.remedy.incremental:
        return None
    return insufficient(run.records.remedies_of(run.incident), action.name, target)


def hindrance(run: StepRun) -> str:
    """Say why nothing may be changed just now; empty where it may. Read anew at each change."""
    value = kill_switch(run.service)
    if value is None:
        return f"the kill switch {run.service.kill_switch} could not be read, or was never set"
    return "" if released(value) else f"the kill switch {run.service.kill_switch} is engaged"


def not_mine(remedy: Remedy, action: AnyAction, *, proposals: tuple[str, str] | None = None) -> str:
    """Say that what is on record under a number is another remedy; ``proposals``: the ids of theirs and of ours."""
    theirs, ours = (f" (proposed as {name})" for name in proposals) if proposals else ("", "")
    return (f"remedy {remedy.number} is on record as {remedy.action} of {remedy.component}{theirs}, and not as "
            f"{action.name}{ours}")
