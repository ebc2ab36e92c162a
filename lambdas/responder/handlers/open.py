"""Open the incident: one for a service, however many alarms come; later signals are attached to it."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.decide import by_execution
from responder.handlers.step import log, records
from responder.model.masking import mask
from responder.model.service import UnknownService, deployed, load, names
from responder.plan.approvals import commands
from responder.records.table import iso, seconds

_REASON = 500
_UNTIL = ("confirm", "isolate", "diagnose")
_PHASES = ("confirm", "isolate", "diagnose", "watch", "aftercare")


class BadInput(ValueError):
    """A start that cannot be understood."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a start of the state machine.

    ``event`` is {"input": …, "execution": its ARN, "started": its start}. The input is an EventBridge event
    "CloudWatch Alarm State Change", or a person's {"service", "reason", "started_by", "until", "take_over"}, or a
    person's word that a task is done {"incident", "task", "decision": "done", "by"}, or their wish for a report anew
    {"incident", "report": true}. Returns ``result``: ``opened``, ``attached``, ``decided``, ``report``, ``declined``
    (what a person asked for cannot be) or ``refused`` (nobody looks after it), with ``reason``; where opened, also
    ``incident``, ``number`` (of its next remedy) and ``sources`` {phase: [{source, function}]}.
    """
    given, execution, started = event.get("input"), event["execution"], event["started"]
    if isinstance(given, dict) and "report" in given:
        return _report(given)
    if isinstance(given, dict) and "task" in given:
        return _decided(given, execution)
    key = hashlib.sha256(execution.encode()).hexdigest()[:12]
    try:
        signal = _signal(given) | {"key": key}
        service = load(signal["service"])
    except (BadInput, UnknownService) as error:
        reason = mask(str(error))
        records().refuse(started, key, reason, given)
        log(step="open", refused=reason)
        return {"result": "refused", "reason": reason}
    signal.setdefault("at", started)
    incident = f"{service.service}-{started[:19].replace('-', '').replace(':', '')}Z-{key[:4]}"
    until, take_over = signal.pop("until", ""), signal.pop("take_over", False)
    held = records().item(f"SERVICE#{service.service}", "OPEN")
    if held and held["execution"] != execution and (take_over or held["lease_until"] < time.time()):
        running = _still_running(held["execution"])
        if take_over and running:
            records().refuse(started, key, running, given)
            return {"result": "declined", "reason": running}
        if running:
            # It is slow to show a sign of life, and lives.
            records().renew(service.service, held["execution"], service.lease_seconds)
        elif take_over:
            records().give_up(service.service, held["execution"])
    opened = records().open(service.service, incident, execution, started, signal, service.recovery.relapse_seconds,
                            service.lease_seconds)
    log(step="open", service=service.service, incident=opened.incident, new=opened.new, signal=signal["name"])
    if not opened.new:
        return {"result": "attached", "incident": {"id": opened.incident, "service": service.service,
                                                   "opened_at": opened.opened_at}}
    records().note(opened.incident, event["entered"], "Open the incident",
                   f"opened {'again ' if opened.again else ''}by {signal['kind']} {signal['name']}",
                   why=signal["reason"], by=signal.get("started_by", "system"),
                   detail={"mode": service.mode, "signal_at": signal["at"]})
    asked = deployed(service.service).sources
    return {"result": "opened",
            "incident": {"id": opened.incident, "service": service.service, "opened_at": opened.opened_at,
                         "execution": execution, "first_opened_at": (records().incident(opened.incident) or {}).get(
                             "opened_at", opened.opened_at)},
            "until": until,
            "number": records().next_number(opened.incident),
            "sources": {phase: asked.get(phase, []) for phase in _PHASES},
            "settings": {"attempts": service.confirm.looks, "look_wait_seconds": service.confirm.look_wait_seconds,
                         "rounds": service.confirm.rounds,
                         "round_wait_seconds": service.confirm.round_wait_seconds,
                         "check_every_seconds": service.recovery.check_every_seconds}}


def _still_running(execution: str) -> str:
    """Say in a sentence that an execution runs, or may run; empty where it does not."""
    try:
        with aws.failures("Step Functions"):
            status = aws.client("stepfunctions").describe_execution(executionArn=execution)["status"]
    except CallFailed as failed:
        # An execution of more than ninety days ago is forgotten, and no longer runs.
        return "" if failed.code == "ExecutionDoesNotExist" else f"whether it still runs is not known: {failed.note}"
    return f"the execution {execution} still runs: stop it first" if status == "RUNNING" else ""


def _decided(given: dict[str, Any], execution: str) -> dict[str, Any]:
    """Take a person's word that a task is done; an approval or a rejection is declined, with the way to give it."""
    unknown = sorted(set(given) - {"incident", "task", "decision", "by"})
    if unknown or "incident" not in given or "decision" not in given:
        return {"result": "declined", "reason": mask(
            'a task is marked as done by {"incident": "…", "task": "01m", "decision": "done", "by": "…"}'
            + (f"; it has {', '.join(unknown)}" if unknown else ""))}
    if given["decision"] in ("approve", "reject"):
        return {"result": "declined", "reason": mask(
            "an execution decides nothing: whoever may start one need not be able to approve. Decide as yourself, by "
            "a button in Slack, or so.\n" + commands(
                os.environ.get("ANSWER_URL", ""), os.environ.get("AWS_REGION", ""), str(given["incident"])[:200],
                str(given["task"])[:8], "approval"))}
    answer = by_execution(records(), given, execution)
    log(step="open", **{key: value for key, value in answer.items() if isinstance(value, str)})
    return answer


def _report(given: dict[str, Any]) -> dict[str, Any]:
    """Take a person's wish for a report anew: {"incident", "report": true}, after review.md was put beside it."""
    name = str(given.get("incident") or "")
    item = records().incident(name)
    if set(given) != {"incident", "report"} or given["report"] is not True or item is None:
        return {"result": "declined", "reason": mask(
            'a report is written anew by {"incident": "…", "report": true}'
            + ("" if item else f"; there is no incident {name[:80]!r}"))}
    return {"result": "report", "incident": {"id": item["id"], "service": item["service"],
                                             "opened_at": item["opened_at"]}}


def _signal(given: Any) -> dict[str, Any]:
    """Read an alarm's event or a person's start; raises BadInput."""
    if not isinstance(given, dict):
        raise BadInput("the input must be an object with a service")
    if given.get("detail-type") == "CloudWatch Alarm State Change":
        return _alarm(given)
    service = given.get("service")
    if not isinstance(service, str) or not service:
        raise BadInput('the input needs "service", the name of a service: {"service": "payment-gateway", '
                       '"reason": "…", "started_by": "…"}')
    unknown = sorted(set(given) - {"service", "reason", "started_by", "until", "take_over"})
    if unknown:
        raise BadInput(f"the input has {', '.join(unknown)}; it takes service, reason, started_by, until and "
                       "take_over")
    until = given.get("until", "")
    if until not in ("", *_UNTIL):
        raise BadInput(f"until is {str(until)[:40]!r}; it takes {', '.join(_UNTIL)}")
    if not isinstance(given.get("take_over", False), bool):
        raise BadInput("take_over is true or false")
    person = mask(str(given.get("started_by") or "somebody"))[:100]
    return {"service": service, "kind": "person", "name": person, "started_by": person, "until": until,
            "take_over": given.get("take_over", False),
            "reason": mask(str(given.get("reason") or "no reason was given"))[:_REASON]}


def _alarm(event: dict[str, Any]) -> dict[str, Any]:
    detail = _mapping(event.get("detail"))
    name = str(detail.get("alarmName") or "")
    service = next((service for service in names() if name in deployed(service).alarms), None)
    if service is None:
        raise BadInput(f"nobody looks after the alarm {name!r}: no configured service has it")
    state = _mapping(detail.get("state"))
    at = str(state.get("timestamp") or event.get("time") or "")
    signal = {"service": service, "kind": "alarm", "name": name,
              "reason": mask(str(state.get("reason") or ""))[:_REASON]}
    try:
        # CloudWatch writes +0000, which is not what the timeline sorts by.
        signal["at"] = iso(seconds(at))
    except ValueError:
        pass
    return signal


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
