"""Isolate the issue: which components fail, which only suffer, which pods are not well."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from responder.handlers.step import Step, step
from responder.plan.isolate import isolate
from responder.plan.symptom import Reading
from responder.records.table import iso


@step("Isolate the issue")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``culprits``, ``victims``, ``pods`` and ``reasons``."""
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    readings = [Reading(**reading) for reading in visit.event["confirmation"]["readings"]]
    result = isolate(visit.service, readings, visit.findings)
    where = ", ".join(result.culprits) or "no component stands out"
    suffering = f"; suffering from it: {', '.join(result.victims)}" if result.victims else ""
    visit.note(f"isolated: {where}{suffering}", kind="decision",
               why=" ".join(f"{name}: {reason}" for name, reason in result.reasons.items()),
               detail=asdict(result) | {"opened_at": visit.opened_at})
    visit.records.update(visit.incident, affected=list(result.culprits), suffering=list(result.victims),
                         isolated_at=iso(time.time()))
    return asdict(result)
