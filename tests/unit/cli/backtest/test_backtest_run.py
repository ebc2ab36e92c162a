"""A whole backtest against a CloudWatch of known figures: nothing deployed, alarms with a history, answers and none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from click.testing import Result
from typer.testing import CliRunner

from cli import app
from cli.backtest import options, reads
from cli.backtest.outcome import Report
from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import decode
from tests.conftest import ROOT

_DROPPED = ("splunk", "foreign_changes", "dependencies", "credentials", "probes", "switches", "database")
THEN = datetime.now(UTC).timestamp() // 60 * 60 - 7200


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped configuration with CloudWatch, and with New Relic, whose key may not be read."""
    value = yaml.safe_load((ROOT / "config" / "payment-gateway.yaml").read_text())
    value = {key: part for key, part in value.items() if key not in _DROPPED}
    value["aws"] = {**value.get("aws", {}), "cloudtrail": False, "health_api": False, "nodegroups": False}
    value["components"][2]["calls"] = ["primary"]
    value["policy"] = dict.fromkeys(value["policy"], "off") | {"rollback": "auto"}
    value["payments"] = {**value["payments"], "newrelic_event": ""}
    (tmp_path / "payment-gateway.yaml").write_text(yaml.safe_dump(value))
    return tmp_path


class Cloud:
    """CloudFormation and CloudWatch, in the forms of their API references."""

    outputs: tuple[dict[str, str], ...] | None = None
    """Of the stack; None: there is none."""
    errors: Callable[[float], float] = staticmethod(lambda at: 1.0)
    """Failed requests, of 400 in each ten seconds, by the time."""
    history: tuple[tuple[str, float, str], ...] = ()
    """Alarm, time, state."""
    silent = False

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.alarms: list[str] = []

    def client(self, name: str) -> Cloud:
        assert name == "cloudformation"
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if self.outputs is None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not "
                                         "exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": list(self.outputs)}]}

    def describe_alarm_history(self, **given: Any) -> dict[str, Any]:
        self.alarms.append(given["AlarmName"])
        return {"AlarmHistoryItems": [
            {"Timestamp": datetime.fromtimestamp(at, UTC), "HistoryData": json.dumps(
                {"newState": {"stateValue": state, "stateReason": "Threshold Crossed"}})}
            for name, at, state in self.history if name == given["AlarmName"]]}

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetSecretValue")

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        if self.silent:
            raise CallFailed("unauthorized", "CloudWatch refused the credentials (AccessDenied)")
        start, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
        self.ends.append(end)
        return {"MetricDataResults": [self._result(query, start, end) for query in given["MetricDataQueries"]]}

    def _result(self, query: dict[str, Any], start: float, end: float) -> dict[str, Any]:
        stat = query["MetricStat"]
        period = float(stat["Period"])
        times = [at for number in range(int((end - start) // period) + 1) if (at := start + number * period) < end]
        parts = [[at + 10 * part for part in range(int(period // 10))] for at in times]
        name = query["Id"].rstrip("0123456789")
        counts = {"errors": [sum(map(self.errors, part)) for part in parts], "latency": [120.0] * len(parts)}
        values = counts.get(name, [400.0 * len(part) for part in parts])
        return {"Id": query["Id"], "StatusCode": "Complete", "Values": values,
                "Timestamps": [datetime.fromtimestamp(at, UTC) for at in times]}


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    found = Cloud()
    monkeypatch.setattr(options.boto3, "Session", lambda **_: found)
    monkeypatch.setattr(aws, "client", lambda service, *_: found)
    monkeypatch.setattr(reads.Pace, "wait", lambda self, system: None)
    return found


def run(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app.built(), ["backtest", "--config", str(config), *map(str, arguments)])


def report(done: Result) -> Report:
    assert done.exit_code == 0, done.stderr
    return decode(Report, json.loads(done.stdout))


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def test_where_nothing_can_be_asked_it_says_so_with_the_first_reason(config: Path, cloud: Cloud) -> None:
    cloud.silent = True
    done = run(config, "--at", utc(THEN))
    assert done.exit_code == 3
    assert "no source could say anything of any of these times: cloudwatch:" in done.stderr
    # It says before the first request how many there will be at most.
    assert done.stderr.splitlines()[0].startswith("1 incident; at most ")


def test_a_responder_that_is_not_deployed_has_no_ledger_and_the_report_says_so(config: Path) -> None:
    found = report(run(config, "--at", utc(THEN), "--json"))
    (case,) = found.cases
    assert case.answer == "inconclusive"
    assert [(vote.source, vote.vote) for vote in case.votes] == [("cloudwatch", "healthy"), ("newrelic", "unknown")]
    assert case.ending == "people would have been paged to take over"
    assert any("the responder is not deployed" in note for note in found.notes)
    assert any("tell only how things are when they are asked" in note for note in found.notes)


def test_incidents_are_found_by_the_history_of_the_alarms(config: Path, cloud: Cloud) -> None:
    outage = "incident-response-payment-gateway-error-rate"
    cloud.errors = lambda at: 200.0 if at >= THEN - 60 else 1.0
    cloud.history = ((outage, THEN, "ALARM"), (outage, THEN + 300, "OK"), ("checkout-errors", THEN + 100, "ALARM"))
    (case,) = report(run(config, "--since", "1d", "--alarm", "checkout-errors", "--json")).cases
    assert {outage, "checkout-errors"} <= set(cloud.alarms)
    assert (case.moment.alarm, case.moment.reason) == (outage, "Threshold Crossed")
    vote = next(vote for vote in case.votes if vote.source == "cloudwatch")
    assert vote.vote == "outage" and "failed" in vote.reason


def test_what_happens_later_changes_no_decision_of_then(config: Path, cloud: Cloud) -> None:
    before = report(run(config, "--at", utc(THEN + 5), "--json")).cases
    looked_at = max(cloud.ends)
    cloud.errors = lambda at: 400.0 if at >= looked_at else 1.0
    assert report(run(config, "--at", utc(THEN + 5), "--json")).cases == before


def test_an_incident_that_no_alarm_saw_is_asked_about_all_the_same(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "truth.txt"
    file.write_text(f"- {{at: '{utc(THEN)}', cause: bad_release}}")
    done = run(config, "--since", "1d", "--truth", file, "--json")
    assert done.exit_code == 1
    (case,) = decode(Report, json.loads(done.stdout)).cases
    assert case.moment.alarm == ""


def test_no_more_incidents_are_asked_about_than_wanted(config: Path) -> None:
    found = report(run(config, *(part for hour in range(3) for part in ("--at", utc(THEN - 3600 * hour))), "--most", 2,
                       "--json"))
    assert [case.moment.at[11:16] for case in found.cases] == [utc(THEN - 3600)[11:16], utc(THEN)[11:16]]
    assert any("1 older incidents were left out" in note for note in found.notes)


def test_a_stack_that_was_named_has_to_be_there_and_to_be_the_responders(config: Path, cloud: Cloud) -> None:
    missing = run(config, "--stack", "Other")
    assert (missing.exit_code, "does not exist" in missing.stderr) == (3, True)
    cloud.outputs = ({"OutputKey": "Bucket", "OutputValue": "b"},)
    foreign = run(config)
    assert (foreign.exit_code, "has no output Timeline" in foreign.stderr) == (3, True)
