"""Carry out one remedy: which one is a matter of the function's environment, for each has a function and a role."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from responder import actions
from responder.clients.failure import CallFailed
from responder.handlers.approval import buttons, by_iam_text, how
from responder.handlers.notify import Delivered, notify
from responder.handlers.step import Step, kill_switch, step
from responder.model.finding import latest, recorded
from responder.people import Message
from responder.plan.guardrails import released, too_little
from responder.records.table import iso
from responder.records.tasks import Task, Tasks


class TryAgain(Exception):
    """The step may be tried again: nothing was done, or it will find its own mark."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan, apply or revert, as ``operation`` says; ``number`` is the how manieth remedy of the incident it is."""
    return _OPERATIONS[event["operation"]](event, context)


@step("Plan the remedy")
def _plan(visit: Step) -> dict[str, Any]:
    """Return ``target``, ``summary`` and ``refusal``; the plan and what was there are on record before it returns."""
    action, case = _case(visit)
    try:
        plan = action.plan(case)
    except CallFailed as failed:
        plan = actions.Plan(f"{case.component}", f"{action.name} of {case.component}",
                            refusal=f"what it needs to know could not be read: {failed.note}")
    if first := _first(visit, action, plan):
        # What is put back in the end is what was there before the first of them.
        plan = replace(plan, before=first["before"])
    kept = visit.records.plan_action(visit.incident, case.number, {
        "action": action.name, "component": case.component, "risk": action.risk,
        "reversible": action.reversible and not action.keep_when_not_helped, "status": "planned",
        "planned_at": iso(time.time()), "cause": case.cause, "mechanism": case.mechanism,
        "where": case.facts.get("where", ""),
        **asdict(plan)})
    _same(kept, action, case)
    visit.note(f"{action.name}: {kept['refusal'] or kept['summary']}", kind="plan", detail={"diff": kept["diff"]})
    return {"action": action.name, "target": kept["target"], "summary": kept["summary"], "refusal": kept["refusal"],
            "tells": bool(action.tells), "passing": bool(kept.get("passing"))}


@step("Apply the remedy")
def _apply(visit: Step) -> dict[str, Any]:
    """Carry out what was planned and ruled upon; returns ``applied``, ``done`` (a sentence) and ``told``."""
    action, case = _case(visit)
    record = visit.records.action(visit.incident, case.number)
    if record is None or record["status"] not in ("permitted", "applying", "applied", "done"):
        # The guardrails' ruling is in the record, not in what the state machine passes on.
        raise actions.ActionFailed("no guardrail has permitted this remedy")
    _same(record, action, case)
    told = bool(action.tells)
    if not told and not visit.records.holds(record["lease"], visit.incident, record["fence"]):
        reason = f"another incident may change {record['target']} by now"
        visit.records.set_action(visit.incident, case.number, status="failed", guardrail="lease", reason=reason)
        visit.note(f"{action.name} is not carried out", kind="action", why=reason)
        return {"applied": False, "done": reason, "told": False}
    if record["status"] == "permitted":
        # Said before it is done: should this step die, it is known that it may have happened.
        visit.records.set_action(visit.incident, case.number, status="applying")
        if not told:
            visit.records.carried_out(visit.service.service, visit.incident, case.number, action.name,
                                      record["target"])
    plan = _kept(record)
    task = None
    if action.task_for:
        task = _task(visit, action.task_for, case.number)
        case = replace(case, answers="\n".join(how(visit, task, person) for person in task.asked))
    channels = Delivered()
    try:
        if action.message:
            channels = notify(visit, action.message(case, plan))
            if not channels:
                raise CallFailed("unavailable", f"{action.tells.replace('_', ' ')} could not be told by any channel")
            if task:
                # Where many read it: with a button in place of a link, which is its holder's.
                notify(visit, Message("question", f"task-{task.id}", visit.incident, plan.summary,
                                      f"{plan.diff}\n\n{by_iam_text(task)}", answers=buttons(task)), 60)
        done = action.apply(case, plan)
    except CallFailed as failed:
        raise TryAgain(failed.note) from failed
    except actions.ActionFailed as failed:
        visit.records.set_action(visit.incident, case.number, status="failed", reason=str(failed))
        visit.note(f"{action.name} failed", kind="action", why=str(failed))
        return {"applied": False, "done": str(failed), "told": False}
    if first := _first(visit, action, plan):
        visit.records.set_action(visit.incident, first["number"], temporary=False, kept=None)
    at = record.get("applied_at") or iso(time.time())
    visit.records.set_action(visit.incident, case.number, status="done" if told else "applied", applied_at=at,
                             done=done)
    visit.note(done, kind="notification" if told else "action", by=record.get("decided_by", "policy"),
               detail={"target": plan.target} | (
                   {"to": action.tells, "by": ", ".join(channels.channels)} if told else {}))
    return {"applied": True, "done": done, "told": told}


def _task(visit: Step, role: str, number: int) -> Task:
    """Keep the task that people are given."""
    people = tuple(f"{person.role}: {person.name}" for person in visit.service.team if person.role == role)
    now = time.time()
    task = Task(visit.incident, number, visit.service.service, "manual", now,
                now + visit.service.approval.task_seconds, people or (role,))
    Tasks(visit.records).ask(task, "")
    return task


@step("Take the remedy back")
def _revert(visit: Step) -> dict[str, Any]:
    """Undo what did not help, unless the remedy says that it had better stay.

    With ``over`` it helped, and its reason is gone: it is put back, and remains one that helped.
    """
    action, case = _case(visit)
    record = visit.records.action(visit.incident, case.number)
    if record is not None:
        _same(record, action, case)
    if record is not None and visit.event.get("over"):
        return _put_back(visit, action, case, record)
    if record is None or record["status"] != "applied":
        return {"reverted": False}
    if action.keep_when_not_helped or action.revert is None:
        visit.records.set_action(visit.incident, case.number, status="failed", kept=True,
                                 reason="the symptom stayed; what was done is kept")
        visit.note(f"{action.name} did not help; it is kept as it is", kind="action")
        return {"reverted": False}
    if not visit.event.get("why") and _wants_more(visit, action, record):
        visit.records.set_action(visit.incident, case.number, status="failed", kept=True, too_little=True,
                                 reason="it was too little: what it is for is still there, so it stays")
        visit.note(f"{action.name} was too little; it stays", kind="action")
        return {"reverted": False}
    said, kept = _undone(visit, action, case, record)
    if kept:
        visit.records.set_action(visit.incident, case.number, status="failed",
                                 reason=f"it did not help, and was not taken back: {kept}")
        visit.note(f"{action.name} is not taken back", kind="action", why=kept)
        return {"reverted": False}
    why = str(visit.event.get("why") or "it did not help")
    visit.records.set_action(visit.incident, case.number, status="reverted", reason=why)
    visit.note(said, kind="action", why=why)
    return {"reverted": True}


def _first(visit: Step, action: actions.Action, plan: actions.Plan) -> Mapping[str, Any] | None:
    """Return the remedy of this incident to which this one adds, for it was too little; None: it adds to none."""
    return too_little(visit.records.actions(visit.incident), action.name, plan.target) if action.more else None


def _wants_more(visit: Step, action: actions.Action, record: dict[str, Any]) -> bool:
    """Whether a remedy did not help for want of more of it: by the newest findings its reason is still there."""
    if not action.more or action.over is None:
        return False
    findings = latest(recorded(visit.records.everything(visit.incident)))
    return not action.over(visit.service, record, findings)


def _put_back(visit: Step, action: actions.Action, case: actions.Case, record: dict[str, Any]) -> dict[str, Any]:
    if not record.get("temporary") or record.get("put_back_at"):
        return {"reverted": bool(record.get("put_back_at"))}
    item = visit.records.incident(visit.incident) or {}
    if item.get("status") != "closed" or item.get("cared_by") != visit.event["incident"].get("execution"):
        return {"reverted": False, "why": "the incident was opened again"}
    said, kept = _undone(visit, action, case, record)
    visit.records.release(record["lease"], visit.incident)
    if kept:
        # The next look leaves it to people, who are told then.
        visit.records.set_action(visit.incident, case.number, put_back_failed=kept)
        visit.note(f"{action.name} is not put back", kind="action", why=kept)
        return {"reverted": False, "why": kept}
    visit.records.set_action(visit.incident, case.number, put_back_at=iso(time.time()))
    visit.note(said, kind="action", why=str(visit.event.get("why") or "its reason is gone"))
    return {"reverted": True}


def _undone(visit: Step, action: actions.Action, case: actions.Case, record: dict[str, Any]) -> tuple[str, str]:
    """Undo a remedy; returns what was done, or why it is kept."""
    if action.revert is None:
        return "", "it cannot be undone"
    if not released(kill_switch(visit.service)):
        return "", "the kill switch is engaged"
    if not visit.records.holds(record["lease"], visit.incident, record["fence"]):
        return "", "its lease has gone to another incident"
    try:
        return action.revert(case, _kept(record)), ""
    except CallFailed as failed:
        raise TryAgain(failed.note) from failed
    except actions.ActionFailed as failed:
        return "", str(failed)


_OPERATIONS = {"plan": _plan, "apply": _apply, "revert": _revert}


def _case(visit: Step) -> tuple[actions.Action, actions.Case]:
    action = actions.find(os.environ["ACTION"])
    remedy = visit.event["remedy"]
    return action, actions.Case(
        visit.service, visit.incident, int(visit.event["number"]), remedy["cause"], remedy["mechanism"],
        remedy["component"], visit.event.get("onset"), remedy.get("facts", {}),
        time.monotonic() + action.deadline_seconds)


def _same(record: dict[str, Any], action: actions.Action, case: actions.Case) -> None:
    """Hold a record to the remedy that it is taken for; raises ActionFailed: what was planned is not done by another.
    """
    if (record["action"], record.get("component")) != (action.name, case.component):
        raise actions.ActionFailed(f"remedy {case.number} is on record as {record['action']} of "
                                   f"{record.get('component')}, and not as {action.name} of {case.component}")


def _kept(record: dict[str, Any]) -> actions.Plan:
    """The plan as it was put on record."""
    return actions.Plan(record["target"], record["summary"], record["diff"], record["before"], record["parameters"])
