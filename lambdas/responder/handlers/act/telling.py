"""Tell a remedy's audience, and give people the task that it has for them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from responder.actions import AnyAction, AnyPlan, RemediationContext
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.approval import asked_persons, buttons, to_each
from responder.handlers.decide import by_iam
from responder.handlers.notify import notify
from responder.handlers.step import StepRun
from responder.people import Message
from responder.plan.approvals import called
from responder.records.tasks import Task, Tasks


def tell(run: StepRun, action: AnyAction, context: RemediationContext,
         plan: AnyPlan) -> tuple[RemediationContext, Sequence[str]]:
    """Return the context with how people answer, and the channels that it came by; raises CallFailed without one."""
    task = None
    if action.audience:
        gate.check(f"tell {action.audience}")
    if action.task_for:
        task = _task(run, action.task_for, context.number)
        context = replace(context, answer_instructions=by_iam(run.service, task))
    if not action.message:
        return context, ()
    channels = notify(run, action.message(context, plan))
    if not channels:
        raise CallFailed("unavailable", f"{action.audience.replace('_', ' ')} could not be told by any channel")
    if task:
        # What many read has a button in place of a link, which is its holder's.
        notify(run, Message("question", f"task-{task.id}", run.incident, plan.summary,
                              str(plan.diff), answers=buttons(task), code=by_iam(run.service, task)), 60)
        to_each(run, task, asked_persons(run, task), plan.summary, str(plan.diff), by_iam(run.service, task),
                f"task-{task.id}", 70)
    return context, channels.channels


def _task(run: StepRun, role: str, number: int) -> Task:
    """Keep the task that people are given."""
    people = tuple(called(person) for person in run.service.team if person.role == role)
    now = time.time()
    task = Task(run.incident, number, run.service.service, "manual", now,
                now + run.service.approval.task_seconds, people or (role,))
    Tasks(run.records).ask(task, "")
    return task
