"""What a drill comes to: from the record to the result of the contract, and which expectations did not hold."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from responder.model.remedy import merged
from sandbox.drill.contract import Drill, Expect, read
from sandbox.drill.ending import GIVE_UP_SECONDS, NO_INCIDENT_SECONDS, Now, is_over
from sandbox.drill.result import Item, Observed, result, schema
from tests.conftest import ROOT

DRILL, = read([ROOT / "drills" / "bad-release.yaml"])


def observed(name: str = "bad-release") -> Observed:
    record = json.loads(gzip.decompress((ROOT / "tests" / "records" / f"{name}.json.gz").read_bytes()))
    items: list[Item] = [merged(item) for item in record["items"]]
    incident = next(item for item in items if item["sk"] == "INCIDENT")
    started = datetime.fromisoformat(incident["opened_at"]).timestamp() - 10
    return Observed(started, started + 3, items, 1, [], {})


def expecting(**fields: object) -> Drill:
    return DRILL.model_copy(update={"expect": Expect.model_validate(fields)})


@pytest.mark.parametrize("name", ["bad-release", "approval-refused", "two-causes-rush-and-leak", "false-alarm"])
def test_the_result_of_a_record_fits_the_schema(name: str) -> None:
    jsonschema.validate(result(DRILL, observed(name)).to_json(), schema())


def test_the_expectations_of_the_bad_release_hold_for_its_record() -> None:
    found = result(expecting(outcome="resolved", cause="code_bug", affected=["payment-gateway"], actions=["rollback"]),
                   observed())
    assert found.met and found.unmet == []


@pytest.mark.parametrize(("fields", "said"), [
    ({"outcome": "escalated"}, "outcome: resolved in place of escalated"),
    ({"cause": ["network", "overload"]}, "cause: code_bug in place of network or overload"),
    ({"affected": ["frontend"]}, "affected: frontend was not named"),
    ({"actions": [["scale_up", "restart_pods"]]}, "actions: scale_up or restart_pods was not verified or done"),
    ({"targets": ["deployment/frontend"]}, "targets: nothing was carried out on deployment/frontend"),
    ({"never": ["rollback"]}, "never: rollback was carried out"),
    ({"notified": ["provider"]}, "notified: provider was not told"),
    ({"incidents": 2}, "incidents: 1 in place of 2"),
    ({"put_back": ["scale_up"]}, "put_back: scale_up was not put back"),
    ({"within": "1s"}, "within: "),
])
def test_an_expectation_that_does_not_hold_is_named(fields: dict[str, object], said: str) -> None:
    found = result(expecting(**fields), observed())
    assert not found.met and any(line.startswith(said) for line in found.unmet)


@pytest.mark.parametrize(("target", "unmet"), [
    ("deployment/payment-gateway", False), ("statefulset/payment-gateway", False), ("rollout/payment-gateway", False),
    ("daemonset/payment-gateway", True), ("statefulset/backend", True)])
def test_a_target_is_met_by_what_its_deployment_is_in_another_world(target: str, unmet: bool) -> None:
    seen = observed()
    items = [{**item, "target": target} if item["sk"].startswith("ACTION#") else item for item in seen.items]
    found = result(expecting(targets=["deployment/payment-gateway"]),
                   replace(seen, items=items, world={"mesh": "none"}))
    assert bool(found.unmet) is unmet and found.to_json()["world"] == {"mesh": "none"}


def test_a_text_that_was_stored_is_named_with_its_places() -> None:
    found = result(DRILL, replace(observed(), found_in={"4242": ["item REPORT", "log x"], "5105": []}))
    assert found.unmet == ["stored_nowhere: 4242 is in item REPORT, log x"]


def test_no_incident_is_a_result_as_well() -> None:
    found = result(expecting(outcome="none"), Observed(1.0, None, [], 0, [], {}))
    assert found.met and (found.outcome, found.cause.id) == ("none", "none")
    jsonschema.validate(found.to_json(), schema())


# --- when a drill is over --------------------------------------------------------------------------------------------

CLOSED = {"sk": "INCIDENT", "status": "closed", "outcome": "resolved", "report": {"gz": "s3://x"},
          "closed_at": datetime.fromtimestamp(1060, UTC).isoformat()}


def at(seconds: float, *items: Item, last: float = 1000.0, events: bool = False, answers: bool = False) -> Now:
    return Now(1000.0 + seconds, 1000.0, last, events, answers, items)


def test_a_drill_is_over_when_its_incident_has_a_report() -> None:
    assert is_over(DRILL, at(80, CLOSED))
    assert not is_over(DRILL, at(80, {**CLOSED, "report": None}))


def test_a_drill_waits_for_events_and_answers_that_are_to_come() -> None:
    assert not is_over(DRILL, at(80, CLOSED, events=True))
    assert not is_over(DRILL, at(80, CLOSED, answers=True))


def test_a_drill_without_an_incident_waits_for_the_slowest_alarm() -> None:
    assert not is_over(DRILL, at(NO_INCIDENT_SECONDS - 1))
    assert is_over(DRILL, at(NO_INCIDENT_SECONDS + 1))


def test_an_event_after_the_closing_may_open_the_incident_again() -> None:
    assert not is_over(DRILL, at(80, CLOSED, last=1070.0))
    assert is_over(DRILL, at(80 + NO_INCIDENT_SECONDS, CLOSED, last=1070.0))


def test_a_drill_waits_for_mitigations_that_must_be_restored() -> None:
    drill = expecting(put_back=["scale_up"])
    assert not is_over(drill, at(80, CLOSED))
    assert is_over(drill, at(80, CLOSED, {"sk": "ACTION#1", "action": "scale_up", "put_back_at": "2026-01-01"}))


def test_a_fault_that_healed_by_itself_has_the_time_to_be_resolved() -> None:
    drill = expecting(outcome="resolved")
    drill = drill.model_copy(update={"events": [drill.events[0].model_copy(update={"lasts": 10.0})]})
    called = {**CLOSED, "status": "open", "outcome": "escalated", "closed_at": None}
    assert not is_over(drill, at(50, called, last=1010.0)) and is_over(drill, at(80, called, last=1010.0))


def test_a_drill_is_given_up_in_the_end() -> None:
    assert is_over(DRILL, at(GIVE_UP_SECONDS + 1, events=True))


def test_what_an_incident_used_is_counted_by_its_history_without_the_time_that_people_took() -> None:
    seen = observed()
    began = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)

    def event(number: int, kind: str, seconds: float, resource: str = "invoke") -> dict[str, object]:
        details = {"taskScheduledEventDetails": {"resource": resource}} if kind == "TaskScheduled" else {}
        return {"id": number, "previousEventId": number - 1, "type": kind,
                "timestamp": began + timedelta(seconds=seconds), **details}

    history = [event(1, "TaskStateEntered", 0), event(2, "TaskScheduled", 0), event(3, "TaskFailed", 1.5),
               event(4, "TaskScheduled", 2), event(5, "TaskSucceeded", 2.5), event(6, "TaskStateEntered", 3),
               event(7, "TaskScheduled", 3, "invoke.waitForTaskToken"), event(8, "TaskSucceeded", 600)]
    value = result(DRILL, replace(seen, history=history))
    assert (value.used.state_transitions, value.used.history_events, value.used.function_milliseconds) == (3, 8, 2000)
    assert value.used.table_write_units >= len(seen.items) and value.used.table_read_units > 0
    assert 0 < result(DRILL, replace(seen, history=history[:5])).cost_usd < value.cost_usd
    assert result(DRILL, seen).used.history_events == 0 == result(DRILL, seen).cost_usd
