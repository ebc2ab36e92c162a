"""A storm of alarms is one incident, and so is an alarm that flaps: through the state machine, as it is deployed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from responder import people
from responder.handlers import ask, close, step, steps
from responder.handlers import open as opening
from responder.model import service as model
from responder.model.codec import encode
from responder.model.evidence import Bucket, Finding
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import IncidentRecord, SourceAnswer
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.people import Channel, Message, Nothing
from responder.records.table import Records
from tests.conftest import ROOT
from tests.dynamo import Dynamo
from tests.machine import Machine

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
ALARM = "incident-response-payment-gateway-error-rate"
BEGAN = 1_795_000_000.0
SOURCES = ("cloudwatch", "newrelic", "splunk")
Bad = Callable[[float], bool]
"""Whether requests fail at a moment."""


class Bed:
    """One service with an alarm, whose executions run in the order of time; the clock goes on by their waits."""

    def __init__(self, records: Records, bad: Bad) -> None:
        self.records, self._bad, self.now = records, bad, BEGAN
        self.alarms: list[float] = []
        """When alarms are still to come, in seconds since 1970 (UTC)."""
        self.ends: Counter[str] = Counter()
        self.told: list[tuple[str, str]] = []
        self._count = 0

    def run(self, alarms: list[float]) -> None:
        """Let alarms come, each of which starts an execution."""
        self.alarms = sorted(alarms)
        while self.alarms:
            self._deliver(self.alarms[0])

    def _deliver(self, until: float) -> None:
        while self.alarms and self.alarms[0] <= until:
            at = self.alarms.pop(0)
            self._count += 1
            machine = Machine(ASL, lambda *given: self._invoke(machine, *given), at, name=f"e{self._count}")
            self.ends[machine.run(_event(at))] += 1

    def _invoke(self, machine: Machine, state: str, function: str, payload: dict[str, Any]) -> Any:
        # Alarms that came meanwhile have executions of their own, which attach and end.
        self._deliver(machine.now)
        self.now = machine.now
        if payload.get("warm"):
            return {}
        if function.startswith("source:"):
            return self._answer(function.removeprefix("source:"), payload)
        return steps.handler(payload, None)

    def _answer(self, source: str, payload: dict[str, Any]) -> Any:
        """Say what is so: half of the requests fail while it is bad."""
        incident, opened_at = payload["incident"], seconds(payload["incident"]["opened_at"])
        window, _ = ask.spans(model.load(incident["service"]), payload["phase"], opened_at, seconds(payload["now"]),
                              seconds(incident["first_opened_at"]))
        rows = tuple(Bucket(at, 400.0, 200.0 if self._bad(at) else 1.0) for at in range(
            int(window.start // 10 * 10), int(window.end // 10 * 10), 10))
        detail = ErrorRate(requests=sum(row.requests for row in rows), errors=sum(row.errors for row in rows),
                           baseline_requests=144_000.0, baseline_errors=300.0, baseline_seconds=3600.0, series=rows)
        return encode(SourceAnswer(source, (Finding(
            source=source, component="frontend", window=window, value=detail.errors / detail.requests,
            detail=detail),), 1))

    def tell(self, service: Service, message: Message, state: Nothing) -> Nothing:
        self.told.append((message.kind, message.key))
        return state


def _event(at: float) -> dict[str, Any]:
    return {"detail-type": "CloudWatch Alarm State Change", "time": iso(at), "detail": {
        "alarmName": ALARM, "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": iso(at)}}}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: Service) -> Iterator[Records]:
    (tmp_path / "deployed").mkdir()
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(service)))
    asked = [{"source": source, "function": f"source:{source}"} for source in SOURCES]
    (tmp_path / "deployed" / "payment-gateway.json").write_text(json.dumps({
        "alarms": [ALARM], "remedies": [],
        "sources": dict.fromkeys(("confirm", "isolate", "diagnose", "watch"), asked)}))
    for cached in (model.load, model.deployed):
        cached.cache_clear()
    for name, value in (("RESPONDER_CONFIG", str(tmp_path)), ("TABLE", "timeline"), ("BUCKET", "reports"), (
            "STEPS", "open,confirm,isolate,diagnose,guard,monitor,aftercare,assemble,approval,close,customers,inform,"
                     "remind,review")):
        monkeypatch.setenv(name, value)
    table = Records("timeline", Dynamo())
    for module in (opening, step):
        monkeypatch.setattr(module, "records", lambda: table)
    yield table
    for cached in (model.load, model.deployed):
        cached.cache_clear()


@pytest.fixture
def bed(records: Records, monkeypatch: pytest.MonkeyPatch) -> Callable[[Bad], Bed]:
    """The state machine on a clock of its own, with one channel that pages."""
    def made(bad: Bad) -> Bed:
        found = Bed(records, bad)
        monkeypatch.setattr(time, "time", lambda: found.now)
        monkeypatch.setattr(close.alarm_states, "on", lambda names: ())
        monkeypatch.setattr(people, "every", lambda: (Channel(
            "pager", frozenset({"page", "escalation", "told", "closed"}), found.tell, Nothing, wakes=True),))
        by = steps.result_by
        monkeypatch.setattr(steps, "result_by", lambda module, event, context: (
            {} if module == "review" else by(module, event, context)))
        return found
    return made


def incident(records: Records) -> IncidentRecord:
    """The only incident of the table."""
    item, = (item for (_, sk), item in records._client.items.items() if sk == "INCIDENT")
    return records.load(str(item["id"]))


def test_a_thousand_alarms_within_seconds_are_one_incident(bed: Callable[[Bad], Bed], records: Records) -> None:
    """They come between its first steps, one every nine milliseconds."""
    found = bed(lambda at: at < BEGAN + 60)
    found.run([BEGAN + 0.009 * number for number in range(1000)])
    assert found.ends == {"Answer the caller": 999, "Incident closed": 1}
    record = incident(records)
    assert len(record.signals) == 1000 and record.incident.outcome == "resolved"
    assert not record.incident.reopened_at
    assert [kind for kind, _ in found.told].count("page") == 1


@pytest.mark.parametrize(("every", "bad", "relapses"), [(360, 90, 0), (720, 120, 4)])
def test_an_alarm_that_flaps_for_an_hour_is_one_incident_with_relapses(
        bed: Callable[[Bad], Bed], records: Records, every: int, bad: int, relapses: int) -> None:
    """Where it is well for less than the time that a recovery must hold, it is not over yet; else it comes back."""
    found = bed(lambda at: (at - BEGAN + 20) % every < bad and at < BEGAN + 3600)
    alarms = [BEGAN + number for number in range(0, 3600, every)]
    found.run(alarms)
    record = incident(records)
    assert len(record.signals) == len(alarms) and record.incident.status == "closed"
    assert len(record.incident.reopened_at) == relapses == record.incident.reopenings
    # One page for each time that it came back, because the one before was resolved; never one for each alarm.
    assert [kind for kind, _ in found.told].count("page") == relapses + 1
    assert found.ends["Incident closed"] == relapses + 1
