"""Isolate the issue: find the faulty components, the impacted components, and the unhealthy pods."""

from __future__ import annotations

import time

from responder.handlers.confirm import ConfirmResult
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.plan.decisions import Isolated
from responder.plan.isolate import Isolation, isolate


@dataclass(frozen=True, kw_only=True)
class IsolateEvent(StepEvent):
    """What this step is given."""

    confirmation: ConfirmResult


@step("Isolate the issue", IsolateEvent)
def handler(run: StepRun, event: IsolateEvent) -> Isolation:
    """Find the faulty components."""
    run.keep_evidence()
    result = isolate(run.service, event.confirmation.verdicts, run.evidence)
    where = ", ".join(result.faulty) or "no component stands out"
    impacted = f"; impacted by it: {', '.join(result.impacted)}" if result.impacted else ""
    run.records.update(run.incident, affected=result.faulty, suffering=result.impacted,
                         isolated_at=iso(time.time()))
    run.note(f"isolated: {where}{impacted}", kind="decision",
               why=" ".join(f"{name}: {reason}" for name, reason in result.reasons.items()),
               fact=Isolated(result.faulty, result.impacted, result.pods, result.reasons, run.opened_at))
    return result
