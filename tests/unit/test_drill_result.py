"""What a drill comes to: from the record to the result of the contract, and which expectations did not hold."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime

import jsonschema
import pytest

from responder.model.remedy import merged
from sandbox.drill.contract import Drill, Expect, read
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


def test_a_text_that_was_stored_is_named_with_its_places() -> None:
    found = result(DRILL, replace(observed(), found_in={"4242": ["item REPORT", "log x"], "5105": []}))
    assert found.unmet == ["stored_nowhere: 4242 is in item REPORT, log x"]


def test_no_incident_is_a_result_as_well() -> None:
    found = result(expecting(outcome="none"), Observed(1.0, None, [], 0, [], {}))
    assert found.met and (found.outcome, found.cause.id) == ("none", "none")
    jsonschema.validate(found.to_json(), schema())
