"""Walk the read path while there is no incident, and say what cannot be read. A schedule starts it; it changes nothing.

Each source's function is asked as in an incident, with its own role: so its secrets, its network, its rights in AWS and
in the cluster, and the vendor's answer are tried, and this function needs none of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from responder.clients import aws, telemetry
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.step import kill_switch, log, records
from responder.model.codec import Foreign, Json, Malformed, decode, decode_known, encode
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.moment import iso
from responder.model.service import deployed, load, names
from responder.people.sns import publish
from responder.plan.heartbeat import OBJECT, PARTITION, Heartbeat, Reading, ended, measures, news, subject, text
from responder.plan.own_metrics import FAILED

_KEPT_DAYS = 30
_AT_ONCE = 8
_CALL_SECONDS = 45
_AGAIN_SECONDS = 20.0
"""What could not be read is asked once more after this time, so that a passing fault is no news."""
_PHASES = ("confirm", "isolate", "diagnose", "watch", "aftercare")


@dataclass(frozen=True)
class _Finding(Foreign):
    status: str = "ok"
    note: str = ""


@dataclass(frozen=True)
class _Answered:
    """What a source's function answers, as far as it is read."""

    findings: tuple[_Finding, ...] = ()


@dataclass(frozen=True)
class _Machine:
    """What Step Functions says of the state machine."""

    status: str


@dataclass(frozen=True)
class _FunctionError(Foreign):
    """What Lambda answers for a function that failed."""

    error_type: str = "an error"


@observed()
def handler(event: Json, context: object) -> dict[str, int]:
    """Try everything for each service; returns {service: parts that do not work}."""
    unread = {name: _beat(name) for name in names()}
    telemetry.emit(environment.namespace(), ended(sum(unread.values())))
    return unread


def _beat(name: str) -> int:
    tried = _parts(name)
    aws.client("lambda", _CALL_SECONDS, attempts=1)  # Made before the threads, which share it.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(tried, pool.map(_reading, tried, tried.values()), strict=True))
        failed = {part: tried[part] for part, reading in found.items() if reading.note}
        if failed:
            time.sleep(_AGAIN_SECONDS)
            found |= dict(zip(failed, pool.map(_reading, failed, failed.values()), strict=True))
    readings = tuple(found.values())
    telemetry.emit(environment.namespace(), measures(name, readings))
    unread = [f"{reading.part}: {reading.note}" for reading in readings if reading.note]
    log(service=name, tried=len(readings), unread=unread)
    _tell(name, readings)
    return len(unread)


def _tell(name: str, readings: tuple[Reading, ...]) -> None:
    """Keep the heartbeat, and tell the team what it does not know; where no message gets out, the next one tells."""
    kept, found = news(records().row(Heartbeat, PARTITION, name), readings, time.time())
    if found:
        publish(environment.topic(), subject(name, found), text(name, kept, found), f"heartbeat of {name}")
    records().put({"pk": PARTITION, "sk": name, **encode(kept)}, _KEPT_DAYS)


def _parts(name: str) -> dict[str, Callable[[], str]]:
    """Return what is tried for a service: each part and what tries it, which returns why it does not work."""
    phases = deployed(name).sources
    functions = {asked.source: (asked.function, phase) for phase in reversed(_PHASES)
                 for asked in phases.get(phase, ())}
    return {
        **{f"source {source}": partial(_asked, name, function, phase)
           for source, (function, phase) in sorted(functions.items())},
        "kill switch": lambda: "" if kill_switch(load(name)) is not None else (
            f"the parameter {load(name).kill_switch} cannot be read, or was never set: nothing would be changed"),
        "table": lambda: _table(name), "reports": _reports, "topic": _topic, "state machine": _state_machine}


def _reading(part: str, tries: Callable[[], str]) -> Reading:
    try:
        note = tries()
    except CallFailed as failed:
        note = failed.note
    return Reading(part, mask(note)[:300])


def _asked(name: str, function: str, phase: str) -> str:
    """Ask a source's function, and return what it could not read."""
    now = iso(time.time())
    event = {"incident": {"id": "heartbeat", "service": name, "opened_at": now}, "phase": phase, "now": now}
    with aws.failures("Lambda"):
        answer = aws.client("lambda", _CALL_SECONDS, attempts=1).invoke(
            FunctionName=function, Payload=json.dumps(event).encode())
        content: Json = json.loads(answer.pop("Payload").read())
    if "FunctionError" in answer:
        return f"its function failed: {decode(_FunctionError, content).error_type}"
    try:
        findings = decode_known(_Answered, content).findings
    except Malformed as error:
        return f"its function answered with something else: {error}"
    return "; ".join(dict.fromkeys(
        finding.note or finding.status for finding in findings if finding.status in FAILED))


def _table(name: str) -> str:
    """Write an item and read it back."""
    with aws.failures("DynamoDB"):
        mark = iso(time.time())
        records().put({"pk": PARTITION, "sk": f"TRIED#{name}", "at": mark}, _KEPT_DAYS)
        found = records().row(Heartbeat, PARTITION, f"TRIED#{name}")
    return "" if found and found.at == mark else "what was written to the table could not be read"


def _reports() -> str:
    with aws.failures("S3"):
        aws.client("s3").put_object(Bucket=environment.bucket(), Key=OBJECT, Body=iso(time.time()).encode(),
                                    ContentType="text/plain")
    return ""


def _topic() -> str:
    """Ask for the topic, because a message would reach people."""
    with aws.failures("SNS"):
        aws.client("sns").get_topic_attributes(TopicArn=environment.topic())
    return ""


def _state_machine() -> str:
    with aws.failures("Step Functions"):
        status = decode_known(_Machine, aws.client("stepfunctions").describe_state_machine(
            stateMachineArn=environment.state_machine())).status
    return "" if status == "ACTIVE" else f"the state machine is {status}"
