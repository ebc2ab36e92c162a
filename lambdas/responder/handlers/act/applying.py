"""Apply the remedy that was planned and ruled upon, and tell its audience."""

from __future__ import annotations

import time
from collections.abc import Sequence

from responder.actions import ActionFailed, AnyAction, AnyPlan, RemediationContext, understood
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.act.remedy import (
    RemedyEvent,
    TryAgain,
    added_to,
    context_of,
    hindrance,
    kept,
    mine,
    not_mine,
)
from responder.handlers.step import StepRun, step
from responder.model import facts
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.records.remedies import RemedyChange

_RULED = frozenset({RemedyStatus.PERMITTED, RemedyStatus.APPLYING, RemedyStatus.APPLIED, RemedyStatus.DONE})


@dataclass(frozen=True)
class ApplyResult:
    """What applying returns."""

    applied: bool
    done: str
    """What was done, or why it was not, in a sentence."""
    told: bool
    """Whether its audience was told."""
    gave_task: bool = False
    """Whether people were given a task."""
    more_by: str = ""
    """When customers were told that they hear more, ISO 8601 in UTC; empty: nothing was promised."""


@step("Apply the remedy", RemedyEvent, renews=False)
def apply(run: StepRun, event: RemedyEvent) -> ApplyResult:
    """Apply what was planned and ruled upon."""
    action = mine()
    remedy = _ruled(run, event, action)
    context = context_of(run, event, action, remedy)
    again = remedy.status == RemedyStatus.APPLYING
    if remedy.status in (RemedyStatus.APPLIED, RemedyStatus.DONE):
        # The try before this one ended after its work was on record.
        return _applied(run, action, context, remedy, remedy.result, remedy.told_by)
    # Who only tells people needs a lease where other incidents may tell the same.
    lost = "" if action.audience and not remedy.fence else _lost(run, remedy)
    if lost:
        return _not_applied(run, context, action, lost, again, guardrail="lease")
    if remedy.status == RemedyStatus.PERMITTED:
        # Said before it is done: should this step end early, it is known that it may have happened.
        run.records.set_remedy(run.incident, context.number, action.name, status=RemedyStatus.APPLYING)
    with gate.opened(lambda: hindrance(run)) as passing:
        try:
            plan = kept(action, remedy)
            context, channels = _tell(run, action, context, plan)
            with understood():
                done = action.apply(context, plan)
        except gate.Stopped as stopped:
            return _not_applied(run, context, action, str(stopped), again or passing.made > 0,
                                guardrail="kill_switch")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except ActionFailed as failed:
            return _not_applied(run, context, action, str(failed), again or passing.made > 0)
    if first := added_to(run, action, plan.target):
        run.records.set_remedy(run.incident, first.number, action.name, temporary=False, kept=None)
    by = ", ".join(channels)
    run.records.set_remedy(run.incident, context.number, action.name, result=done, told_by=by,
                             status=RemedyStatus.DONE if action.audience else RemedyStatus.APPLIED,
                             applied_at=iso(time.time()))
    return _applied(run, action, context, remedy, done, by)


def _applied(run: StepRun, action: AnyAction, context: RemediationContext, remedy: Remedy, done: str,
             by: str) -> ApplyResult:
    if not action.audience:
        run.note(done, kind="action", by=remedy.decided_by or "policy", fact=facts.Applied(remedy.target))
        return ApplyResult(True, done, told=False)
    said, more_by = _said(action, context, remedy)
    run.note(done, kind="notification", by=remedy.decided_by or "policy",
             fact=facts.Delivered(action.audience, by, remedy.target, said, more_by))
    return ApplyResult(True, done, True, bool(action.task_for), more_by)


def _said(action: AnyAction, context: RemediationContext, remedy: Remedy) -> tuple[tuple[str, ...], str]:
    """Return the sentences that the audience was told, and when it was told that it hears more."""
    try:
        message = action.message(context, kept(action, remedy)) if action.message else None
    except ActionFailed:
        # An earlier try told them, and it is no longer so. What it may have promised is kept.
        return (), context.more_by if action.audience == "customers" else ""
    return (message.said, message.more_by) if message else ((), "")


def _ruled(run: StepRun, event: RemedyEvent, action: AnyAction) -> Remedy:
    """Return the record of a remedy that may be applied; raises ActionFailed.

    The guardrails' ruling is in the record, not in what the state machine passes on, and is a ruling on this very plan.
    """
    remedy = run.records.remedy(run.incident, event.number)
    if remedy is None or remedy.status not in _RULED:
        raise ActionFailed("no guardrail has permitted this remedy")
    if not remedy.is_ruled_on:
        raise ActionFailed(f"the plan of remedy {remedy.number} is not the one that was ruled on")
    if (remedy.action, remedy.proposal) != (action.name, event.remedy.id):
        raise ActionFailed(not_mine(remedy, action, proposals=(remedy.proposal, event.remedy.id)))
    return remedy


def _tell(run: StepRun, action: AnyAction, context: RemediationContext,
          plan: AnyPlan) -> tuple[RemediationContext, Sequence[str]]:
    """Tell the remedy's audience, and give people the task that it has for them; nothing for one that changes.

    Returns the context and the channels that it came by.
    """
    if not (action.audience or action.task_for or action.message):
        return context, ()
    # Messages and questions are a tenth of a cold start, which what only changes something can do without.
    from responder.handlers.act import telling

    return telling.tell(run, action, context, plan)


def _not_applied(run: StepRun, context: RemediationContext, action: AnyAction, why: str, in_part: bool = False, *,
                 guardrail: str = "") -> ApplyResult:
    """Record that a remedy was not applied, or only in part: then what was changed before stays, and people look.

    Stopped before its first change it is ``refused`` by the kill switch; anything else ``failed``.
    """
    reason = f"{why}; what was changed before that, if anything, stays" if in_part else why
    stopped = guardrail == "kill_switch" and not in_part
    change: RemedyChange = {"status": RemedyStatus.REFUSED if stopped else RemedyStatus.FAILED, "reason": reason}
    if guardrail:
        change |= {"guardrail": guardrail}
    if in_part:
        change |= {"applied_at": iso(time.time()), "in_part": True}
    run.records.set_remedy(run.incident, context.number, action.name, **change)
    run.note(f"{action.name} was " + ("applied only in part" if in_part else "not applied"), kind="action",
               why=reason)
    return ApplyResult(False, reason, False)


def _lost(run: StepRun, remedy: Remedy) -> str:
    """Say that a remedy's target may be another incident's by now; empty where it is not."""
    held = run.records.holds(remedy.lease, run.incident, remedy.fence)
    return "" if held else f"another incident may change {remedy.target} by now"
