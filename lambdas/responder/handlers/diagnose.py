"""Diagnose the root cause from the findings of all steps, and name the remedy that the plan has for it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from responder.handlers.step import Step, step
from responder.model.finding import Finding
from responder.model.service import Service, deployed
from responder.plan.diagnose import diagnose, shipped_weights
from responder.plan.isolate import Isolation
from responder.plan.rates import upper_bound
from responder.records.table import iso


@step("Diagnose the root cause")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``cause``, ``confidence``, ``sources``, and ``remedy`` {action, function} or none."""
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    recorded = [Finding.from_json(finding) for item in visit.records.everything(visit.incident)
                if item["sk"].startswith("EVIDENCE#") for finding in item["findings"]]
    where = visit.event["isolation"]
    isolation = Isolation(tuple(where["culprits"]), tuple(where["victims"]), where["pods"], where["reasons"])
    onset = visit.event["confirmation"].get("onset")
    result = diagnose(visit.service, isolation, onset, recorded)
    weights = shipped_weights()
    # Each item shows its side in the record: what it was, from whom, for and against what.
    evidence = [{"source": o.source, "finding": o.finding, "status": "ok", "sentence": o.sentence(weights),
                 "supports": [c for c, w in weights["observations"][o.id]["weights"].items() if w > 0],
                 "against": [c for c, w in weights["observations"][o.id]["weights"].items() if w < 0]}
                for o in result.observations]
    evidence += [{"source": f.source, "finding": f.name, "status": f.status, "sentence": f.note, "supports": [],
                  "against": []} for f in recorded if not f.usable]
    visit.note(f"{result.cause} ({result.confidence:.0%})", kind="decision", why=result.summary,
               detail={"ranking": [asdict(hypothesis) for hypothesis in result.ranking], "missing": result.missing})
    visit.records.update(
        visit.incident, cause={"id": result.cause, "mechanism": result.mechanism, "component": result.component,
                               "confidence": result.confidence, "summary": result.summary},
        ranking=[asdict(hypothesis) for hypothesis in result.ranking], evidence=evidence,
        missing=list(result.missing), diagnosed_at=iso(time.time()))
    remedy = next((remedy for remedy in deployed(visit.service.service).remedies if result.cause in remedy.causes),
                  None)
    return {"cause": result.cause, "confidence": result.confidence, "component": result.component,
            "sources": list(result.ranking[0].sources), "onset": onset, "summary": result.summary,
            "remedy": {"action": remedy.action, "function": remedy.function} if remedy else None,
            "facts": {"healthy_versions": healthy_versions(visit.service, recorded)}}


def healthy_versions(service: Service, findings: list[Finding]) -> dict[str, list[str]]:
    """Return per component the versions that served enough requests before the symptom, and served them well."""
    found: dict[str, set[str]] = {}
    for finding in findings:
        if finding.name == "error_rate_by_version" and finding.usable:
            for version, (requests, errors) in finding.detail.get("baseline", {}).items():
                if (requests >= 10 * service.confirm.minimum_requests
                        and upper_bound(errors, requests) < service.confirm.error_rate):
                    found.setdefault(finding.component, set()).add(version)
    return {component: sorted(versions) for component, versions in found.items()}
