"""Apply the remedy that was planned and ruled upon, and tell its audience."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from responder.actions import ActionFailed, AnyAction, AnyPlan, RemediationContext
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.act.remedy import TryAgain, added_to, context_of, given, hindrance, kept, mine, not_mine
from responder.handlers.act.remedy import on_record as recorded
from responder.handlers.approval import asked_persons, buttons, by_iam_text, to_each
from responder.handlers.notify import Delivered, notify
from responder.handlers.step import Step, step
from responder.model.remedy import Remedy, RemedyStatus
from responder.people import Message
from responder.plan.approvals import called
from responder.records.table import iso
from responder.records.tasks import Task, Tasks

_RULED = frozenset({RemedyStatus.PERMITTED, RemedyStatus.APPLYING, RemedyStatus.APPLIED, RemedyStatus.DONE})


@step("Apply the remedy", renews=False)
def apply(visit: Step) -> dict[str, Any]:
    """Apply what was planned and ruled upon; returns ``applied``, ``done`` (a sentence) and ``told``."""
    action = mine()
    remedy = _ruled(visit, action)
    context = context_of(visit, action, remedy)
    again = remedy.status == RemedyStatus.APPLYING
    if remedy.status in (RemedyStatus.APPLIED, RemedyStatus.DONE):
        # The try before this one ended after its work was on record.
        return _applied(visit, action, remedy, remedy.result, remedy.told_by)
    lost = "" if action.audience else _lost(visit, remedy)
    if lost:
        return _not_applied(visit, context, action, lost, again, guardrail="lease")
    if remedy.status == RemedyStatus.PERMITTED:
        # Said before it is done: should this step end early, it is known that it may have happened.
        visit.records.set_action(visit.incident, context.number, action.name, status="applying")
    with gate.opened(lambda: hindrance(visit)) as passing:
        try:
            plan = kept(action, remedy)
            context, channels = _tell(visit, action, context, plan)
            done = action.apply(context, plan)
        except gate.Stopped as stopped:
            return _not_applied(visit, context, action, str(stopped), again or passing.made > 0,
                                guardrail="kill_switch")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except ActionFailed as failed:
            return _not_applied(visit, context, action, str(failed), again or passing.made > 0)
    if first := added_to(visit, action, plan.target):
        visit.records.set_action(visit.incident, first.number, action.name, temporary=False, kept=None)
    by = ", ".join(channels.channels)
    visit.records.set_action(visit.incident, context.number, action.name, done=done, told_by=by,
                             status="done" if action.audience else "applied", applied_at=iso(time.time()))
    return _applied(visit, action, remedy, done, by)


def _applied(visit: Step, action: AnyAction, remedy: Remedy, done: str, by: str) -> dict[str, Any]:
    told = bool(action.audience)
    visit.note(done, kind="notification" if told else "action", by=remedy.decided_by or "policy",
               detail={"target": remedy.target} | ({"to": action.audience, "by": by} if told else {}))
    return {"applied": True, "done": done, "told": told}


def _ruled(visit: Step, action: AnyAction) -> Remedy:
    """Return the record of a remedy that may be applied; raises ActionFailed.

    The guardrails' ruling is in the record, not in what the state machine passes on, and is a ruling on this very plan.
    """
    asked = given(visit)
    remedy = recorded(visit, asked.number)
    if remedy is None or remedy.status not in _RULED:
        raise ActionFailed("no guardrail has permitted this remedy")
    if not remedy.is_ruled_on:
        raise ActionFailed(f"the plan of remedy {remedy.number} is not the one that was ruled on")
    if (remedy.action, remedy.proposal) != (action.name, asked.proposal):
        raise ActionFailed(not_mine(remedy, action, proposals=(remedy.proposal, asked.proposal)))
    return remedy


def _tell(visit: Step, action: AnyAction, context: RemediationContext,
          plan: AnyPlan) -> tuple[RemediationContext, Delivered]:
    """Tell the remedy's audience, and give people the task that it has for them; nothing for one that changes."""
    task = None
    if action.audience:
        gate.check(f"tell {action.audience}")
    if action.task_for:
        task = _task(visit, action.task_for, context.number)
        context = replace(context, answer_instructions=by_iam_text(task))
    if not action.message:
        return context, Delivered()
    channels = notify(visit, action.message(context, plan))
    if not channels:
        raise CallFailed("unavailable", f"{action.audience.replace('_', ' ')} could not be told by any channel")
    if task:
        # What many read has a button in place of a link, which is its holder's.
        notify(visit, Message("question", f"task-{task.id}", visit.incident, plan.summary,
                              f"{plan.diff}\n\n{by_iam_text(task)}", answers=buttons(task)), 60)
        to_each(visit, task, asked_persons(visit, task), plan.summary, str(plan.diff), f"task-{task.id}", 70)
    return context, channels


def _not_applied(visit: Step, context: RemediationContext, action: AnyAction, why: str, in_part: bool = False, *,
                 guardrail: str = "") -> dict[str, Any]:
    """Record that a remedy was not applied, or only in part: then what was changed before stays, and people look.

    Stopped before its first change it is ``refused`` by the kill switch; anything else ``failed``.
    """
    reason = f"{why}; what was changed before that, if anything, stays" if in_part else why
    stopped = guardrail == "kill_switch" and not in_part
    visit.records.set_action(
        visit.incident, context.number, action.name, status="refused" if stopped else "failed", reason=reason,
        **({"guardrail": guardrail} if guardrail else {}),
        **({"applied_at": iso(time.time()), "in_part": True} if in_part else {}))
    visit.note(f"{action.name} was " + ("applied only in part" if in_part else "not applied"), kind="action",
               why=reason)
    return {"applied": False, "done": reason, "told": False}


def _lost(visit: Step, remedy: Remedy) -> str:
    """Say that a remedy's target may be another incident's by now; empty where it is not."""
    held = visit.records.holds(remedy.lease, visit.incident, remedy.fence)
    return "" if held else f"another incident may change {remedy.target} by now"


def _task(visit: Step, role: str, number: int) -> Task:
    """Keep the task that people are given."""
    people = tuple(called(person) for person in visit.service.team if person.role == role)
    now = time.time()
    task = Task(visit.incident, number, visit.service.service, "manual", now,
                now + visit.service.approval.task_seconds, people or (role,))
    Tasks(visit.records).ask(task, "")
    return task
