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
from bench.bed.outage.verdict import LAST_RESORT, OWN_ALARM, End, Seen, judge

SHARE = 0.015
"""Each cell takes 0.7 s of processor time, as it goes on to the incident's end: `make bench NAMES=faults` has all."""
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
    assert len(found) > 40
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
    ({"end": "The responder failed"}, "nobody was told that the responder failed"),
    ({"end": "failed: States.Runtime"}, "the execution ended by"),
])
def test_what_is_wrong_is_seen(change: dict[str, Any], why: str) -> None:
    found = judge(replace(WELL, **change))
    assert found.end == End.WRONG
    assert any(why in wrong for wrong in found.wrong), found.wrong


@pytest.mark.parametrize("change", [{"end": "The responder failed", "published": (LAST_RESORT,)},
                                    {"postmortem": False, "published": (OWN_ALARM,)}])
def test_a_record_that_is_not_whole_is_a_class_of_its_own(change: dict[str, Any]) -> None:
    assert judge(replace(WELL, **change)).end == End.TOLD


BROKEN = """
import json
from unittest import mock
from bench.bed.outage import cells
from bench.bed.outage.incident import MENDED, staged
from bench.bed.outage.trying import healthy, tried
from responder.actions import rollback
from responder.clients import aws, aws_answers
real = rollback._undo

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
"""


def test_a_remedy_that_is_applied_twice_and_a_page_that_is_believed_are_caught() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", BROKEN], cwd=ROOT, capture_output=True, text=True,
                          env=surroundings(), check=True)
    applied_twice, believed = [json.loads(line) for line in done.stdout.splitlines()]
    assert "2 changes were made" in applied_twice
    assert believed == [["the timeline says nothing of Apply the remedy"]]
