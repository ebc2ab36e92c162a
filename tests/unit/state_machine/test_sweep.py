"""Alarms that stay on: CloudWatch tells of a change of state alone, so somebody must look again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import alarm_states, aws
from responder.clients.failure import CallFailed
from responder.handlers import close, open, step, sweep
from responder.model.codec import encode
from responder.model.evidence.alarms import AlarmState
from responder.model.incident import Signal
from responder.model.service import Service, deployed
from responder.plan import burn
from responder.plan.sweep import AFTER_SECONDS, MOST_SECONDS, round_of, starts
from responder.records.table import iso
from tests.conftest import timeline

DAY = 86_400.0
NAMES = ("incident-response-payment-gateway-error-rate", "incident-response-payment-gateway-latency")


# --- when to look again ----------------------------------------------------------------------------------------------


@given(st.floats(0, 30 * DAY))
def test_an_alarm_that_is_on_starts_the_plan_rarely_and_again_and_again(seconds: float) -> None:
    number = round_of(seconds)
    assert (number is None) == (seconds < AFTER_SECONDS)
    if number is not None:
        # Seven rounds that double take six hours; then one in four hours.
        assert number <= 7 + seconds / MOST_SECONDS
        later = round_of(seconds + MOST_SECONDS)
        assert later is not None and later > number


@given(st.floats(0, 3 * DAY), st.floats(0, DAY))
def test_rounds_never_go_back(seconds: float, more: float) -> None:
    first, second = round_of(seconds), round_of(seconds + more)
    assert first is None or (second is not None and second >= first)


alarms = st.lists(st.builds(AlarmState, st.sampled_from("abcdef"), st.just("ALARM"), st.one_of(
    st.none(), st.floats(0, 5 * DAY))), max_size=8)


@given(alarms, st.floats(5 * DAY, 6 * DAY))
def test_nothing_starts_while_an_incident_is_open_and_the_longest_alarm_is_tried_first(
        on: list[AlarmState], now: float) -> None:
    assert list(starts(on, True, now)) == []
    found = list(starts(on, False, now))
    assert [item.since for item in found] == sorted(item.since for item in found)
    assert {item.alarm for item in found} == {
        alarm for alarm in on if alarm.since is not None and now - alarm.since >= AFTER_SECONDS}


# --- the sweep -------------------------------------------------------------------------------------------------------


class StepFunctions:
    """Takes the name of an execution once, as the real one."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803 - boto3's names
        assert stateMachineArn == "arn:machine" and len(name) <= 80
        if name in self.inputs:
            raise CallFailed("unavailable", "taken", code="ExecutionAlreadyExists")
        self.inputs[name] = json.loads(input)


def minutes(window: Any, counted: Any) -> dict[float, float]:
    """What CloudWatch has for each minute; a count of nothing is not published."""
    return {at: count for at in range(int(window.start), int(window.end), 60) if (count := counted(at))}


@pytest.fixture
def machine(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A deployment with two alarms, an empty table, and a clock that tests set."""
    (tmp_path / "deployed").mkdir()
    (tmp_path / "payment-gateway.json").write_text(json.dumps(encode(service)))
    (tmp_path / "deployed" / "payment-gateway.json").write_text(json.dumps(
        {"alarms": NAMES, "sources": {}, "remedies": []}))
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    monkeypatch.setenv("STATE_MACHINE", "arn:machine")
    deployed.cache_clear()
    with mock_aws():
        table, functions = timeline(), StepFunctions()
        found = SimpleNamespace(table=table, functions=functions, on=(), now=time.time(), told=[],
                                requests=lambda at: 600.0, errors=lambda at: 0.0)
        for module in (sweep, open):
            monkeypatch.setattr(module, "records", lambda: table)
        monkeypatch.setattr(aws, "client", lambda *_, **__: functions)
        monkeypatch.setattr(sweep.alarm_states, "on", lambda names: found.on)
        monkeypatch.setattr(sweep.cloudwatch, "entry_counts", lambda service, window, seconds: (
            minutes(window, found.requests), minutes(window, found.errors)))
        monkeypatch.setattr(sweep, "publish", lambda topic, subject, text, about: found.told.append((subject, text)))
        monkeypatch.setattr(sweep.time, "time", lambda: found.now)
        yield found
    deployed.cache_clear()


def test_the_false_alarm_that_goes_on_is_found_again_and_again_and_never_flooded(machine: SimpleNamespace) -> None:
    began = machine.now
    machine.on = (AlarmState(NAMES[0], "ALARM", began, "Threshold Crossed"),)
    started = []
    for minute in range(0, 24 * 60, 5):
        machine.now = began + 60 * minute
        if sweep.handler({}, None) == {"payment-gateway": NAMES[0]}:
            started.append(minute)
        # A schedule may start it twice (at least once): that starts nothing more.
        assert sweep.handler({}, None) == {"payment-gateway": ""}
    assert started == [5, 10, 20, 40, 80, 160, 320, 560, 800, 1040, 1280]
    # It recovers and goes on anew: its rounds begin anew.
    machine.on = (AlarmState(NAMES[0], "ALARM", machine.now),)
    machine.now += AFTER_SECONDS
    assert sweep.handler({}, None) == {"payment-gateway": NAMES[0]}


def test_its_start_opens_an_incident_that_says_why(machine: SimpleNamespace) -> None:
    """Also the same incident again, whose false alarm was judged before."""
    machine.on = (AlarmState(NAMES[0], "ALARM", machine.now - 700, "Threshold Crossed"),)
    judged = Signal(iso(machine.now - 700), "alarm", NAMES[0], "k", "payment-gateway", "Threshold Crossed")
    first = machine.table.open("payment-gateway", "i-1", "arn:1", iso(machine.now - 690), judged)
    machine.table.update(first.incident, outcome="false_alarm", confirmed=False, status="closed",
                         evidence_cutoff=iso(machine.now - 650), closed_at=iso(machine.now - 640))
    machine.table.close("payment-gateway", first.incident, "arn:1")
    assert sweep.handler({}, None) == {"payment-gateway": NAMES[0]}
    given_input, = machine.functions.inputs.values()
    start = open._read(open.OpenEvent("arn:2", iso(machine.now), iso(machine.now), given_input))
    assert start.signal.service == "payment-gateway" and start.signal.at > iso(machine.now - 650)
    assert "found by the sweep, look 2" in start.signal.reason and "Threshold Crossed" in start.signal.reason
    opened = machine.table.open("payment-gateway", "i-2", "arn:2", iso(machine.now), start.signal, 1800.0)
    assert opened.new and opened.reopened and opened.incident == "i-1"
    assert sweep.handler({}, None) == {"payment-gateway": ""}


def test_while_an_incident_is_open_nothing_starts_but_one_that_was_abandoned_is_taken_over(
        machine: SimpleNamespace) -> None:
    machine.on = (AlarmState(NAMES[1], "ALARM", machine.now - 4000),)
    signal = Signal(iso(machine.now - 3990), "alarm", NAMES[1], "k", "payment-gateway", "")
    machine.table.open("payment-gateway", "i-1", "arn:1", iso(machine.now), signal, lease_seconds=1500.0)
    assert sweep.handler({}, None) == {"payment-gateway": ""} and not machine.functions.inputs
    machine.now += 1600
    assert sweep.handler({}, None) == {"payment-gateway": NAMES[1]}


def test_alarms_that_cannot_be_read_start_nothing_and_end_nothing(
        machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(names: Any) -> Any:
        raise CallFailed("unauthorized", "CloudWatch refused the credentials")

    monkeypatch.setattr(sweep.alarm_states, "on", denied)
    # It fails, because an alarm tells people when no sweep comes to its end.
    with pytest.raises(sweep.NotSwept, match="payment-gateway: CloudWatch refused"):
        sweep.handler({}, None)
    assert not machine.functions.inputs


def test_a_service_that_cannot_be_looked_at_costs_no_other_its_sweep(
        machine: SimpleNamespace, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.on = (AlarmState(NAMES[0], "ALARM", machine.now - 400, "Threshold Crossed"),)

    def loaded(name: str) -> Service:
        if name == "another":
            raise CallFailed("unauthorized", "its account refused the role")
        return service

    monkeypatch.setattr(sweep, "names", lambda: ("another", "payment-gateway"))
    monkeypatch.setattr(sweep, "load", loaded)
    with pytest.raises(sweep.NotSwept, match="another"):
        sweep.handler({}, None)
    assert len(machine.functions.inputs) == 1


# --- the error budget ------------------------------------------------------------------------------------------------


def swept(machine: SimpleNamespace, since: float, until: float) -> list[int]:
    """Sweep each five minutes; returns after which minutes the burning budget started the plan."""
    started = []
    for minute in range(int(since // 60), int(until // 60), 5):
        machine.now = minute * 60.0 + 20
        if sweep.handler({}, None) == {"payment-gateway": burn.NAME}:
            started.append(minute - int(since // 60))
    return started


def test_a_burn_starts_the_plan_once_says_its_numbers_and_reaches_people_by_itself(machine: SimpleNamespace) -> None:
    """Of 600 requests a minute 3 % fail: too few for an outage, and the month's budget is gone in a day."""
    began = machine.now // 300 * 300
    machine.errors = lambda at: 18.0 if at >= began else 0.0
    started = swept(machine, began, began + 3 * 3600)
    assert len(started) == 1 and 25 <= started[0] <= 60
    given_input, = machine.functions.inputs.values()
    start = open._read(open.OpenEvent("arn:2", iso(machine.now), iso(machine.now), given_input))
    assert (start.signal.kind, start.signal.name, start.signal.service) == ("alarm", burn.NAME, "payment-gateway")
    assert "requests failed in 60 min" in start.signal.reason and "3.0% in the last 5 min" in start.signal.reason
    (subject, text), = machine.told
    assert "the error budget burns" in subject and start.signal.reason in text and "not running" in text
    # It ends, and begins anew on another day: that is another episode.
    again = began + 12 * 3600
    machine.errors = lambda at: 18.0 if at >= again else 0.0
    assert len(swept(machine, again, again + 3600)) == 1 and len(machine.told) == 2


def test_a_burn_that_pauses_for_a_moment_is_told_once(machine: SimpleNamespace) -> None:
    began = machine.now // 300 * 300
    machine.errors = lambda at: 18.0 if at >= began and (at - began) % 3600 < 3000 else 0.0
    assert len(swept(machine, began, began + 3 * 3600)) == 1


def test_people_are_told_of_a_burn_though_telling_them_failed_at_first(
        machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    began = machine.now // 300 * 300
    machine.errors = lambda at: 18.0
    machine.now = began
    told, publish = machine.told, sweep.publish

    def fails(*given: Any) -> Any:
        raise CallFailed("unavailable", "SNS did not answer")

    monkeypatch.setattr(sweep, "publish", fails)
    with pytest.raises(sweep.NotSwept):
        sweep.handler({}, None)
    monkeypatch.setattr(sweep, "publish", publish)
    machine.now += 300
    sweep.handler({}, None)
    assert len(told) == 1 and len(machine.functions.inputs) == 1


def test_a_burn_starts_nothing_beside_an_incident_nor_soon_after_one(machine: SimpleNamespace) -> None:
    began = machine.now // 300 * 300
    machine.now, machine.errors = began, lambda at: 18.0
    signal = Signal(iso(began), "alarm", NAMES[1], "k", "payment-gateway", "")
    machine.table.open("payment-gateway", "i-1", "arn:1", iso(began), signal)
    assert sweep.handler({}, None) == {"payment-gateway": ""}
    machine.table.update("i-1", status="closed", outcome="escalated", closed_at=iso(began + 60))
    machine.table.close("payment-gateway", "i-1", "arn:1")
    # What still burns half an hour later is no remainder of it.
    assert swept(machine, began, began + 3600) == [35] and len(machine.told) == 1


def test_no_burn_is_told_while_an_alarm_is_on_or_the_windows_remember_an_outage(machine: SimpleNamespace) -> None:
    began = machine.now // 300 * 300
    machine.now, machine.errors = began, lambda at: 18.0
    machine.on = (AlarmState(NAMES[0], "ALARM", began - 100),)
    assert sweep.handler({}, None) == {"payment-gateway": ""}
    # Three minutes in which all requests fail use up what two hours may: its own alarm told of them, and afterwards all
    # is well.
    machine.on = ()
    machine.errors = lambda at: 600.0 if began <= at < began + 180 else 0.0
    assert swept(machine, began, began + 3600) == [] and machine.told == []


@pytest.mark.parametrize(("requests", "errors"), [
    (0.0, 0.0),    # nothing is known
    (600.0, 0.6),  # just the budget
    (0.1, 0.1)])   # one customer who tries again
def test_what_is_no_burn_starts_nothing(machine: SimpleNamespace, requests: float, errors: float) -> None:
    machine.requests, machine.errors = lambda at: requests, lambda at: errors if at % 600 == 0 or errors > 0.5 else 0.0
    assert swept(machine, machine.now, machine.now + 3600) == [] and machine.told == []


def test_without_an_objective_nobody_asks_for_requests(
        machine: SimpleNamespace, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "load", lambda name: replace(
        service, alarms=replace(service.alarms, objective=None), reports=replace(service.reports, objective=None)))
    monkeypatch.setattr(sweep.cloudwatch, "entry_counts", lambda *given: 1 / 0)
    assert sweep.handler({}, None) == {"payment-gateway": ""}


@given(st.integers(0, 400), st.integers(0, 400))
def test_more_failures_never_make_a_burn_of_less(errors: int, more: int) -> None:
    """As long as none of its minutes looks like an outage."""
    from tests.conftest import shipped_service

    service, end = shipped_service(), 100_000_020.0
    requests = {end - 60 * minute: 10_000.0 for minute in range(1, 361)}
    first, second = (burn.burning(service, requests, dict.fromkeys(requests, float(count)), end)
                     for count in (errors, errors + more))
    assert first is None or second is not None or errors + more > 400


@mock_aws
def test_the_alarms_that_are_on_are_the_services_own() -> None:
    client = boto3.client("cloudwatch", region_name="us-east-1")
    for name in (*NAMES, "incident-response-payment-gateway-error-rate-staging"):
        client.put_metric_alarm(AlarmName=name, Namespace="N", MetricName="M", Period=60, EvaluationPeriods=1,
                                Threshold=1, Statistic="Sum", ComparisonOperator="GreaterThanThreshold")
        if name != NAMES[1]:
            client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="it is bad")
    found, = alarm_states.on(NAMES)
    assert (found.name, found.state, found.reason) == (NAMES[0], "ALARM", "it is bad") and found.since


# --- standing down ---------------------------------------------------------------------------------------------------


def stand_down(service: Service, monkeypatch: pytest.MonkeyPatch, on: Any) -> tuple[Any, list[str]]:
    """Stand down as a false alarm at a time when these alarms are on."""
    with mock_aws():
        table = timeline()
        monkeypatch.setattr(step, "records", lambda: table)
        monkeypatch.setattr(step, "load", lambda name: service)
        monkeypatch.setattr(close, "deployed", lambda name: SimpleNamespace(alarms=NAMES))
        monkeypatch.setattr(close.alarm_states, "on", on)
        signal = Signal(iso(1_800_000_000), "alarm", NAMES[0], "k", service.service, "")
        opened = table.open(service.service, "i-1", "arn:1", iso(1_800_000_001), signal)
        table.update("i-1", confirmed=False, evidence_cutoff=iso(1_800_000_060))
        result = close.handler({
            "operation": "stand_down", "entered": iso(1_800_000_070), "incident": {
                "id": opened.incident, "service": service.service, "opened_at": opened.opened_at,
                "execution": "arn:1"}}, None)
        return result, [entry.what for entry in table.load("i-1").timeline]


def test_a_false_alarm_that_stays_on_is_said_and_left_to_the_sweep(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    result, said = stand_down(service, monkeypatch, lambda names: (AlarmState(NAMES[0], "ALARM", 1_800_000_000.0),))
    assert (result["newer"], result["outcome"]) == (False, "false_alarm")
    assert f"in ALARM as it stood down: {NAMES[0]}" in said


def test_an_alarm_that_went_on_after_the_last_look_is_looked_at_first_though_its_event_is_late(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    result, said = stand_down(service, monkeypatch, lambda names: (AlarmState(NAMES[1], "ALARM", 1_800_000_061.0),))
    assert result["newer"] and "an alarm came that has not been looked at" in said


def test_alarms_that_cannot_be_read_do_not_keep_it_from_standing_down(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(names: Any) -> Any:
        raise CallFailed("unauthorized", "CloudWatch refused the credentials")

    result, _ = stand_down(service, monkeypatch, denied)
    assert result["outcome"] == "false_alarm"


# --- events twice and late ------------------------------------------------------------------------------------------


def test_an_alarm_event_that_comes_twice_or_after_its_incident_has_closed_opens_nothing(
        machine: SimpleNamespace) -> None:
    """EventBridge delivers at least once, in any order; each delivery is an execution of its own."""
    event = {"detail-type": "CloudWatch Alarm State Change", "time": iso(machine.now), "detail": {
        "alarmName": NAMES[0], "state": {"value": "ALARM", "timestamp": iso(machine.now), "reason": "r"}}}

    def delivered(execution: str) -> Any:
        signal = open._read(open.OpenEvent(execution, iso(machine.now + 1), iso(machine.now + 1), event)).signal
        return machine.table.open("payment-gateway", f"i-{execution}", execution, iso(machine.now + 1), signal, 1800.0)

    first, second = delivered("arn:1"), delivered("arn:2")
    assert (first.new, second.new, second.incident) == (True, False, first.incident)
    machine.table.update(first.incident, status="closed", outcome="false_alarm", closed_at=iso(machine.now + 90),
                         evidence_cutoff=iso(machine.now + 60))
    machine.table.close("payment-gateway", first.incident, "arn:1")
    late = delivered("arn:3")
    assert (late.new, late.incident) == (False, first.incident)
