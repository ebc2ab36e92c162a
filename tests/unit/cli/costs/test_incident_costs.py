"""An incident's bill, from events as Step Functions documents them (AWS: "GetExecutionHistory", "HistoryEvent")."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import built
from cli.costs.incident import Size, of_execution, pages, sizes
from cli.costs.lines import total
from stacks.prices import shipped
from tests.conftest import ROOT

PRICES = shipped()
BEGAN = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:111111111111:function:{}:live"


class History:
    """Events of an execution, each with the id of the one before."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, after_seconds: float, **details: Any) -> None:
        number = len(self.events) + 1
        self.events.append({"id": number, "previousEventId": number - 1, "type": kind,
                            "timestamp": BEGAN + timedelta(seconds=after_seconds), **details})

    def task(self, function: str, start: float, end: float, *, failed: bool = False) -> None:
        self.add("TaskStateEntered", start)
        self.add("TaskScheduled", start, taskScheduledEventDetails={
            "resourceType": "lambda", "resource": "invoke", "region": "us-east-1",
            "parameters": json.dumps({"FunctionName": ARN.format(function), "Payload": {}})})
        self.add("TaskStarted", start)
        self.add("TaskFailed" if failed else "TaskSucceeded", end)
        self.add("TaskStateExited", end)


def quantities(history: History, items: list[dict[str, Any]] | None = None,
               known: dict[str, Size] | None = None) -> dict[str, float]:
    return {f"{one.part}: {one.what}": one.quantity
            for one in of_execution(history.events, items or [], PRICES, known)}


def test_functions_are_billed_by_their_memory_and_architecture_in_the_template() -> None:
    history = History()
    history.add("ExecutionStarted", 0)
    history.task("ir-step-decide", 0.0, 2.0)
    history.task("ir-step-report", 2.0, 5.0)
    found = quantities(history, known={"ir-step-decide": Size(2.0, arm=False), "ir-step-report": Size(1.0)})
    assert found["functions: GB-seconds on x86_64"] == pytest.approx(4.0)
    assert found["functions: GB-seconds on arm64"] == pytest.approx(3.0)
    assert found["functions: requests"] == 2 and found["states: transitions"] == 2


def test_each_retry_is_a_transition_and_a_run() -> None:
    once, again = History(), History()
    once.task("f", 0, 1)
    again.task("f", 0, 1, failed=True)
    again.add("TaskScheduled", 2, taskScheduledEventDetails={"parameters": "{}"})
    again.add("TaskSucceeded", 3)
    assert quantities(again)["states: transitions"] == quantities(once)["states: transitions"] + 1
    assert quantities(again)["functions: requests"] == 2


def test_a_history_without_data_counts_each_function_with_the_usual_memory() -> None:
    history = History()
    history.add("TaskScheduled", 0, taskScheduledEventDetails={"resource": "invoke"})
    history.add("TaskSucceeded", 4)
    assert quantities(history)["functions: GB-seconds on arm64"] == pytest.approx(2.0)


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_entries_of_one_second_are_one_page() -> None:
    entries = [{"sk": f"TIMELINE#{number}", "at": at(moment)} for number, moment in enumerate((0, 0.4, 0.9, 5, 9))]
    assert pages(entries) == 3


def test_a_record_adds_what_the_history_does_not_say() -> None:
    history = History()
    history.task("f", 0, 1)
    items = [{"sk": "TIMELINE#1", "at": at(0), "kind": "notification"},
             {"sk": "EVIDENCE#1", "at": at(1), "source": "cloudwatch", "findings": [
                 {"name": "error_rate", "component": name, "raw": "s3://b/k"} for name in ("a", "b")]},
             {"sk": "TIMELINE#2", "at": at(9), "kind": "report", "text": "x" * 2900}]
    found = quantities(history, items)
    assert found["metrics: metrics asked of CloudWatch"] == 12
    assert found["table: write units"] == 1 + 2 * 1 + 3
    assert found["messages: messages published"] == 1
    assert found["files: PUT"] == 4 + 1 + 2
    assert found["settings: configurations received"] == 1
    assert not {part.partition(":")[0] for part in quantities(history)} & {"table", "files", "messages", "settings"}


def test_sizes_come_from_the_template() -> None:
    found = sizes(json.loads((ROOT / "tests" / "stacks" / "snapshot.json").read_text()))
    assert found["incident-response-step-report"] == Size(1.0) and found["incident-response-step-decide"] == Size(0.5)


@pytest.mark.parametrize("moment", [lambda one: one.isoformat(), lambda one: one.timestamp()],
                         ids=["text, as version 2 prints", "seconds, as version 1 prints"])
def test_the_command_reads_what_the_aws_command_line_printed(tmp_path: Path, moment: Any) -> None:
    history = History()
    history.task("incident-response-step-report", 0, 2)
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": [{**event, "timestamp": moment(event["timestamp"])}
                                           for event in history.events]}))
    record = ROOT / "tests" / "records" / "bad-release.json.gz"
    alone = json.loads(CliRunner().invoke(built(), ["costs", "--history", str(path), "--json"]).stdout)
    assert alone["without_record"]
    assert alone["dollars"] == pytest.approx(total(of_execution(history.events, [], PRICES)))
    done = CliRunner().invoke(built(), ["costs", "--history", str(path), "--record", str(record), "--json"])
    both = json.loads(done.stdout)
    assert not both["without_record"] and both["dollars"] > alone["dollars"]
    shown = CliRunner().invoke(built(), ["costs", "--history", str(path)]).stdout
    assert "name the incident's --record" in shown
