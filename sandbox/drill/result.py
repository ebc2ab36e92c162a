"""What came out of a drill, and which expectations did not hold. docs/drill-result.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sandbox.drill.contract import Drill, Expect
from sandbox.drill.usage import Used, used

Item = Mapping[str, Any]
"""An item of the record, as the table holds it."""
CARRIED_OUT = frozenset({"verified", "reverted", "failed", "done"})
_STATUS = {"applied": "done", "permitted": "failed", "applying": "failed", "planned": "refused", "waiting": "refused"}
"""Statuses of the record that the contract does not have, to those that it has: applied and not yet verified;
permitted and never applied; planned, or waiting for people, when the drill ended."""


@dataclass(frozen=True)
class Observed:
    """What the runner found."""

    started: float
    """The first event, seconds since 1970 (UTC)."""
    alarm: float | None
    """When the alarm went off."""
    items: Sequence[Item]
    """All items of the incident, empty where none was opened."""
    incidents: int
    """How many were opened."""
    history: Sequence[Item]
    """The execution's events, as GetExecutionHistory gives them."""
    found_in: Mapping[str, Sequence[str]]
    """Text that must be stored nowhere, to where it was found."""
    world: Mapping[str, str] = field(default_factory=dict)
    """How the sandbox spoke: each key's value."""


@dataclass(frozen=True)
class Cause:
    """The cause that the responder named."""

    id: str
    mechanism: str | None
    confidence: float | None
    summary: str | None


@dataclass(frozen=True)
class Ranked:
    """One of the causes that the responder weighed."""

    id: str
    confidence: float


@dataclass(frozen=True)
class Weighed:
    """One finding, and the causes that it speaks for and against."""

    source: str
    finding: str
    status: str
    supports: list[str]
    against: list[str]


@dataclass(frozen=True)
class Action:
    """One remedy, and what became of it."""

    id: str
    target: str
    status: str
    """One of the contract's statuses; see ``CARRIED_OUT``."""
    decided_by: str
    reason: str | None = None
    """Why it was not carried out, or what went wrong."""


@dataclass(frozen=True)
class Seconds:
    """Seconds from the first event to each step; None where it was not reached."""

    alarm: float | None
    opened: float | None
    confirmed: float | None
    isolated: float | None
    diagnosed: float | None
    first_action: float | None
    recovered: float | None
    report: float | None


@dataclass(frozen=True)
class Report:
    """Addresses of the report in S3."""

    html: str | None
    markdown: str | None
    json: str | None


@dataclass(frozen=True)
class Result:
    """The result of a drill; its fields are those of the contract."""

    drill: str
    met: bool
    unmet: list[str]
    """Each expectation that did not hold, beginning with its name."""
    incident_id: str | None
    execution_arn: str | None
    incidents: int
    outcome: str | None
    """None where there was no outcome in time."""
    confirmed: bool
    affected: list[str]
    cause: Cause
    ranking: list[Ranked]
    evidence: list[Weighed]
    actions: list[Action]
    notified: list[str]
    seconds: Seconds
    report: Report
    timeline_entries: int
    used: Used
    cost_usd: float
    world: dict[str, str]
    """How the sandbox spoke: each key of ``sandbox/worlds`` to its value."""

    @property
    def carried_out(self) -> list[Action]:
        """The actions that were applied or delivered, whatever came of them."""
        return [action for action in self.actions if action.status in CARRIED_OUT]

    def to_json(self) -> dict[str, Any]:
        """The result as docs/drill-result.schema.json describes it."""
        value = asdict(self)
        for action in value["actions"]:
            if action["reason"] is None:
                del action["reason"]
        return value


def result(drill: Drill, seen: Observed) -> Result:
    """Return the drill's result as the contract describes it."""
    incident: Item = next((item for item in seen.items if item["sk"] == "INCIDENT"), {})
    timeline = [item for item in seen.items if item["sk"].startswith("TIMELINE#")]
    report = incident.get("report") or {}
    value = Result(
        drill.name, True, [], incident.get("id"), incident.get("execution"), seen.incidents,
        incident.get("outcome") or ("none" if not incident else None), bool(incident.get("confirmed")),
        list(incident.get("affected") or []), _cause(incident),
        [Ranked(item["cause"], item["confidence"]) for item in incident.get("ranking") or []],
        [Weighed(item["source"], item["finding"], item["status"], item.get("supports") or [],
                 item.get("against") or [])
         for item in incident.get("evidence") or []],
        _actions(seen.items, incident, timeline),
        sorted({item["detail"]["to"] for item in timeline
                if item["kind"] == "notification" and item["detail"].get("to")}),
        _seconds(seen, incident), Report(report.get("html"), report.get("md"), report.get("json")), len(timeline),
        *used(seen.history, seen.items), dict(seen.world))
    problems = unmet(drill.expect, value, seen, _after(seen, incident.get("escalated_at") or incident.get("closed_at")))
    return replace(value, unmet=problems, met=not problems)


def _cause(incident: Item) -> Cause:
    found = incident.get("cause")
    if not found:
        return Cause("none" if not incident else "unknown", "", 0.0, "")
    return Cause(found["id"], found.get("mechanism"), found.get("confidence"), found.get("summary"))


def _actions(items: Sequence[Item], incident: Item, timeline: Sequence[Item]) -> list[Action]:
    """The remedies on record, and the escalation where people were told that no step is left."""
    actions = [Action(item["action"], item["target"], str(_STATUS.get(item["status"], item["status"])),
                      item.get("decided_by", "policy"),
                      (item.get("guardrail") or item["reason"]) if item.get("reason") else None)
               for item in items if item["sk"].startswith("ACTION#")]
    if incident.get("outcome") in ("escalated", "observed") or any(
            item["kind"] == "outcome" and "escalated" in item["what"] for item in timeline):
        actions.append(Action("escalate", "people", "done", "system"))
    return actions


def _seconds(seen: Observed, incident: Item) -> Seconds:
    applied = min((item["applied_at"] for item in seen.items
                   if item["sk"].startswith("ACTION#") and item.get("applied_at")), default=None)
    opened, confirmed, isolated, diagnosed, recovered, reported = (_after(seen, incident.get(name)) for name in (
        "opened_at", "confirmed_at", "isolated_at", "diagnosed_at", "recovered_at", "reported_at"))
    return Seconds(round(seen.alarm - seen.started, 1) if seen.alarm else None, opened, confirmed, isolated, diagnosed,
                   _after(seen, applied), recovered, reported)


def _after(seen: Observed, moment: str | None) -> float | None:
    """Seconds from the first event to a moment of the record."""
    return round(datetime.fromisoformat(moment).timestamp() - seen.started, 1) if moment else None


def unmet(expect: Expect, value: Result, seen: Observed, ended: float | None) -> list[str]:
    """Name each expectation that did not hold, beginning with its name; ``ended``: seconds until the outcome."""
    problems = []
    carried_out = {action.id for action in value.carried_out}
    good = {action.id for action in value.actions if action.status in ("verified", "done")}
    if value.outcome is None:
        problems.append("outcome: none after 300 s")
    if expect.outcome and value.outcome is not None and value.outcome not in expect.outcome:
        problems.append(f"outcome: {value.outcome} in place of {' or '.join(expect.outcome)}")
    if expect.cause and value.cause.id not in expect.cause:
        problems.append(f"cause: {value.cause.id} in place of {' or '.join(expect.cause)}")
    problems += _wrongly_affected(expect, value)
    for wanted in expect.actions or []:
        options = wanted if isinstance(wanted, list) else [wanted]
        if not good & set(options):
            problems.append(f"actions: {' or '.join(options)} was not verified or done")
    targets = {action.target for action in value.carried_out}
    problems += [f"targets: nothing was carried out on {target}" for target in expect.targets or []
                 if not targets & _forms(target)]
    problems += [f"never: {name} was carried out" for name in expect.never or [] if name in carried_out]
    problems += [f"notified: {name} was not told" for name in expect.notified or [] if name not in value.notified]
    incidents = _incidents(expect)
    if incidents is not None and value.incidents != incidents:
        problems.append(f"incidents: {value.incidents} in place of {incidents}")
    problems += [f"stored_nowhere: {text} is in {', '.join(sorted(places)[:5])}"
                 for text, places in seen.found_in.items() if places]
    problems += [f"put_back: {name} was not put back" for name in expect.put_back or []
                 if name not in put_back(seen.items)]
    if expect.within is not None and (ended is None or ended > expect.within):
        problems.append(f"within: {'no outcome' if ended is None else f'{ended:.0f} s'} in place of "
                        f"{expect.within:.0f} s")
    return problems


def _forms(target: str) -> set[str]:
    """A target in all worlds: what is a Deployment in one is a StatefulSet or a Rollout in another."""
    kind, slash, name = target.partition("/")
    return {f"{other}/{name}" for other in ("deployment", "statefulset", "rollout")} if kind == "deployment" else {
        kind + slash + name}


def _wrongly_affected(expect: Expect, value: Result) -> list[str]:
    if expect.affected is None:
        return []
    # Neither asked for nor held against the responder.
    free = {"database", "provider"}
    missing = sorted(set(expect.affected) - set(value.affected) - free)
    surplus = sorted(set(value.affected) - set(expect.affected) - _callers(expect.affected) - free)
    return [*(f"affected: {name} was not named" for name in missing),
            *(f"affected: {name} was named and is not" for name in surplus)]


def _incidents(expect: Expect) -> int | None:
    """How many incidents are expected; None where any number will do."""
    if expect.incidents is not None:
        return expect.incidents
    if expect.outcome == ["none"]:
        return 0
    return None if expect.outcome and "none" in expect.outcome else 1


def put_back(items: Sequence[Item]) -> set[str]:
    """Return the temporary mitigations that were restored when they were no longer needed."""
    return {item["action"] for item in items if item["sk"].startswith("ACTION#") and item.get("put_back_at")}


def _callers(components: Sequence[str]) -> set[str]:
    """All components that call one of these, directly or through others."""
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
            "timeline_entries": {"type": "integer"}, "used": closed(
                {one.name: {"type": "integer"} for one in fields(Used)}), "cost_usd": {"type": "number"},
            "world": {"type": "object", "additionalProperties": {"type": "string"}}})}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
