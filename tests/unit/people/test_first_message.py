"""The first message to customers, from its plan to its delivery: what people approved, and what is still so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from responder.handlers import act, guard, step
from responder.model.facts import Delivered
from responder.model.incident import IncidentRecord, Signal
from responder.model.service import Service
from responder.people import sns
from responder.records.table import iso
from tests.conftest import timeline
from tests.table import Table

MORE_BY = "2026-11-25T14:21:00.000Z"


class Outage:
    """A confirmed outage of which customers are about to hear."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: Table, service: Service) -> None:
        self.records, self.heard = records, list[str]()
        monkeypatch.setenv("ACTION", "inform_customers")
        monkeypatch.setenv("TOPIC", "t")
        monkeypatch.setattr(step, "records", lambda: records)
        monkeypatch.setattr(step, "load", lambda name: service)
        for module in (guard, act.remedy):
            monkeypatch.setattr(module, "kill_switch", lambda service: "released")
        monkeypatch.setattr(sns, "publish", lambda topic, subject, text, *more: self.heard.append(text) or "m")
        at = iso(time.time())
        records.open("payment-gateway", "i-1", "e", at, Signal(at, "alarm", "a", "k"))
        records.update("i-1", confirmed=True, kind="high_error_rate", onset="2026-11-25T13:50:05.000Z")
        (self.proposal, _), = records.propose("i-1", "2026-11-25T13:50:20.000Z", [{
            "action": "inform_customers", "cause": "provider_outage", "mechanism": "provider_fails",
            "component": "payment-gateway", "confidence": 0.97, "sources": ["newrelic", "splunk"], "facts": {},
            "onset": 1_795_614_605.0, "symptom": "high_error_rate"}])

    def run(self, operation: str, minute: int = 50) -> dict[str, Any]:
        event = {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": "2026-11-25T13:50:10.000Z"},
                 "entered": f"2026-11-25T13:{minute}:30.000Z", "operation": operation, "number": 1, "more_by": MORE_BY,
                 "remedy": {"action": "inform_customers", "id": self.proposal, "function": "f"}}
        return (guard.handler if operation == "guard" else act.handler)(event, None)

    def planned(self) -> str:
        self.run("plan")
        assert self.run("guard")["ruling"] == "permitted"
        return str((self.records.action("i-1", 1) or {})["diff"])


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Outage]:
    with mock_aws():
        yield Outage(monkeypatch, timeline(), replace(
            service, mode="auto", policy={"inform_customers": "auto"}, pagerduty=None, slack=None, statuspage=None))


def test_people_see_the_text_before_it_is_sent_and_customers_read_it_with_the_time(outage: Outage) -> None:
    preview = outage.planned()
    assert preview.startswith("There have been problems with card payments since 13:50 UTC.")
    assert "When they hear more is added" in preview and "14:21" not in preview
    result = outage.run("apply")
    text, = outage.heard
    assert preview.split("\n")[0] in text and "We will say more by 14:21 UTC." in text
    assert (result["applied"], result["more_by"], result["gave_task"]) == (True, MORE_BY, False)
    said, = [fact for _, fact in IncidentRecord.of(outage.records.everything("i-1")).facts(Delivered)]
    assert said.more_by == MORE_BY and {"problems", "more"} <= set(said.said)


def test_what_is_no_longer_so_when_people_have_approved_is_not_sent(outage: Outage) -> None:
    assert "We are looking for the cause." in outage.planned()
    outage.records.update("i-1", cause={"id": "overload", "confidence": 0.9, "summary": ""})
    outage.run("apply", 58)
    text, = outage.heard
    # Nor is what they did not approve.
    assert "looking for the cause" not in text and "found the cause" not in text


def test_an_outage_that_is_over_by_then_is_not_announced(outage: Outage) -> None:
    outage.planned()
    outage.records.update("i-1", recovery_verified_at=iso(time.time()))
    result = outage.run("apply", 58)
    assert (result["applied"], result["done"]) == (False, "what customers were to be told is no longer so")
    assert outage.heard == []


def test_a_repeat_promises_what_the_first_try_promised(outage: Outage) -> None:
    outage.planned()
    assert outage.run("apply") == outage.run("apply")
    assert len(outage.heard) == 1


def test_nothing_is_planned_for_customers_of_what_is_not_confirmed(outage: Outage) -> None:
    outage.records.update("i-1", confirmed=None)
    assert "nothing is confirmed" in outage.run("plan")["refusal"]
