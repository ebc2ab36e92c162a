"""A seeded part of the matrix of ``bench/faults.py``: what an incident survives, and that its judge can say no."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bench.bed.outage.apart import ROOT, Healthy, Result, results, surroundings
from bench.bed.outage.cells import KILLED, Cell, Place, every, sampled
from bench.bed.outage.faults import Fault, Kind, Reach
from bench.bed.outage.verdict import LAST_RESORT, NEEDED, OWN_ALARM, REPORT, STOPPED, End, Seen, judge
from bench.bed.outage.wires import Call

pytestmark = pytest.mark.long
SHARE = 0.1
"""Each cell goes on to the incident's end, half a second of processor time: `make bench NAMES=faults` has all."""
TARGET = "/apis/apps/v1/namespaces/payments/deployments/payment-gateway"


@pytest.fixture(scope="module")
def tried() -> tuple[Healthy, list[Result]]:
    return results("mended", SHARE, "tests")


def test_without_a_fault_it_is_mended(tried: tuple[Healthy, list[Result]]) -> None:
    healthy, _ = tried
    assert (healthy.end, healthy.wrong) == (End.MENDED, ())
    assert healthy.calls > 400


def test_whatever_fails_it_ends_in_an_outcome_that_people_know(tried: tuple[Healthy, list[Result]]) -> None:
    _, found = tried
    assert len(found) > 400
    assert len({one.dependency for one in found}) > 25
    assert {one.name: one.wrong for one in found if one.wrong} == {}
    assert all(one.met for one in found), "a fault was not met, so nothing was tried"


def test_mostly_it_is_mended_in_spite_of_the_fault(tried: tuple[Healthy, list[Result]]) -> None:
    _, found = tried
    ends = Counter(one.end for one in found)
    assert ends[End.MENDED] > 0.8 * len(found)


def items(**incident: Any) -> list[dict[str, Any]]:
    steps = ("Open the incident", "Confirm the incident", "Apply the remedy", "Stand down")
    return [{"sk": "INCIDENT", "outcome": "resolved", "status": "closed", "confirmed": True, **incident},
            {"sk": "ACTION#01", "action": "rollback", "status": "verified"},
            *({"sk": f"TIMELINE#2027-01-15T08:00:4{place}.000Z#00#{step}", "step": step, "what": step}
              for place, step in enumerate(steps))]


WELL = Seen(end="Incident closed", changed=(TARGET,), target=TARGET, well=True, woken=(1_800_000_050.0,),
            published=(), items=items(), done=("Open the incident", "Confirm the incident", "Apply the remedy"),
            locked=False, postmortem=True, began=1_800_000_045.0)


def test_an_incident_that_was_mended_is_judged_so() -> None:
    assert judge(WELL).end == End.MENDED


@pytest.mark.parametrize(("change", "why"), [
    ({"changed": (TARGET, TARGET)}, "2 changes were made"),
    ({"changed": ("/apis/apps/v1/namespaces/payments/deployments/backend",)}, "changed was"),
    ({"allowed": False}, "nobody approved"),
    ({"well": False}, "the service does not work"),
    ({"items": items(outcome=None)}, "no outcome"),
    ({"items": items(status="waiting for people")}, "has ended, and the incident is waiting for people"),
    ({"items": items(confirmed=False)}, "not confirmed"),
    ({"items": [item for item in items() if item.get("step") != "Apply the remedy"]}, "says nothing of Apply"),
    ({"items": [item for item in items() if item["sk"] != "ACTION#01"]}, "no remedy is on record"),
    ({"changed": ()}, "verified, and nothing was changed"),
    ({"woken": ()}, "nobody was told"),
    ({"items": items(closed_at="2027-01-15T09:00:00.000Z")}, "nobody was told that it is over"),
    ({"locked": True}, "lock"),
    ({"postmortem": False}, "postmortem"),
    ({"end": "The responder failed", "missing": "dynamodb"}, "nobody was told that the responder failed"),
    ({"end": "failed: States.Runtime"}, "the execution ended by"),
])
def test_what_is_wrong_is_seen(change: dict[str, Any], why: str) -> None:
    found = judge(replace(WELL, **change))
    assert found.end == End.WRONG
    assert any(why in wrong for wrong in found.wrong), found.wrong


NOT_WHOLE: list[dict[str, Any]] = [{"end": "The responder failed", "published": (LAST_RESORT,)},
             {"postmortem": False, "published": (OWN_ALARM,)}]
"""The ways in which people are told that a record is not whole."""


@pytest.mark.parametrize("change", NOT_WHOLE)
@pytest.mark.parametrize("missing", NEEDED)
def test_a_record_that_is_not_whole_is_a_class_of_its_own_where_nothing_can_be_done_without_what_is_missing(
        missing: str, change: dict[str, Any]) -> None:
    assert judge(replace(WELL, missing=missing, missing_in=REPORT, **change)).end == End.TOLD


@pytest.mark.parametrize("change", NOT_WHOLE)
@pytest.mark.parametrize("missing", ["", "splunk.internal.example", "api.newrelic.com", "kubernetes.bed", "rds", "sns",
                                     "events.pagerduty.com", "slack.com", "cloudwatch", "secrets-manager", "ssm",
                                     "appconfigdata", "eks", "health", "cloudtrail"])
def test_nothing_else_is_a_reason_for_a_record_that_is_not_whole(missing: str, change: dict[str, Any]) -> None:
    found = judge(replace(WELL, missing=missing, missing_in=REPORT, **change))
    assert found.end == End.WRONG
    assert any("the record is not whole" in wrong for wrong in found.wrong), found.wrong


def test_s3_is_a_reason_only_where_the_postmortem_is_written() -> None:
    assert judge(replace(WELL, missing="s3", missing_in="Ask (diagnose)", **NOT_WHOLE[1])).end == End.WRONG
    gone = Cell(Place("Ask (diagnose)", "source-rds"), Fault(Kind.REFUSED, "s3", Reach.ON))
    assert judge(replace(WELL, missing=gone.missing, missing_in=gone.missing_in, **NOT_WHOLE[1])).end == End.TOLD


def test_what_fails_once_is_no_reason() -> None:
    place = Place("Isolate the issue", "decide")
    assert {reach: Cell(place, Fault(Kind.REFUSED, "dynamodb", reach)).missing for reach in Reach} == {
        Reach.ONCE: "", Reach.STEP: "dynamodb", Reach.ON: "dynamodb"}
    assert [Cell(place, delivery=how).missing for how in ("Lambda.Unknown", "aborted, alarm", KILLED)] == [
        "", STOPPED, STOPPED]


SYSTEMS = tuple(f"system {number}" for number in range(7))
MATRIX = [*every([Call(f"step {step}", "decide", system, "Get") for step in range(12) for system in SYSTEMS],
                 ("faults", "deliveries", "deaths", "kills"))]


def test_a_tenth_has_each_step_with_each_system_and_each_fault() -> None:
    found = sampled(MATRIX, 0.1, "seed")
    assert len(found) == round(len(MATRIX) / 10)
    assert {(cell.place, cell.dependency) for cell in found} == {(cell.place, cell.dependency) for cell in MATRIX}
    assert {(cell.dependency, cell.what) for cell in found if cell.fault} == {
        (cell.dependency, cell.what) for cell in MATRIX if cell.fault}
    assert {cell.what for cell in found} == {cell.what for cell in MATRIX}
    assert {cell.reach for cell in found} == {cell.reach for cell in MATRIX}


def test_a_share_is_the_same_each_time_and_all_of_it_is_all() -> None:
    assert sampled(MATRIX, 0.05, "seed") == sampled(MATRIX, 0.05, "seed") != sampled(MATRIX, 0.05, "other")
    assert sampled(MATRIX, 1, "seed") == MATRIX


BROKEN = """
import json
import os
from contextlib import nullcontext
from unittest import mock
from bench.bed.outage import cells, wires
from bench.bed.outage.incident import IN_VAIN, MENDED, UNANSWERED, staged
from bench.bed.outage.trying import healthy, tried
from responder.actions import rollback
from responder.clients import aws, aws_answers
real = rollback._undo

def stopped_while_watched(story, how):
    os.environ["OUTAGE_LOG"] = "all"
    chosen = [cell for cell in cells.deliveries([cells.Place("Monitor the recovery", "decide")])
              if cell.delivery == how]
    with staged(story) as stage:
        return list(tried(stage, chosen))

def twice(context, api, workload, plan):
    done = real(context, api, workload, plan)
    api.patch("apis/apps/v1", "deployments", "payments", "payment-gateway",
              {"metadata": {"labels": {"again": "yes"}}}, manager="m", kind="application/merge-patch+json")
    return done

with mock.patch.object(aws_answers, "hold"):  # clients are made once, so these believe a page
    with mock.patch.object(rollback, "_undo", twice), staged(MENDED) as stage:
        print(json.dumps(healthy(stage)[1].wrong))
    with staged(MENDED) as stage:
        calls = list(healthy(stage)[0])
    with staged(MENDED) as stage:
        chosen = [cell for cell in cells.faults(calls) if cell.name ==
                  "Apply the remedy / timeline / dynamodb: malformed once"]
        print(json.dumps([one.verdict.wrong for one in tried(stage, chosen)]))
with mock.patch.object(wires, "quick", nullcontext), staged(MENDED) as stage:
    print(json.dumps([[call.state, call.function, call.dependency, call.operation] for call in healthy(stage)[0]]))
print(json.dumps([[call.state, call.function, call.dependency, call.operation] for call in calls]))
with staged(UNANSWERED) as stage:
    print(json.dumps([healthy(stage)[1].end, stage.changes, stage.cloud.published]))
print(json.dumps([[one.cell.name, one.verdict.end, one.log] for story, how in (
    (MENDED, "aborted, alarm"), (IN_VAIN, "aborted, taken over")) for one in stopped_while_watched(story, how)]))
"""


@pytest.fixture(scope="module")
def broken() -> list[Any]:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", BROKEN], cwd=ROOT, capture_output=True, text=True,
                          env=surroundings(), check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_remedy_that_is_applied_twice_and_a_page_that_is_believed_are_caught(broken: list[Any]) -> None:
    applied_twice, believed, *_ = broken
    assert "2 changes were made" in applied_twice
    assert believed == [["the timeline says nothing of Apply the remedy"]]


def test_what_the_bed_leaves_out_of_botocore_changes_no_call(broken: list[Any]) -> None:
    _, _, slow, quick, *_ = broken

    def counted(calls: list[list[str]]) -> tuple[list[list[str]], set[str]]:
        # Two threads that want one secret at the same moment may each read it.
        secrets = [call for call in calls if call[3] == "GetSecretValue"]
        return sorted(call for call in calls if call not in secrets), {" ".join(call) for call in secrets}

    assert counted(slow) == counted(quick)


def test_what_nobody_answers_is_not_applied_and_people_take_over(broken: list[Any]) -> None:
    *_, (end, changes, published), _ = broken
    assert (end, changes) == (End.PEOPLE, [])
    assert any("please take over" in subject for subject in published)


def test_what_was_applied_before_its_execution_was_stopped_is_judged_before_anything_else(broken: list[Any]) -> None:
    """Also where all is well by then: a remedy that nobody has judged would be left to people."""
    *_, stopped = broken
    assert [end for _, end, _ in stopped] == [End.MENDED, End.PEOPLE]
    for name, end, log in stopped:
        steps = [line.split(": ")[0].partition(" ")[2] for line in log[1:]]
        again = steps[len(steps) - steps[::-1].index("Open the incident"):]
        judged = again.index("Monitor the recovery")
        assert "Diagnose the root cause" not in again[:judged], name
        # What did not help counts as that before another cause is looked for.
        assert ("Take the remedy back" in again) == (end == End.PEOPLE), name
