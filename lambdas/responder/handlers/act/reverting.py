"""Roll back a remedy that did not help, or restore what a temporary mitigation changed when it is no longer needed."""

from __future__ import annotations

import time
from typing import Unpack

from responder.actions import ActionFailed, AnyAction, RemediationContext, understood
from responder.clients import gate
from responder.clients.failure import CallFailed
from responder.handlers.act.remedy import RemedyEvent, TryAgain, context_of, hindrance, kept, mine, not_mine
from responder.handlers.step import StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import evidence_of, looked_of
from responder.model.moment import iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.records.remedies import RemedyChange


@dataclass(frozen=True)
class RevertResult:
    """What reverting returns."""

    reverted: bool
    why: str = ""
    """Why it was not; empty where that is on record."""


@step("Take the remedy back", RemedyEvent, renews=False)
def revert(run: StepRun, event: RemedyEvent) -> RevertResult:
    """Undo what did not help, unless the remedy says that it had better stay.

    A temporary mitigation that is restored remains a remedy that helped.
    """
    action = mine()
    remedy = run.records.remedy(run.incident, event.number)
    if remedy is None:
        return RevertResult(False)
    if remedy.action != action.name:
        raise ActionFailed(not_mine(remedy, action))
    context = context_of(run, event, action, remedy)
    if event.over:
        return _restore(run, action, context, remedy, event.why)
    if remedy.status != RemedyStatus.APPLIED:
        return RevertResult(False)
    return RevertResult(_roll_back(run, action, context, remedy, event.why))


def _roll_back(run: StepRun, action: AnyAction, context: RemediationContext, remedy: Remedy, why: str) -> bool:
    """Roll back a remedy that did not help, and put on record what became of it; returns whether it was."""

    def change(**values: Unpack[RemedyChange]) -> None:
        run.records.set_remedy(run.incident, remedy.number, action.name, **values)

    if action.remedy.keep_when_not_helped or action.revert is None:
        change(status=RemedyStatus.FAILED, kept=True, reason="the symptom stayed; what was done is kept")
        run.note(f"{action.name} did not help; it is kept as it is", kind="action")
        return False
    if not why and _insufficient(run, action, remedy):
        change(status=RemedyStatus.FAILED, kept=True, insufficient=True,
               reason="it was too little: what it is for is still there, so it stays")
        run.note(f"{action.name} was too little; it stays", kind="action")
        return False
    said, stays = _undone(run, action, context, remedy)
    if stays:
        change(status=RemedyStatus.FAILED, reason=f"it did not help, and was not taken back: {stays}")
        run.note(f"{action.name} is not taken back", kind="action", why=stays)
        return False
    change(status=RemedyStatus.REVERTED, reason=why or "it did not help", rolled_back_at=iso(time.time()))
    run.note(said, kind="action", why=why or "it did not help")
    return True


def _insufficient(run: StepRun, action: AnyAction, remedy: Remedy) -> bool:
    """Whether a remedy did not help for want of more of it: by the newest evidence it is needed still."""
    if not action.remedy.incremental or action.remedy.no_longer_needed is None:
        return False
    evidence = evidence_of(looked_of(item) for item in run.records.partition(
        f"INCIDENT#{run.incident}", "EVIDENCE#", "EVIDENCE#~"))
    return not action.remedy.reason_gone(run.service, remedy.target, remedy.component, remedy.before,
                                         remedy.parameters, evidence)


def _restore(run: StepRun, action: AnyAction, context: RemediationContext, remedy: Remedy, why: str) -> RevertResult:
    if not remedy.temporary or remedy.restored_at:
        return RevertResult(bool(remedy.restored_at))
    incident = run.records.find(run.incident)
    if incident is None or incident.status != "closed" or incident.cared_by != run.execution:
        return RevertResult(False, "the incident was opened again")
    said, stays = _undone(run, action, context, remedy)
    if stays:
        # The next look leaves it to people, who are told then.
        run.records.set_remedy(run.incident, remedy.number, action.name, restore_failure=stays)
        run.note(f"{action.name} is not put back", kind="action", why=stays)
        return RevertResult(False, stays)
    run.records.set_remedy(run.incident, remedy.number, action.name, restored_at=iso(time.time()))
    run.note(said, kind="action", why=why or "its reason is gone")
    return RevertResult(True)


def _undone(run: StepRun, action: AnyAction, context: RemediationContext, remedy: Remedy) -> tuple[str, str]:
    """Undo a remedy; returns what was done, or why it stays."""
    if action.revert is None:
        return "", "it cannot be undone"
    if not remedy.is_ruled_on:
        return "", "its plan on record is not the one that was ruled on"
    if not run.records.holds(remedy.lease, run.incident, remedy.fence):
        return "", "its lease has gone to another incident"
    with gate.opened(lambda: hindrance(run)) as passing:
        try:
            plan = kept(action, remedy)
            with understood():
                return action.revert(context, plan), ""
        except gate.Stopped as stopped:
            return "", f"{stopped}" + ("; a part of it was undone before" if passing.made else "")
        except CallFailed as failed:
            raise TryAgain(failed.note) from failed
        except ActionFailed as failed:
            return "", str(failed)
