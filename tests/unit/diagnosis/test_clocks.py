"""Five minutes between the clocks of two sources: the same cause, or less sure, and no remedy on a wrong belief.

Recorded incidents, of which the answers of one source are moved. What a vendor whose clock is ahead would have said of
the last five minutes is not known to anybody yet, so it is left out; what came before is its normal operation.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.diagnosis import judged
from responder.model.evidence import Evidence, Finding, finding_of
from responder.model.evidence.trail import Trail, TrailEvent
from responder.model.incident import IncidentRecord
from responder.model.moment import seconds
from responder.plan.clocks import ahead
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.replay import service_of
from responder.plan.weights import shipped
from responder.records.record import unpack
from sandbox.drill.contract import read
from tests.conftest import ROOT
from tests.diagnosis import NOW, WINDOW, Found, change, changes, rollout

SOURCES = {"newrelic": {"newrelic"}, "splunk": {"splunk"}, "cloudwatch": {"cloudwatch"},
           "cluster": {"kubernetes", "changes", "rollouts", "utilisation"}}
SAMPLE = ("bad-release", "bad-config-rejected", "provider-outage", "db-connections-exhausted", "provider-misspelt",
          "default-deny-left-behind")
_FIRST, _LAST = 1.5e9, 2.5e9


def is_time(value: Any) -> bool:
    return type(value) in (int, float) and _FIRST < value < _LAST


def moved(value: Any, by: float, end: float) -> Any:
    """Return plain JSON with its times moved, without rows of a series after ``end``."""
    if is_time(value):
        return value + by
    if isinstance(value, dict):
        return {name: moved(item, by, end) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    rows = [moved(item, by, end) for item in value]
    return rows if value and is_time(value[0]) else [
        row for row in rows if not (isinstance(row, list) and row and is_time(row[0]) and row[0] > end)]


def skewed(record: Any, sources: set[str], by: float) -> Any:
    """Return a record in which the clocks of some sources are ahead by ``by`` seconds, or behind."""
    made = copy.deepcopy(record)
    for item in made["items"]:
        for finding in item.get("findings") or () if item["sk"].startswith("EVIDENCE#") else ():
            if finding.get("source") not in sources or "detail" not in finding:
                continue
            window = finding.get("window") or {"start": 0.0, "end": _LAST}
            told = finding["detail"] = moved(finding["detail"], by, _LAST if "kubernetes" in sources else window["end"])
            if finding["name"] == "error_rate" and "series" in told:
                told["series"] = [*_normal(told, window, by), *told["series"]]
                told["requests"], told["errors"] = (sum(row[at] for row in told["series"]) for at in (1, 2))
    return made


def _normal(told: Any, window: Any, by: float) -> list[list[float]]:
    """Return the normal operation that a clock that is ahead has in the window's beginning."""
    first = min((row[0] for row in told["series"]), default=window["end"])
    if by < 0 or not told.get("baseline_seconds"):
        return []
    each = [told[name] / told["baseline_seconds"] * 10 for name in ("baseline_requests", "baseline_errors")]
    periods = int((min(first, window["end"]) - window["start"]) / 10)
    return [[window["start"] + 10 * place, *each] for place in range(periods)]


@pytest.fixture(scope="module")
def records() -> dict[str, tuple[Any, Any]]:
    files = {file.stem: file for file in (ROOT / "drills").rglob("*.yaml")}
    return {drill.name: (drill, unpack((ROOT / "tests" / "records" / f"{drill.name}.json.gz").read_bytes()))
            for drill in read([files[name] for name in SAMPLE])}


@pytest.mark.parametrize("by", [300.0, -300.0], ids=["ahead", "behind"])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", SAMPLE)
def test_five_minutes_between_clocks_bring_about_no_wrong_remedy(records: dict[str, tuple[Any, Any]], name: str,
                                                                 source: str, by: float) -> None:
    drill, record = records[name]
    case = judged("", drill, skewed(record, SOURCES[source], by))
    assert case.wrong == ()
    # A change in the future is not thought to be the cause; what is blamed instead is not acted on.
    assert case.cause in (*case.expected, "unknown") or (source, by) == ("cluster", 300.0)


def test_a_cluster_that_tells_of_the_future_is_said_to_and_nothing_is_done(records: dict[str, tuple[Any, Any]]) -> None:
    _, record = records["bad-release"]
    incident = IncidentRecord.of(record["items"])
    entry = next(item for item in record["items"] if item["sk"].startswith("TIMELINE#")
                 and item.get("step") == "Diagnose the root cause" and item.get("kind") == "decision")
    evidence, onset = incident.evidence(last=entry["sk"].split("#")[1]), entry["detail"]["onset"]
    opened = seconds(incident.incident.opened_at)

    def proposed(findings: Evidence) -> tuple[Any, Any]:
        found = judge_cause(service_of(record), findings, DiagnosisInput(opened, onset), shipped())
        return [one.action for one in found.proposed], {one.reason for one in found.not_proposed}

    assert "rollback" in proposed(evidence)[0]
    future = [finding if finding.name != "changes" else finding_of(
        finding.to_json() | {"detail": moved(finding.to_json().get("detail", {}), 300.0, _LAST)})
        for finding in evidence.every]
    actions, reasons = proposed(Evidence(future))
    assert actions == [] and any("the cluster's clock is at least" in reason for reason in reasons)


def _told_at(at: float) -> list[Found]:
    return [changes(change("ConfigMap", "settings", at=at)), rollout(created=at),
            Finding(source="cloudtrail", window=WINDOW, detail=Trail((TrailEvent(at, "RevokeSecurityGroupIngress"),)))]


@pytest.mark.parametrize("place", range(3), ids=["changes", "rollouts", "trail"])
def test_whoever_dates_a_change_into_the_future_has_a_clock_that_is_ahead(place: int) -> None:
    assert "ahead" in ahead(Evidence([_told_at(NOW + 90)[place]]))
    assert not ahead(Evidence([_told_at(NOW + 40)[place]])), "clocks may differ a little"
    assert not ahead(Evidence([_told_at(NOW - 300)[place]]))
