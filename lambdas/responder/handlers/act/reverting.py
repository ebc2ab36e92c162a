"""Roll back a remedy that did not help, or restore what a temporary mitigation changed when it is no longer needed."""

from __future__ import annotations

import time
from typing import Any

from responder.actions import ActionFailed, AnyAction, RemediationContext
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.act.remedy import Given, TryAgain, context_of, given, hindrance, kept, mine, not_mine
from responder.handlers.act.remedy import on_record as recorded
from responder.handlers.step import Step, step
from responder.model.incident import evidence_of, looked_of
from responder.model.remedy import Remedy, RemedyStatus
from responder.records.table import iso


@step("Take the remedy back", renews=False)
def revert(visit: Step) -> dict[str, Any]:
    """Undo what did not help, unless the remedy says that it had better stay.

    A temporary mitigation that is restored remains a remedy that helped.
    """
    action, asked = mine(), given(visit)
    remedy = recorded(visit, asked.number)
    if remedy is None:
        return {"reverted": False}
    if remedy.action != action.name:
        raise ActionFailed(not_mine(remedy, action))
    context = context_of(visit, action, remedy)
    if asked.restores:
        return _restore(visit, action, context, remedy, asked)
    if remedy.status != RemedyStatus.APPLIED:
        return {"reverted": False}
    return {"reverted": _roll_back(visit, action, context, remedy, asked.why)}


def _roll_back(visit: Step, action: AnyAction, context: RemediationContext, remedy: Remedy, why: str) -> bool:
    """Roll back a remedy that did not help, and put on record what became of it; returns whether it was."""

    def set_action(**values: Any) -> None:
        visit.records.set_action(visit.incident, remedy.number, action.name, **values)

    if action.remedy.keep_when_not_helped or action.revert is None:
        set_action(status="failed", kept=True, reason="the symptom stayed; what was done is kept")
        visit.note(f"{action.name} did not help; it is kept as it is", kind="action")
        return False
    if not why and _insufficient(visit, action, remedy):
        set_action(status="failed", kept=True, too_little=True,
                   reason="it was too little: what it is for is still there, so it stays")
        visit.note(f"{action.name} was too little; it stays", kind="action")
        return False
    said, stays = _undone(visit, action, context, remedy)
    if stays:
        set_action(status="failed", reason=f"it did not help, and was not taken back: {stays}")
        visit.note(f"{action.name} is not taken back", kind="action", why=stays)
        return False
    set_action(status="reverted", reason=why or "it did not help", reverted_at=iso(time.time()))
    visit.note(said, kind="action", why=why or "it did not help")
    return True


def _insufficient(visit: Step, action: AnyAction, remedy: Remedy) -> bool:
    """Whether a remedy did not help for want of more of it: by the newest evidence it is needed still."""
    if not action.remedy.incremental or action.remedy.no_longer_needed is None:
        return False
    evidence = evidence_of(looked_of(item) for item in visit.records.partition(
        f"INCIDENT#{visit.incident}", "EVIDENCE#", "EVIDENCE#~"))
    return not action.remedy.reason_gone(visit.service, remedy.target, remedy.component, remedy.before,
                                         remedy.parameters, evidence)


def _restore(visit: Step, action: AnyAction, context: RemediationContext, remedy: Remedy,
             asked: Given) -> dict[str, Any]:
    if not remedy.temporary or remedy.restored_at:
        return {"reverted": bool(remedy.restored_at)}
    incident = visit.records.incident(visit.incident) or {}
    if incident.get("status") != "closed" or incident.get("cared_by") != asked.execution:
        return {"reverted": False, "why": "the incident was opened again"}
    said, stays = _undone(visit, action, context, remedy)
    if stays:
        # The next look leaves it to people, who are told then.
        visit.records.set_action(visit.incident, remedy.number, action.name, put_back_failed=stays)
        visit.note(f"{action.name} is not put back", kind="action", why=stays)
        return {"reverted": False, "why": stays}
    visit.records.set_action(visit.incident, remedy.number, action.name, put_back_at=iso(time.time()))
    visit.note(said, kind="action", why=asked.why or "its reason is gone")
    return {"reverted": True}


def _undone(visit: Step, action: AnyAction, context: RemediationContext, remedy: Remedy) -> tuple[str, str]:
    """Undo a remedy; returns what was done, or why it stays."""
    if action.revert is None:
        return "", "it cannot be undone"
    if not remedy.is_ruled_on:
        return "", "its plan on record is not the one that was ruled on"
    if not visit.records.holds(remedy.lease, visit.incident, remedy.fence):
        return "", "its lease has gone to another incident"
    with gate.opened(lambda: hindrance(visit)) as passing:
        try:
            return action.revert(context, kept(action, remedy)), ""
        except gate.Stopped as stopped:
            return "", f"{stopped}" + ("; a part of it was undone before" if passing.made else "")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except ActionFailed as failed:
            return "", str(failed)
