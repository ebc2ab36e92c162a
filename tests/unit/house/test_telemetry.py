"""What each function writes of itself: lines of JSON, metrics in the embedded format, and subsegments of a trace."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from responder.clients import telemetry
from responder.handlers.observed import observed
from responder.handlers.step import log
from responder.model.measure import Metric, count, measure

EVENT = {"do": "confirm", "incident": {
    "id": "payment-gateway-1", "service": "payment-gateway", "opened_at": "2026-11-26T07:00:00Z",
    "execution": "arn:aws:states:us-east-1:1:execution:m:e"}}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def metrics(text: str) -> list[tuple[str, str, tuple[tuple[str, str], ...], list[float]]]:
    """Namespace, name, dimensions and values of each metric in what was written."""
    return [(block["Namespace"], one["Name"], tuple((name, line[name]) for name in names), line[one["Name"]])
            for line in lines(text) if "_aws" in line for block in line["_aws"]["CloudWatchMetrics"]
            for names in block["Dimensions"] for one in block["Metrics"]]


def test_each_line_names_incident_step_service_and_execution_and_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    @observed()
    def handler(event: Any, context: object) -> None:
        log(said="card 4111 1111 1111 1111", name="a field that a line of the log has already", level=3)

    handler(EVENT, None)
    [line] = lines(capsys.readouterr().out)
    assert (line["incident"], line["step"], line["service"], line["correlation_id"]) == (
        "payment-gateway-1", "confirm", "payment-gateway", "arn:aws:states:us-east-1:1:execution:m:e")
    assert "4111" not in json.dumps(line)
    assert line["name_"].startswith("a field")
    assert line["level"] == "INFO"
    assert line["timestamp"].endswith("+00:00")


def test_an_incident_of_before_names_no_later_line(capsys: pytest.CaptureFixture[str]) -> None:
    @observed()
    def handler(event: Any, context: object) -> None:
        log(said="x")

    handler(EVENT, None)
    handler({"incident": "an event of another kind", "Records": []}, None)
    _, line = lines(capsys.readouterr().out)
    assert (line["incident"], line["service"], line.get("correlation_id")) == ("-", "-", None)


def test_an_error_is_written_masked_and_still_fails_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    @observed()
    def handler(event: Any, context: object) -> None:
        raise ValueError("password=hunter2hunter2 is wrong")

    with pytest.raises(ValueError, match="is wrong"):
        handler(EVENT, None)
    [line] = lines(capsys.readouterr().out)
    assert (line["failed"], line["level"]) == ("ValueError", "ERROR")
    assert "hunter2" not in json.dumps(line)


def test_measures_of_the_same_dimensions_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.emit("stage", [
        count(Metric.OPENED, "shop"), measure(Metric.LEDGER_AGE, 3.5, "Seconds", "shop"),
        measure(Metric.AVAILABILITY, 0.0, "Percent", "shop", source="splunk")])
    text = capsys.readouterr().out
    assert len(lines(text)) == 2
    assert metrics(text) == [
        ("stage", "IncidentsOpened", (("Service", "shop"),), [1.0]),
        ("stage", "LedgerAge", (("Service", "shop"),), [3.5]),
        ("stage", "SourceAvailability", (("Service", "shop"), ("Source", "splunk")), [0.0])]


def test_without_a_namespace_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.emit("", [count(Metric.OPENED, "shop")])
    assert capsys.readouterr().out == ""


def test_what_cannot_be_measured_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.emit("stage", [measure(Metric.COST, None, "None", "shop")])  # type: ignore[arg-type]
    [line] = lines(capsys.readouterr().out)
    assert line["failed"] == "metrics"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """X-Ray's daemon as Lambda runs it, and a sampled invocation."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("_X_AMZN_TRACE_ID",
                           "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
        yield listener


def received(daemon: socket.socket) -> dict[str, Any]:
    header, document = daemon.recv(65536).split(b"\n", 1)
    assert json.loads(header) == {"format": "json", "version": 1}
    found: dict[str, Any] = json.loads(document)
    return found


def test_a_sampled_invocation_is_a_subsegment_of_lambdas_segment(daemon: socket.socket) -> None:
    @observed()
    def handler(event: Any, context: object) -> None:
        with telemetry.traced("inner"):
            raise KeyError("gone")

    with pytest.raises(KeyError):
        handler(EVENT, None)
    inner, outer = received(daemon), received(daemon)
    assert outer["name"] == "## confirm"
    assert (outer["type"], outer["trace_id"], outer["parent_id"]) == (
        "subsegment", "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8")
    assert outer["annotations"] == {"incident": "payment-gateway-1", "service": "payment-gateway"}
    assert inner["parent_id"] == outer["id"]
    assert outer["fault"] and outer["cause"]["exceptions"][0]["type"] == "KeyError"
    assert outer["end_time"] >= outer["start_time"]


def test_an_invocation_that_is_not_sampled_sends_nothing(daemon: socket.socket,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    with telemetry.traced("## confirm"):
        pass
    daemon.settimeout(0.1)
    with pytest.raises(TimeoutError):
        daemon.recv(1)
