"""One incident however many alarms; a step that runs twice leaves one trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from responder.handlers import open as opening
from responder.model import service as model
from responder.model.incident import Remedy, RemedyStatus
from responder.model.service import Service
from responder.records.table import Records
from responder.records.timeline import NewEntry
from tests.conftest import timeline_in_aws


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: Service) -> Iterator[Records]:
    (tmp_path / "deployed").mkdir()
    (tmp_path / "payment-gateway.json").write_text(json.dumps(asdict(service)))
    (tmp_path / "deployed" / "payment-gateway.json").write_text(json.dumps({
        "alarms": ["incident-response-payment-gateway-error-rate"], "remedies": [],
        "sources": {"confirm": [{"source": "newrelic", "function": "f"}]}}))
    for cached in (model.load, model.deployed):
        cached.cache_clear()
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    monkeypatch.setenv("TABLE", "timeline")
    with mock_aws():
        records = timeline_in_aws()
        monkeypatch.setattr(opening, "records", lambda: records)
        yield records
    for cached in (model.load, model.deployed):
        cached.cache_clear()


class Machine:
    """Step Functions, as far as it says how an execution is."""

    def __init__(self, status: str) -> None:
        self.status = status

    def describe_execution(self, **given: str) -> dict[str, str]:
        return {"status": self.status}


def start(given: Any, execution: str = "e1", started: str = "2026-11-23T23:59:59.900Z") -> dict[str, Any]:
    return opening.handler({"input": given, "execution": execution, "started": started, "entered": started}, None)


def alarm(name: str = "incident-response-payment-gateway-error-rate") -> dict[str, Any]:
    return {"detail-type": "CloudWatch Alarm State Change", "time": "2026-11-23T23:59:59Z", "detail": {
        "alarmName": name, "state": {"value": "ALARM", "reason": "card 4242424242424242",
                                     "timestamp": "2026-11-23T23:59:59.123+0000"}}}


def test_many_alarms_over_a_minutes_boundary_open_one_incident(records: Records) -> None:
    results = [start(alarm(), f"e{n}", f"2026-11-{'23T23:59:59' if n < 60 else '24T00:00:01'}.000Z")
               for n in range(120)]
    assert [r["result"] for r in results].count("opened") == 1
    assert {r["incident"]["id"] for r in results} == {results[0]["incident"]["id"]}
    items = records.everything(results[0]["incident"]["id"])
    assert sum(item["sk"].startswith("SIGNAL#") for item in items) == 120
    assert "4242424242424242" not in json.dumps(items)


def test_a_start_that_is_repeated_opens_once(records: Records) -> None:
    first, again = start(alarm()), start(alarm())
    assert first == again
    items = records.everything(first["incident"]["id"])
    assert sum(item["sk"].startswith("TIMELINE#") for item in items) == 1


def test_an_execution_that_takes_over_an_expired_lease_continues_its_incident(records: Records,
                                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(alarm(), "e1")
    records.renew("payment-gateway", "e1", -1.0)
    monkeypatch.setattr(opening.aws, "client", lambda name: Machine("ABORTED"))
    records.plan_remedy(first["incident"]["id"], Remedy(1, "rollback", RemedyStatus.APPLIED))
    second = start(alarm(), "e2", "2026-11-24T01:00:00.000Z")
    assert (second["result"], second["incident"]["id"], second["number"]) == ("opened", first["incident"]["id"], 2)


def test_an_execution_that_is_slow_to_renew_its_lease_is_not_taken_over(records: Records,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(alarm(), "e1")
    records.renew("payment-gateway", "e1", -1.0)
    monkeypatch.setattr(opening.aws, "client", lambda name: Machine("RUNNING"))
    second = start(alarm(), "e2", "2026-11-24T01:00:00.000Z")
    assert (second["result"], second["incident"]["id"]) == ("attached", first["incident"]["id"])
    assert start(alarm(), "e1")["result"] == "opened"


def test_only_the_holder_of_the_incident_lock_renews_and_releases_it(records: Records) -> None:
    first = start(alarm(), "e1")["incident"]["id"]
    assert not records.renew("payment-gateway", "e2", 60)
    records.expire("payment-gateway", "e2")
    records.close("payment-gateway", first, "e2")
    assert start(alarm(), "e3")["result"] == "attached"
    records.close("payment-gateway", first, "e1")
    assert records.item("SERVICE#payment-gateway", "OPEN") is None


def test_one_target_is_changed_by_one_incident_at_a_time(records: Records) -> None:
    first = records.hold("c/ns/deployment/x", "i-1", 60)
    assert first
    assert records.hold("c/ns/deployment/x", "i-2", 60) == 0
    assert records.hold("c/ns/deployment/x", "i-1", 60) == first
    records.release("c/ns/deployment/x", "i-2")
    assert records.holds("c/ns/deployment/x", "i-1", first)
    records.release("c/ns/deployment/x", "i-1")
    second = records.hold("c/ns/deployment/x", "i-2", 60)
    assert second > first
    assert not records.holds("c/ns/deployment/x", "i-1", first)
    assert records.hold("c/ns/deployment/y", "i-1", -1)
    assert not records.holds("c/ns/deployment/y", "i-1", 1)


def test_remedies_are_remembered_once(records: Records) -> None:
    for _ in range(2):
        records.executed("payment-gateway", "i-1", Remedy(1, "rollback", target="deployment/x"))
    found = records.executions("payment-gateway", 0.0)
    assert [(item.action, item.target) for item in found] == [("rollback", "deployment/x")]
    assert records.executions("payment-gateway", found[0].at + 1) == []


def test_a_person_may_start_it(records: Records) -> None:
    result = start({"service": "payment-gateway", "reason": "customers call", "started_by": "somebody"})
    entry = next(i for i in records.everything(result["incident"]["id"]) if i["sk"].startswith("TIMELINE#"))
    assert entry["by"] == "somebody"


@pytest.mark.parametrize(("given", "said"), [
    ({}, "needs \"service\""), (["x"], "must be an object"), ({"service": "other"}, "no service called 'other'"),
    ({"service": "payment-gateway", "reson": "x"}, "reson"), (alarm("somebody-elses"), "nobody looks after the alarm"),
])
def test_a_start_for_an_unknown_service_is_refused_and_recorded(records: Records, given: Any, said: str) -> None:
    result = start(given)
    assert result["result"] == "refused"
    assert said in result["reason"]
    kept = records._client.scan(TableName="timeline")["Items"]
    assert len(kept) == 1 and kept[0]["pk"]["S"].startswith("REFUSED#")


def test_a_timeline_entry_is_written_once_and_read_in_order(records: Records) -> None:
    entered = "2026-11-23T10:00:0{}.000Z"
    assert records.note("i", entered.format(2), "b", "second")
    assert records.note("i", entered.format(1), "a", "first")
    assert not records.note("i", entered.format(1), "a", "again")
    assert [item["what"] for item in records.everything("i")] == ["first", "second"]


def test_numbers_and_nesting_survive(records: Records) -> None:
    value = {"a": [1, 2.5, None, True, {"b": ""}]}
    records.append(NewEntry("i", "t", "s", "w", detail=value))
    assert records.everything("i")[0]["detail"] == value


def closed(records: Records, evidence_cutoff: str = "2026-11-24T00:00:05.000Z", at: str | None = None) -> str:
    name: str = start(alarm(), "e1")["incident"]["id"]
    records.update(name, evidence_cutoff=evidence_cutoff, outcome="resolved")
    if at:
        records.update(name, closed_at=at)
    records.close("payment-gateway", name)
    return name


def newer() -> dict[str, Any]:
    signal = alarm()
    signal["detail"]["state"]["timestamp"] = "2026-11-24T00:00:06.000+0000"
    return signal


def test_a_signal_that_was_judged_already_opens_nothing(records: Records) -> None:
    first = closed(records)
    late = start(alarm(), "e2", "2026-11-24T00:00:20.000Z")
    assert (late["result"], late["incident"]["id"]) == ("attached", first)


def test_a_relapse_opens_the_same_incident_again_and_counts_its_remedies_on(records: Records) -> None:
    first = closed(records)
    records.plan_remedy(first, Remedy(1, "rollback", RemedyStatus.VERIFIED))
    again = start(newer(), "e3", "2026-11-24T00:00:21.000Z")
    assert (again["result"], again["incident"]["id"], again["number"]) == ("opened", first, 2)
    item = records.require(first)
    assert (item.status, item.outcome, item.reopened_at) == ("open", "resolved", ("2026-11-24T00:00:21.000Z",))
    assert start(newer(), "e4", "2026-11-24T00:00:22.000Z")["result"] == "attached"
    assert start(newer(), "e3", "2026-11-24T00:00:21.000Z")["result"] == "opened"


def test_a_signal_long_after_the_closing_opens_another_incident(records: Records) -> None:
    first = closed(records, at="2026-11-23T00:00:00.000Z")
    later = start(newer(), "e3", "2026-11-24T00:00:21.000Z")
    assert later["result"] == "opened"
    assert later["incident"]["id"] != first


def test_an_incident_that_nobody_judged_leaves_its_late_signals_to_the_next(records: Records) -> None:
    closed(records, "", "2026-11-23T00:00:00.000Z")
    assert start(alarm(), "e2", "2026-11-24T00:00:20.000Z")["result"] == "opened"


@pytest.mark.parametrize(("given", "told"), [
    ({"incident": "i", "task": "01m"}, "a task is marked as done by"),
    ({"incident": "i", "task": "01m", "decision": "done", "more": 1}, "more: expected"),
    ({"incident": "i", "task": "01m", "decision": "done"}, "has no task 01m"),
    ({"incident": "i", "task": "x", "decision": "done"}, "not one such as 01"),
    ({"incident": "i", "task": "01", "decision": "approve"}, "an execution decides nothing"),
    ({"service": "payment-gateway", "until": "lunch"}, "until: expected one of '', 'confirm', 'isolate'"),
    ({"service": "payment-gateway", "take_over": "yes"}, "true or false"),
])
def test_a_person_s_wrong_input_is_refused_with_what_was_expected(records: Records, given: dict[str, Any],
                                                                  told: str) -> None:
    answer = start(given)
    assert answer["result"] == ("refused" if "service" in given else "declined")
    assert told in answer["reason"]


def test_a_start_for_the_first_phases_says_so(records: Records) -> None:
    assert start({"service": "payment-gateway", "until": "diagnose"})["until"] == "diagnose"


@pytest.mark.parametrize(("status", "result"), [("RUNNING", "declined"), ("ABORTED", "opened"), ("FAILED", "opened")])
def test_only_an_execution_that_no_longer_runs_is_taken_over(records: Records, monkeypatch: pytest.MonkeyPatch,
                                                             status: str, result: str) -> None:
    first = start(alarm(), "e1")["incident"]["id"]
    monkeypatch.setattr(opening.aws, "client", lambda name: Machine(status))
    answer = start({"service": "payment-gateway", "take_over": True}, "e2", "2026-11-24T00:10:00.000Z")
    assert answer["result"] == result
    if result == "opened":
        assert answer["incident"]["id"] == first
