"""What planning, applying and reverting share: what the step was given, the remedy, and what is on record of it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from responder import actions
from responder.actions import AnyAction, AnyPlan, RemediationContext
from responder.handlers.step import Step, kill_switch
from responder.model.codec import decode
from responder.model.incident import Proposed
from responder.model.remedy import Remedy
from responder.plan.guardrails import insufficient, released


class TryAgain(Exception):
    """The step may be tried again: nothing was done, or the next try sees that it was."""


@dataclass(frozen=True)
class Given:
    """What the state machine passes on to a remedy's function."""

    number: int
    """1-based position of the remedy among the incident's."""
    proposal: str
    """The id by which the diagnosis on record proposes it."""
    restores: bool = False
    """Of reverting: whether a temporary mitigation is no longer needed. False: the remedy did not help."""
    why: str = ""
    """Of reverting: why, in a sentence."""
    execution: str = ""
    """ARN of the execution that looks after the incident."""


def given(visit: Step) -> Given:
    """Return what this visit was given."""
    event = visit.event
    return Given(int(event["number"]), str(event["remedy"].get("id") or ""), bool(event.get("over")),
                 str(event.get("why") or ""), str(event["incident"].get("execution") or ""))


def mine() -> AnyAction:
    """Return the action that this function is for."""
    return actions.find(os.environ["ACTION"])


def on_record(visit: Step, number: int) -> Remedy | None:
    """Return a remedy's record; None where there is none."""
    item = visit.records.item(f"REMEDY#{visit.incident}", f"ACTION#{number:02d}")
    return Remedy.of(item) if item else None


def proposed(visit: Step, name: str) -> Proposed | None:
    """Return what a diagnosis on record proposes; None where there is none of this id."""
    kept = visit.records.proposal(visit.incident, name)
    return decode(Proposed, kept | {"id": name}, f"PROPOSED#{name}") if kept else None


def planned_context(visit: Step, action: AnyAction, number: int, proposal: Proposed) -> RemediationContext:
    """Return what a remedy is asked to remediate, by the diagnosis that proposes it."""
    return RemediationContext(
        visit.service, visit.incident, number, proposal.cause, proposal.mechanism, proposal.component, proposal.onset,
        time.monotonic() + action.deadline_seconds, proposal.where, proposal.symptom)


def context_of(visit: Step, action: AnyAction, remedy: Remedy) -> RemediationContext:
    """Return what a remedy on record is asked to remediate."""
    proposal = proposed(visit, remedy.proposal)
    return RemediationContext(
        visit.service, visit.incident, remedy.number, remedy.cause, remedy.mechanism, remedy.component,
        proposal.onset if proposal else None, time.monotonic() + action.deadline_seconds, remedy.where,
        proposal.symptom if proposal else "")


def kept(action: AnyAction, remedy: Remedy) -> AnyPlan:
    """Return the plan as it was put on record; raises ActionFailed."""
    return action.kept(remedy.target, remedy.summary, remedy.before, remedy.parameters, remedy.diff)


def added_to(visit: Step, action: AnyAction, target: str) -> Remedy | None:
    """Return the remedy of this incident to which this one adds, because it was insufficient; None: it adds to none."""
    if not action.remedy.incremental:
        return None
    return insufficient([Remedy.of(item) for item in visit.records.actions(visit.incident)], action.name, target)


def hindrance(visit: Step) -> str:
    """Say why nothing may be changed just now; empty where it may. Read anew at each change."""
    value = kill_switch(visit.service)
    if value is None:
        return f"the kill switch {visit.service.kill_switch} could not be read, or was never set"
    return "" if released(value) else f"the kill switch {visit.service.kill_switch} is engaged"


def not_mine(remedy: Remedy, action: AnyAction, *, proposals: tuple[str, str] | None = None) -> str:
    """Say that what is on record under a number is another remedy; ``proposals``: the ids of theirs and of ours."""
    theirs, ours = (f" (proposed as {name})" for name in proposals) if proposals else ("", "")
    return (f"remedy {remedy.number} is on record as {remedy.action} of {remedy.component}{theirs}, and not as "
            f"{action.name}{ours}")
