"""Remind the person with a manual task, and notify the next person, until somebody says that it is done."""

from __future__ import annotations

import time
from dataclasses import replace

from responder.handlers.approval import buttons, to_each
from responder.handlers.decide import by_iam
from responder.handlers.notify import Delivered, message, notify, record_notification
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.frozen import dataclass
from responder.plan.approvals import called
from responder.plan.messages import Said
from responder.plan.refusals import deed
from responder.records.tasks import Task, Tasks


@dataclass(frozen=True)
class RemindResult:
    """What this step returns."""

    reminded: tuple[str, ...]
    """The ids of the tasks."""


@step("Remind people", StepEvent)
def handler(run: StepRun, event: StepEvent) -> RemindResult:
    """Send a reminder of each open manual task, and notify the next person."""
    tasks = Tasks(run.records)
    found: list[str] = []
    for task in tasks.open_of(run.incident):
        nth = tasks.due(task, time.time(), run.service.approval.remind_seconds)
        if nth:
            _remind(run, task, nth, len(found))
            tasks.reminded(task, nth)
            found.append(task.id)
    return RemindResult(tuple(found))


def _remind(run: StepRun, task: Task, nth: int, number: int) -> None:
    record = run.records.load(run.incident)
    remedy = record.remedy(task.number)
    what = deed(remedy) if remedy else "do what was asked"
    line = [called(person) for person in run.service.team]
    others = [name for name in line if name not in task.asked]
    person = ([*task.asked, *others] or ["whoever reads this"])[min(nth, max(0, len(line) - 1))]
    subject = f"{run.service.service}: a task waits for {person}"
    text = (f"Not yet marked as done: {what}.\nAsked before: {', '.join(task.asked)}. Now also: {person}. This is "
            f"reminder {nth}.")
    code = "\n\n".join(part for part in (remedy.diff if remedy else "", by_iam(run.service, task)) if part)
    # A message for many people has no link that answers, because it works for whoever holds it.
    delivered = notify(run, replace(message(run, record, "question", f"remind-{task.id}-{nth}", Said(
        subject, text, code)), answers=buttons(task)), 60 + nth)
    alone = to_each(run, task, [one for one in run.service.team if called(one) == person], subject, text,
                    code, f"remind-{task.id}-{nth}", 80 + nth)
    record_notification(run, f"{person} is reminded of a task", "team", Delivered(
        tuple(dict.fromkeys((*delivered.channels, *sorted(alone)))), delivered.fresh or bool(alone)), number)
