"""The plan's "Post-Incident Review": what the record of an incident amounts to, as plain data for the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

TARGET_SECONDS = {"initial_response": 1800, "investigation": 1800, "recovery": 3600}
"""The plan's own times: 15:00 to 15:30, 15:30 to 16:00, 16:00 to 17:00."""


def review(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the postmortem's contents from all items of an incident (see ``records/table.py``).

    Times are ISO 8601 in UTC, durations are seconds, rates shares of one.
    """
    incident = next(dict(item) for item in items if item["sk"] == "INCIDENT")
    timeline = [{key: item.get(key) for key in ("at", "step", "what", "why", "by", "kind", "detail")}
                for item in items if item["sk"].startswith("TIMELINE#")]
    signals = [{key: item.get(key) for key in ("at", "kind", "name", "reason")}
               for item in items if item["sk"].startswith("SIGNAL#")]
    actions = [{key: item.get(key) for key in
                ("action", "target", "status", "summary", "diff", "reason", "guardrail", "decided_by", "planned_at",
                 "applied_at", "verified_at", "risk")}
               for item in items if item["sk"].startswith("ACTION#")]
    series = _series(items)
    return {
        "schema": 1,
        "incident": {key: incident.get(key) for key in
                     ("id", "service", "status", "outcome", "confirmed", "kind", "opened_at", "onset", "confirmed_at",
                      "isolated_at", "diagnosed_at", "recovered_at", "well_since", "escalated_at", "closed_at",
                      "affected", "suffering", "execution")},
        "cause": incident.get("cause") or {"id": "unknown", "mechanism": "", "component": "", "confidence": 0.0,
                                           "summary": "not diagnosed"},
        "ranking": incident.get("ranking") or [],
        "evidence": incident.get("evidence") or [],
        "missing": incident.get("missing") or [],
        "signals": signals,
        "timeline": timeline,
        "actions": actions,
        "series": series,
        "impact": _impact(series, incident),
        "phases": _phases(incident, actions),
        "improvements": _improvements(incident, items, actions),
    }


def _series(items: Sequence[Mapping[str, Any]]) -> dict[str, list[list[float]]]:
    """Merge what the sources saw over time: component to [[start, requests, errors], …], from one source."""
    by_source: dict[str, dict[str, dict[float, list[float]]]] = {}
    for item in items:
        if not item["sk"].startswith("EVIDENCE#"):
            continue
        for finding in item.get("findings", []):
            if finding.get("name") == "error_rate" and finding.get("detail", {}).get("series"):
                rows = by_source.setdefault(finding["source"], {}).setdefault(finding.get("component", ""), {})
                # A period that was looked at again later is more complete.
                rows.update({float(row[0]): [float(number) for number in row] for row in finding["detail"]["series"]})
    if not by_source:
        return {}
    longest = max(sorted(by_source), key=lambda source: sum(len(rows) for rows in by_source[source].values()))
    return {component: [rows[start] for start in sorted(rows)]
            for component, rows in sorted(by_source[longest].items())}


def _impact(series: Mapping[str, Sequence[Sequence[float]]], incident: Mapping[str, Any]) -> dict[str, Any]:
    """Failed requests since the onset, of the component that saw most of them."""
    onset = _seconds(incident.get("onset"))
    if onset is None:
        return {"failed_requests": 0, "seconds": None}
    failed = max((sum(row[2] for row in rows if row[0] >= onset) for rows in series.values()), default=0.0)
    end = _seconds(incident.get("well_since"))
    return {"failed_requests": round(failed), "seconds": round(end - onset, 1) if end else None}


def _phases(incident: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How long each phase took, beside the plan's target."""
    onset, opened = _seconds(incident.get("onset")), _seconds(incident.get("opened_at"))
    confirmed, isolated = _seconds(incident.get("confirmed_at")), _seconds(incident.get("isolated_at"))
    diagnosed, recovered = _seconds(incident.get("diagnosed_at")), _seconds(incident.get("recovered_at"))
    applied = min((moment for action in actions for moment in [_seconds(action.get("applied_at"))] if moment),
                  default=None)
    well = _seconds(incident.get("well_since"))
    rows = [
        ("time to detect", onset, opened, None),
        ("time to confirm", opened, confirmed, None),
        ("initial response", opened, isolated or confirmed, TARGET_SECONDS["initial_response"]),
        ("investigation and diagnosis", isolated, diagnosed, TARGET_SECONDS["investigation"]),
        ("time to mitigate", opened, applied, None),
        ("recovery and resolution", diagnosed, recovered, TARGET_SECONDS["recovery"]),
        ("time to recovery, from the onset until it was well", onset, well, None),
    ]
    return [{"phase": name, "seconds": round(max(0.0, end - start), 1) if start and end else None,
             "target_seconds": target} for name, start, end, target in rows]


def _improvements(incident: Mapping[str, Any], items: Sequence[Mapping[str, Any]],
                  actions: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Improvement opportunities, each from a fact of this incident."""
    found = []
    failed = sorted({f"{finding['source']} ({finding['status']})" for item in items
                     if item["sk"].startswith("EVIDENCE#") for finding in item.get("findings", [])
                     if finding.get("status") not in ("ok", "partial")})
    if failed:
        found.append({"what": "Sources that gave no answer", "evidence": ", ".join(failed),
                      "measure": "see that each source answers during an outage", "owner": "SRE"})
    for action in actions:
        if action["status"] in ("refused", "observed"):
            found.append({"what": f"{action['action']} was not carried out",
                          "evidence": f"{action.get('guardrail')}: {action.get('reason')}",
                          "measure": "decide whether this guardrail should stand for this cause", "owner": "SRE"})
        if action["status"] == "failed":
            found.append({"what": f"{action['action']} did not help", "evidence": str(action.get("reason")),
                          "measure": "find out why, and add the case to the drills", "owner": "SRE"})
    cause = incident.get("cause") or {}
    if cause.get("id") == "code_bug":
        found.append({"what": "A release failed in production", "evidence": cause.get("summary", ""),
                      "measure": "release to a few pods first, and let the error rate decide (code reviews and change "
                                 "management, the plan's measure 3)", "owner": f"developers of {cause['component']}"})
    if cause.get("id") == "unknown":
        found.append({"what": "No cause was found", "evidence": cause.get("summary", ""),
                      "measure": "name what was missing, and add the source that would have told", "owner": "SRE"})
    onset, opened = _seconds(incident.get("onset")), _seconds(incident.get("opened_at"))
    if onset and opened and opened - onset > 60:
        found.append({"what": "The alarm came late",
                      "evidence": f"{opened - onset:.0f} s after the first failing period",
                      "measure": "publish the service's metrics with a resolution of 1 s (automated alerts, the plan's "
                                 "measure 1)", "owner": "SRE"})
    return found


def _seconds(moment: Any) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) and moment else None
