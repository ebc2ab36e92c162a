"""Carry out one remedy: which one is a matter of the function's environment, for each has a function and a role."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from responder import actions
from responder.actions import AnyAction, AnyPlan
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.approval import asked_persons, buttons, by_iam_text, to_each
from responder.handlers.notify import Delivered, notify
from responder.handlers.step import Step, kill_switch, step
from responder.model.codec import Json, encode
from responder.model.finding import recorded, typed
from responder.model.remedy import Remedy, digest, operands
from responder.model.shown import NotExact
from responder.people import Message
from responder.plan.approvals import called
from responder.plan.guardrails import insufficient, released
from responder.records.store import ITEM_CHARACTERS
from responder.records.table import iso
from responder.records.tasks import Task, Tasks

_MOST_CHARACTERS = ITEM_CHARACTERS - 50_000
"""Of a plan's operands: its diff and the rest stand in the same item."""
_MOST_SHOWN = 20_000


class TryAgain(Exception):
    """The step may be tried again: nothing was done, or the next try sees that it was."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Plan, apply or revert, as ``operation`` says; ``number`` is the remedy's 1-based position in its incident.

    What the remedy is comes from the record: the diagnosis that proposes it (``remedy.id``), and later its own plan.
    """
    return _OPERATIONS[event["operation"]](event, context)


@step("Plan the remedy", renews=False)
def _plan(visit: Step) -> dict[str, Any]:
    """Return ``target``, ``summary`` and ``refusal``; the plan and what was there are on record before it returns."""
    action, number, name = _mine(), int(visit.event["number"]), str(visit.event["remedy"].get("id") or "")
    proposal = visit.records.proposal(visit.incident, name)
    if proposal is None or proposal["action"] != action.name:
        raise actions.ActionFailed(f"no diagnosis on record proposes {action.name} under the id {name!r}")
    case = _case(visit, action, number, proposal)
    plan = _planned(visit, action, case, proposal.get("facts") or {})
    kept = visit.records.plan_action(visit.incident, number, {
        "action": action.name, "component": case.component, "risk": action.risk, "tells": action.audience,
        "reversible": action.remedy.rolled_back, "status": "planned", "planned_at": iso(time.time()),
        "cause": case.cause, "mechanism": case.mechanism, "proposal": name, "where": case.where,
        "target": plan.target, "summary": plan.summary, "diff": str(plan.diff)[:_MOST_SHOWN],
        "refusal": plan.reason if isinstance(plan, actions.Declined) else "",
        "passing": isinstance(plan, actions.Declined) and plan.transient,
        "temporary": isinstance(plan, actions.Plan) and plan.temporary,
        "before": encode(plan.before) if isinstance(plan, actions.Plan) else {},
        "parameters": encode(plan.parameters) if isinstance(plan, actions.Plan) else {}})
    if kept["action"] != action.name or kept.get("proposal") != name:
        raise actions.ActionFailed(f"remedy {number} is on record as {kept['action']} of {kept.get('component')}, "
                                   f"and not as {action.name} of {case.component}")
    visit.note(f"{action.name}: {kept['refusal'] or kept['summary']}", kind="plan", detail={"diff": kept["diff"]})
    return {"action": action.name, "target": kept["target"], "summary": kept["summary"], "refusal": kept["refusal"],
            "tells": bool(action.audience), "passing": bool(kept.get("passing"))}


def _planned(visit: Step, action: AnyAction, case: actions.RemediationContext,
             facts: Json) -> AnyPlan | actions.Declined:
    """Return what the remedy would do, or why it must not."""
    target, summary = case.component, f"{action.name} of {case.component}"
    try:
        plan = action.plan_of(case, facts)
    except CallFailed as failed:
        return actions.Declined(target, summary, f"what it needs to know could not be read: {failed.note}")
    except NotExact as hidden:
        return actions.Declined(target, summary,
                                f"it would have to keep something secret, which no record holds: {hidden}")
    if isinstance(plan, actions.Declined):
        return plan
    if first := _first(visit, action, plan.target):
        # What is put back in the end is what was there before the first of them.
        kept = action.kept(plan.target, plan.summary, first.before, first.parameters, "")
        plan = replace(plan, before=kept.before)
    if len(operands(encode(plan.before), encode(plan.parameters))) > _MOST_CHARACTERS:
        return actions.Declined(plan.target, plan.summary, "what it changes is too large to be kept on record, so it "
                                                           "could not be undone", diff=plan.diff)
    return plan


@step("Apply the remedy", renews=False)
def _apply(visit: Step) -> dict[str, Any]:
    """Carry out what was planned and ruled upon; returns ``applied``, ``done`` (a sentence) and ``told``."""
    action = _mine()
    record = _ruled(visit, action)
    case = _case_of(visit, action, record)
    told, again = bool(action.audience), record["status"] == "applying"
    if record["status"] in ("applied", "done"):
        # The try before this one died after its work was on record.
        return _applied(visit, action, record, record["done"], str(record.get("told_by") or ""))
    reason = "" if told else _lost(visit, record)
    if reason:
        return _not_applied(visit, action, case, reason, again, guardrail="lease")
    if record["status"] == "permitted":
        # Said before it is done: should this step die, it is known that it may have happened.
        visit.records.set_action(visit.incident, case.number, action.name, status="applying")
    plan = _kept(action, record)
    with gate.opened(lambda: _why_not(visit)) as passing:
        try:
            case, channels = _tell(visit, action, case, plan)
            done = action.apply(case, plan)
        except gate.Stopped as stopped:
            return _not_applied(visit, action, case, str(stopped), again or passing.made > 0, guardrail="kill_switch")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except actions.ActionFailed as failed:
            return _not_applied(visit, action, case, str(failed), again or passing.made > 0)
    if first := _first(visit, action, plan.target):
        visit.records.set_action(visit.incident, first.number, action.name, temporary=False, kept=None)
    by = ", ".join(channels.channels)
    visit.records.set_action(visit.incident, case.number, action.name, status="done" if told else "applied",
                             applied_at=iso(time.time()), done=done, told_by=by)
    return _applied(visit, action, record, done, by)


def _applied(visit: Step, action: AnyAction, record: Mapping[str, Any], done: str, by: str) -> dict[str, Any]:
    told = bool(action.audience)
    visit.note(done, kind="notification" if told else "action", by=record.get("decided_by", "policy"),
               detail={"target": record["target"]} | ({"to": action.audience, "by": by} if told else {}))
    return {"applied": True, "done": done, "told": told}


def _ruled(visit: Step, action: AnyAction) -> dict[str, Any]:
    """Return the record of a remedy that may be applied; raises ActionFailed.

    The guardrails' ruling is in the record, not in what the state machine passes on, and is a ruling on this very plan.
    """
    record = visit.records.action(visit.incident, int(visit.event["number"]))
    if record is None or record["status"] not in ("permitted", "applying", "applied", "done"):
        raise actions.ActionFailed("no guardrail has permitted this remedy")
    if record.get("disputed") or record.get("ruled_on") != digest(record):
        raise actions.ActionFailed(f"the plan of remedy {record['number']} is not the one that was ruled on")
    name = visit.event["remedy"].get("id")
    if (record["action"], record.get("proposal")) != (action.name, name):
        raise actions.ActionFailed(f"remedy {record['number']} is on record as {record['action']} of "
                                   f"{record.get('component')} (proposed as {record.get('proposal')}), and not as "
                                   f"{action.name} (proposed as {name})")
    return record


def _tell(visit: Step, action: AnyAction, case: actions.RemediationContext,
          plan: AnyPlan) -> tuple[actions.RemediationContext, Delivered]:
    """Send what the remedy tells, and give people the task that it has for them; nothing for one that changes."""
    task = None
    if action.audience:
        gate.check(f"tell {action.audience}")
    if action.task_for:
        task = _task(visit, action.task_for, case.number)
        case = replace(case, answer_instructions=by_iam_text(task))
    if not action.message:
        return case, Delivered()
    channels = notify(visit, action.message(case, plan))
    if not channels:
        raise CallFailed("unavailable", f"{action.audience.replace('_', ' ')} could not be told by any channel")
    if task:
        # What many read has a button in place of a link, which is its holder's.
        notify(visit, Message("question", f"task-{task.id}", visit.incident, plan.summary,
                              f"{plan.diff}\n\n{by_iam_text(task)}", answers=buttons(task)), 60)
        to_each(visit, task, asked_persons(visit, task), plan.summary, str(plan.diff), f"task-{task.id}", 70)
    return case, channels


def _not_applied(visit: Step, action: AnyAction, case: actions.RemediationContext, why: str, in_part: bool = False, *,
                 guardrail: str = "") -> dict[str, Any]:
    """Record that a remedy was not applied, or only in part: then what was changed before stays, and people look.

    Stopped before its first change it is ``refused`` by the kill switch; anything else ``failed``.
    """
    reason = f"{why}; what was changed before that, if anything, stays" if in_part else why
    stopped = guardrail == "kill_switch" and not in_part
    visit.records.set_action(
        visit.incident, case.number, action.name, status="refused" if stopped else "failed", reason=reason,
        **({"guardrail": guardrail} if guardrail else {}),
        **({"applied_at": iso(time.time()), "in_part": True} if in_part else {}))
    visit.note(f"{action.name} was " + ("applied only in part" if in_part else "not applied"), kind="action",
               why=reason)
    return {"applied": False, "done": reason, "told": False}


def _why_not(visit: Step) -> str:
    """Say why nothing may be changed just now; empty where it may. Read anew at each change."""
    value = kill_switch(visit.service)
    if value is None:
        return f"the kill switch {visit.service.kill_switch} could not be read, or was never set"
    return "" if released(value) else f"the kill switch {visit.service.kill_switch} is engaged"


def _lost(visit: Step, record: Mapping[str, Any]) -> str:
    """Say that a remedy's target may be another incident's by now; empty where it is not."""
    held = visit.records.holds(record["lease"], visit.incident, record["fence"])
    return "" if held else f"another incident may change {record['target']} by now"


def _task(visit: Step, role: str, number: int) -> Task:
    """Keep the task that people are given."""
    people = tuple(called(person) for person in visit.service.team if person.role == role)
    now = time.time()
    task = Task(visit.incident, number, visit.service.service, "manual", now,
                now + visit.service.approval.task_seconds, people or (role,))
    Tasks(visit.records).ask(task, "")
    return task


@step("Take the remedy back", renews=False)
def _revert(visit: Step) -> dict[str, Any]:
    """Undo what did not help, unless the remedy says that it had better stay.

    With ``over`` it helped, and its reason is gone: it is put back, and remains one that helped.
    """
    action, record = _mine(), visit.records.action(visit.incident, int(visit.event["number"]))
    if record is None:
        return {"reverted": False}
    if record["action"] != action.name:
        raise actions.ActionFailed(f"remedy {record['number']} is on record as {record['action']} of "
                                   f"{record.get('component')}, and not as {action.name}")
    case = _case_of(visit, action, record)
    if visit.event.get("over"):
        return _put_back(visit, action, case, record)
    if record["status"] != "applied":
        return {"reverted": False}

    def set_action(**values: Any) -> None:
        visit.records.set_action(visit.incident, case.number, action.name, **values)

    if action.remedy.keep_when_not_helped or action.revert is None:
        set_action(status="failed", kept=True, reason="the symptom stayed; what was done is kept")
        visit.note(f"{action.name} did not help; it is kept as it is", kind="action")
        return {"reverted": False}
    if not visit.event.get("why") and _wants_more(visit, action, record):
        set_action(status="failed", kept=True, too_little=True,
                   reason="it was too little: what it is for is still there, so it stays")
        visit.note(f"{action.name} was too little; it stays", kind="action")
        return {"reverted": False}
    said, kept = _undone(visit, action, case, record)
    if kept:
        set_action(status="failed", reason=f"it did not help, and was not taken back: {kept}")
        visit.note(f"{action.name} is not taken back", kind="action", why=kept)
        return {"reverted": False}
    why = str(visit.event.get("why") or "it did not help")
    set_action(status="reverted", reason=why, reverted_at=iso(time.time()))
    visit.note(said, kind="action", why=why)
    return {"reverted": True}


def _first(visit: Step, action: AnyAction, target: str) -> Remedy | None:
    """Return the remedy of this incident to which this one adds, for it was too little; None: it adds to none."""
    remedies = [Remedy.of(item) for item in visit.records.actions(visit.incident)]
    return insufficient(remedies, action.name, target) if action.remedy.incremental else None


def _wants_more(visit: Step, action: AnyAction, record: dict[str, Any]) -> bool:
    """Whether a remedy did not help for want of more of it: by the newest findings its reason is still there."""
    if not action.remedy.incremental or action.remedy.no_longer_needed is None:
        return False
    evidence = typed(recorded(visit.records.known(visit.incident)))
    return not action.remedy.reason_gone(visit.service, record["target"], record["component"], record["before"],
                                         record["parameters"], evidence)


def _put_back(visit: Step, action: AnyAction, case: actions.RemediationContext,
              record: dict[str, Any]) -> dict[str, Any]:
    if not record.get("temporary") or record.get("put_back_at"):
        return {"reverted": bool(record.get("put_back_at"))}
    item = visit.records.incident(visit.incident) or {}
    if item.get("status") != "closed" or item.get("cared_by") != visit.event["incident"].get("execution"):
        return {"reverted": False, "why": "the incident was opened again"}
    said, kept = _undone(visit, action, case, record)
    if kept:
        # The next look leaves it to people, who are told then.
        visit.records.set_action(visit.incident, case.number, action.name, put_back_failed=kept)
        visit.note(f"{action.name} is not put back", kind="action", why=kept)
        return {"reverted": False, "why": kept}
    visit.records.set_action(visit.incident, case.number, action.name, put_back_at=iso(time.time()))
    visit.note(said, kind="action", why=str(visit.event.get("why") or "its reason is gone"))
    return {"reverted": True}


def _undone(visit: Step, action: AnyAction, case: actions.RemediationContext,
            record: dict[str, Any]) -> tuple[str, str]:
    """Undo a remedy; returns what was done, or why it is kept."""
    if action.revert is None:
        return "", "it cannot be undone"
    if record.get("disputed") or record.get("ruled_on") != digest(record):
        return "", "its plan on record is not the one that was ruled on"
    if not visit.records.holds(record["lease"], visit.incident, record["fence"]):
        return "", "its lease has gone to another incident"
    with gate.opened(lambda: _why_not(visit)) as passing:
        try:
            return action.revert(case, _kept(action, record)), ""
        except gate.Stopped as stopped:
            return "", f"{stopped}" + ("; a part of it was undone before" if passing.made else "")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except actions.ActionFailed as failed:
            return "", str(failed)


_OPERATIONS = {"plan": _plan, "apply": _apply, "revert": _revert}


def _mine() -> AnyAction:
    return actions.find(os.environ["ACTION"])


def _case_of(visit: Step, action: AnyAction, record: Mapping[str, Any]) -> actions.RemediationContext:
    """Return what a remedy on record is asked to mend, with the facts that its diagnosis knew."""
    proposal = visit.records.proposal(visit.incident, str(record.get("proposal") or "")) or {}
    return _case(visit, action, int(record["number"]), {
        **proposal, **{key: record[key] for key in ("cause", "mechanism", "component")}})


def _case(visit: Step, action: AnyAction, number: int, proposal: Mapping[str, Any]) -> actions.RemediationContext:
    return actions.RemediationContext(
        visit.service, visit.incident, number, proposal["cause"], proposal["mechanism"], proposal["component"],
        proposal.get("onset"), time.monotonic() + action.deadline_seconds, str(proposal.get("where") or ""),
        str(proposal.get("symptom") or ""))


def _kept(action: AnyAction, record: Mapping[str, Any]) -> AnyPlan:
    """Return the plan as it was put on record; raises ActionFailed."""
    return action.kept(record["target"], record["summary"], record["before"], record["parameters"], record["diff"])
