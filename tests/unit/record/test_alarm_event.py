"""An alarm's event as a signal: the events are AWS's own, of the page "Alarm events and EventBridge"."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from responder.handlers import alarm_event
from responder.model import service as services
from responder.model.service import loading

NAME = "checkout-outage"
"""An alarm of the user's own that joins others."""
CHILD = "incident-response-payment-gateway-error-rate"


def composite(children: tuple[str, ...] = (CHILD,), **changed: Any) -> dict[str, Any]:
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
    state = {"value": "ALARM", "timestamp": "2022-07-22T15:57:45.394+0000",
             "reason": f"{arn}{CHILD} transitioned to ALARM at Friday 22 July, 2022 15:57:45 UTC",
             "reasonData": json.dumps({"triggeringAlarms": [
                 {"arn": f"{arn}{child}", "state": {"value": "ALARM", "timestamp": "2022-07-22T15:57:45.394+0000"}}
                 for child in children]}), **changed}
    return {"version": "0", "id": "d3dfc86d-384d-24c8-0345-9f7986db0b80",
            "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch", "account": "123456789012",
            "time": "2022-07-22T15:57:45Z", "region": "us-east-1", "resources": [f"{arn}{NAME}"], "detail": {
                "alarmName": NAME, "state": state, "previousState": {"value": "OK"},
                "configuration": {"alarmRule": f"ALARM({CHILD}) OR ALARM(TotalNetworkTrafficTooHigh)"}}}


@pytest.fixture(autouse=True)
def one_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deployed").mkdir()
    (tmp_path / "payment-gateway.json").write_text("{}")
    (tmp_path / "deployed" / "payment-gateway.json").write_text(json.dumps(
        {"alarms": [CHILD, NAME], "sources": {}, "remedies": []}))
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    loading.deployed.cache_clear()
    assert services.names() == ("payment-gateway",)


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    yield
    loading.deployed.cache_clear()


def test_the_signal_of_a_composite_alarm_names_what_set_it_off() -> None:
    other = "incident-response-payment-gateway-latency"
    signal = alarm_event.signal(composite((CHILD, other, CHILD)), "2022-07-22T15:57:46Z", "k")
    assert (signal.name, signal.kind, signal.service, signal.at) == (
        CHILD, "alarm", "payment-gateway", "2022-07-22T15:57:45.394Z")
    assert signal.reason == f"{NAME}: in ALARM are {CHILD}, {other}"


@pytest.mark.parametrize("data", ["", "{", "[]", '{"triggeringAlarms": 7}', '{"triggeringAlarms": [{"arn": "x"}]}',
                                  "[" * 100_000])
def test_an_outage_is_not_refused_because_its_reason_cannot_be_read(data: str) -> None:
    signal = alarm_event.signal(composite(reasonData=data), "2022-07-22T15:57:46Z", "k")
    assert signal.name == NAME and "transitioned to ALARM" in signal.reason


def test_a_metric_alarm_keeps_its_own_reason() -> None:
    event = composite(reason="Threshold Crossed", reasonData='{"version":"1.0","threshold":50.0}')
    event["detail"] |= {"alarmName": CHILD, "configuration": {"metrics": []}}
    signal = alarm_event.signal(event, "2022-07-22T15:57:46Z", "k")
    assert (signal.name, signal.reason) == (CHILD, "Threshold Crossed")


def test_an_alarm_of_nobody_is_refused() -> None:
    event = composite()
    event["detail"]["alarmName"] = "incident-response-somebody-else-outage"
    with pytest.raises(alarm_event.NobodysAlarm):
        alarm_event.signal(event, "2022-07-22T15:57:46Z", "k")
