"""What came out of a drill, and which expectations did not hold. docs/drill-result.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.drill import cost
from sandbox.drill.contract import Drill

CARRIED_OUT = frozenset({"verified", "reverted", "failed", "done"})
_STATUS = {"applied": "done", "permitted": "failed", "applying": "failed", "planned": "refused", "waiting": "refused"}
"""Statuses of the record that are not of the contract: applied and not yet verified; permitted and never applied;
planned, or waiting for people, when the drill ended."""


@dataclass(frozen=True)
class Observed:
    """What the runner found."""

    started: float
    """The first event, seconds since 1970 (UTC)."""
    alarm: float | None
    """When the alarm went off."""
    items: Sequence[Mapping[str, Any]]
    """All items of the incident, empty where none was opened."""
    incidents: int
    history: Sequence[Mapping[str, Any]]
    found_in: Mapping[str, Sequence[str]]
    """Text that must be nowhere, to where it was found."""


def result(drill: Drill, seen: Observed) -> dict[str, Any]:
    """Return the drill's result as the contract describes it."""
    incident: Mapping[str, Any] = next((item for item in seen.items if item["sk"] == "INCIDENT"), {})
    timeline = [item for item in seen.items if item["sk"].startswith("TIMELINE#")]
    actions = [{"id": item["action"], "target": item["target"],
                "status": _STATUS.get(item["status"], item["status"]),
                "decided_by": item.get("decided_by", "policy"),
                **({"reason": item.get("guardrail") or item.get("reason")} if item.get("reason") else {})}
               for item in seen.items if item["sk"].startswith("ACTION#")]
    outcome = incident.get("outcome") or ("none" if not incident else None)
    if outcome in ("escalated", "observed") or any(
            item["kind"] == "outcome" and "escalated" in item["what"] for item in timeline):
        actions.append({"id": "escalate", "target": "people", "status": "done", "decided_by": "system"})

    def after(moment: Any) -> float | None:
        return round(datetime.fromisoformat(moment).timestamp() - seen.started, 1) if moment else None

    applied = min((item["applied_at"] for item in seen.items
                   if item["sk"].startswith("ACTION#") and item.get("applied_at")), default=None)
    report = incident.get("report") or {}
    cause = incident.get("cause") or {"id": "none" if not incident else "unknown", "mechanism": "",
                                      "confidence": 0.0, "summary": ""}
    value: dict[str, Any] = {
        "drill": drill.name, "met": True, "unmet": [],
        "incident_id": incident.get("id"), "execution_arn": incident.get("execution"),
        "incidents": seen.incidents, "outcome": outcome, "confirmed": bool(incident.get("confirmed")),
        "affected": list(incident.get("affected") or []),
        "cause": {key: cause.get(key) for key in ("id", "mechanism", "confidence", "summary")},
        "ranking": [{"id": item["cause"], "confidence": item["confidence"]} for item in incident.get("ranking") or []],
        "evidence": [{key: item.get(key) for key in ("source", "finding", "status", "supports", "against")}
                     for item in incident.get("evidence") or []],
        "actions": actions,
        "notified": sorted({item["detail"]["to"] for item in timeline
                            if item["kind"] == "notification" and item["detail"].get("to")}),
        "seconds": {"alarm": round(seen.alarm - seen.started, 1) if seen.alarm else None,
                    "opened": after(incident.get("opened_at")), "confirmed": after(incident.get("confirmed_at")),
                    "isolated": after(incident.get("isolated_at")), "diagnosed": after(incident.get("diagnosed_at")),
                    "first_action": after(applied), "recovered": after(incident.get("recovered_at")),
                    "report": after(incident.get("reported_at"))},
        "report": {"html": report.get("html"), "markdown": report.get("md"), "json": report.get("json")},
        "timeline_entries": len(timeline),
        "cost_usd": cost.of_execution(seen.history, seen.items) if seen.history else 0.0}
    ended = after(incident.get("escalated_at") or incident.get("closed_at"))
    value["unmet"] = unmet(drill, value, seen, ended)
    value["met"] = not value["unmet"]
    return value


def unmet(drill: Drill, value: Mapping[str, Any], seen: Observed, ended: float | None) -> list[str]:
    """Name each expectation that did not hold, beginning with its name."""
    expect, problems = drill.expect, []
    carried_out = [action for action in value["actions"] if action["status"] in CARRIED_OUT]
    names = {action["id"] for action in carried_out}
    good = {action["id"] for action in value["actions"] if action["status"] in ("verified", "done")}
    if value["outcome"] is None:
        problems.append("outcome: none after 300 s")
    if expect.outcome and value["outcome"] is not None and value["outcome"] not in expect.outcome:
        problems.append(f"outcome: {value['outcome']} in place of {' or '.join(expect.outcome)}")
    if expect.cause and value["cause"]["id"] not in expect.cause:
        problems.append(f"cause: {value['cause']['id']} in place of {' or '.join(expect.cause)}")
    if expect.affected is not None:
        missing = sorted(set(expect.affected) - set(value["affected"]))
        surplus = sorted(set(value["affected"]) - set(expect.affected) - _callers(expect.affected)
                         - {"database", "provider"})
        problems += [f"affected: {name} was not named" for name in missing if name not in ("database", "provider")]
        problems += [f"affected: {name} was named and is not" for name in surplus]
    for wanted in expect.actions or []:
        options = wanted if isinstance(wanted, list) else [wanted]
        if not good & set(options):
            problems.append(f"actions: {' or '.join(options)} was not verified or done")
    for target in expect.targets or []:
        if target not in {action["target"] for action in carried_out}:
            problems.append(f"targets: nothing was carried out on {target}")
    problems += [f"never: {name} was carried out" for name in expect.never or [] if name in names]
    problems += [f"notified: {name} was not told" for name in expect.notified or [] if name not in value["notified"]]
    incidents = expect.incidents if expect.incidents is not None else (
        0 if expect.outcome == ["none"] else None if expect.outcome and "none" in expect.outcome else 1)
    if incidents is not None and value["incidents"] != incidents:
        problems.append(f"incidents: {value['incidents']} in place of {incidents}")
    for text, places in seen.found_in.items():
        if places:
            problems.append(f"stored_nowhere: {text} is in {', '.join(sorted(places)[:5])}")
    problems += [f"put_back: {name} was not put back" for name in expect.put_back or []
                 if name not in put_back(seen.items)]
    if expect.within is not None and (ended is None or ended > expect.within):
        problems.append(f"within: {'no outcome' if ended is None else f'{ended:.0f} s'} in place of "
                        f"{expect.within:.0f} s")
    return problems


def put_back(items: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the remedies that were put back when their reason was gone."""
    return {item["action"] for item in items if item["sk"].startswith("ACTION#") and item.get("put_back_at")}


def _callers(components: Sequence[str]) -> set[str]:
    """All that call one of the components, directly or not."""
    callers = {"database": ["payment-gateway"], "provider": ["payment-gateway"], "payment-gateway": ["backend"],
               "backend": ["frontend"], "frontend": []}
    found: set[str] = set()
    waiting = list(components)
    while waiting:
        for name in callers.get(waiting.pop(), []):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def schema() -> dict[str, Any]:
    """Return the JSON schema of a result, as docs/drill-result.schema.json publishes it."""
    number, text = {"type": ["number", "null"]}, {"type": ["string", "null"]}
    texts = {"type": "array", "items": {"type": "string"}}

    def closed(properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "additionalProperties": False,
                "required": [name for name in properties if name not in optional]}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Drill result", **closed({
            "drill": {"type": "string"}, "met": {"type": "boolean"}, "unmet": texts, "incident_id": text,
            "execution_arn": text, "incidents": {"type": "integer"},
            "outcome": {"enum": ["resolved", "false_alarm", "escalated", "observed", "none", None]},
            "confirmed": {"type": "boolean"}, "affected": texts,
            "cause": closed({"id": {"type": "string"}, "mechanism": text, "confidence": number, "summary": text}),
            "ranking": {"type": "array", "items": closed({"id": {"type": "string"}, "confidence": number})},
            "evidence": {"type": "array", "items": closed({
                "source": {"type": "string"}, "finding": {"type": "string"}, "status": {"type": "string"},
                "supports": texts, "against": texts})},
            "actions": {"type": "array", "items": closed({
                "id": {"type": "string"}, "target": {"type": "string"},
                "status": {"enum": ["verified", "reverted", "failed", "done", "rejected", "refused", "observed"]},
                "decided_by": {"type": "string"}, "reason": text}, ["reason"])},
            "notified": texts,
            "seconds": closed(dict.fromkeys(
                ("alarm", "opened", "confirmed", "isolated", "diagnosed", "first_action", "recovered", "report"),
                number)),
            "report": closed(dict.fromkeys(("html", "markdown", "json"), text)),
            "timeline_entries": {"type": "integer"}, "cost_usd": {"type": "number"}})}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
