"""Isolate the issue: which components are faulty, which are only impacted, which pods are not well."""

from __future__ import annotations

import time
from typing import Any

from responder.handlers.step import Step, step
from responder.model.codec import decode
from responder.model.finding import typed
from responder.plan.isolate import isolate
from responder.plan.symptom import Verdict
from responder.records.table import iso


@step("Isolate the issue")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``culprits``, ``victims``, ``pods`` and ``reasons``."""
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    verdicts = [decode(Verdict, verdict) for verdict in visit.event["confirmation"]["verdicts"]]
    result = isolate(visit.service, verdicts, typed(visit.findings))
    where = ", ".join(result.faulty) or "no component stands out"
    impacted = f"; impacted by it: {', '.join(result.impacted)}" if result.impacted else ""
    found = {"culprits": list(result.faulty), "victims": list(result.impacted), "pods": result.pods,
             "reasons": result.reasons}
    visit.note(f"isolated: {where}{impacted}", kind="decision",
               why=" ".join(f"{name}: {reason}" for name, reason in result.reasons.items()),
               detail=found | {"opened_at": visit.opened_at})
    visit.records.update(visit.incident, affected=list(result.faulty), suffering=list(result.impacted),
                         isolated_at=iso(time.time()))
    return found
