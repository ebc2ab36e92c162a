"""Every recorded incident goes the way that ``plan/next_step.py`` says, from decision to decision."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from responder.plan.course import Course, Settings, State
from responder.plan.next_step import next_step
from tests.conftest import ROOT

RECORDS = sorted((ROOT / "tests" / "records").glob("*.json.gz"))
AFTER: Mapping[State, frozenset[str]] = {
    State.VERIFY: frozenset({"Confirm the incident"}), State.WAIT_TO_VERIFY: frozenset({"Confirm the incident"}),
    State.IDENTIFY: frozenset({"Isolate the issue"}), State.GATHER: frozenset({"Diagnose the root cause"}),
    State.PLAN: frozenset({"Plan the remedy"}), State.GUARD: frozenset({"Check the guardrails"}),
    State.APPROVAL: frozenset({"Check the guardrails"}), State.APPLY: frozenset({"Apply the remedy"}),
    State.ESCALATE: frozenset({"Escalate"}), State.STAND_DOWN: frozenset({"Stand down"}),
    # A look that says "wait" is not told in the timeline: what follows it may be another's word.
    **dict.fromkeys((State.INFORM, State.WATCH, State.INTERIM), frozenset({
        "Monitor the recovery", "Diagnose the root cause", "Plan the remedy"}))}
"""A state to the steps of which one is told next in the timeline."""
STEPS = frozenset().union(*AFTER.values())


def timeline(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries that tell a decision, one a run."""
    entries = sorted((item for item in items if item["sk"].startswith("TIMELINE#")), key=lambda item: str(item["sk"]))
    told: list[dict[str, Any]] = []
    for entry in entries:
        if entry["step"] in STEPS | {"Open the incident"} and (not told or (
                told[-1]["sk"].split("#")[1], told[-1]["step"]) != (entry["sk"].split("#")[1], entry["step"])):
            told.append(entry)
    return told


def results(entry: dict[str, Any], items: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The results that a step may have had for what it told: more than one where the timeline leaves it open."""
    detail, step = entry.get("detail") or {}, entry["step"]
    if step == "Confirm the incident":
        yield "confirm", {"answer": detail["answer"], "late": False}
    elif step == "Isolate the issue":
        yield "isolate", {}
    elif step == "Diagnose the root cause":
        remedies = [{"function": "f", "id": item["sk"], "action": item["action"], "cause": item["cause"],
                     "contested": False} for item in planned(entry, items)]
        for wait in (False, True):
            for unclear in (False, True):
                yield "diagnose", {"cause": detail["cause"], "summary": "", "unclear": unclear, "wait": wait,
                                   "remedies": remedies}
    elif step == "Plan the remedy":
        for passing in (False, True):
            yield "plan", {"passing": passing}
    elif step == "Check the guardrails":
        yield "guard", {"ruling": detail["ruling"], "guardrail": detail["guardrail"], "reason": ""}
    elif step == "Apply the remedy":
        yield "apply", {"applied": "was not applied" not in entry["what"] and "only in part" not in entry["what"],
                        "done": entry["what"], "told": entry["kind"] == "notification"}
    elif step == "Monitor the recovery":
        yield "monitor", {"answer": detail["answer"], "reason": "", "wait_seconds": 30, "remind": False, "due": [],
                          "number": 0}
    elif step == "Escalate":
        yield "escalate", {}


def planned(entry: dict[str, Any], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The remedies that were planned after a diagnosis, before the next one or before people had it, in their order."""
    diagnoses = [item["sk"].split("#")[1] for item in timeline(items)
                 if item["step"] in ("Diagnose the root cause", "Escalate")]
    began = entry["sk"].split("#")[1]
    ended = min((at for at in diagnoses if at > began), default="~")
    return sorted((item for item in items if item["sk"].startswith("ACTION#") and began < item["planned_at"] < ended),
                  key=lambda item: str(item["sk"]))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_recorded_incident_goes_the_way_that_is_said(path: Path) -> None:
    record = json.loads(gzip.decompress(path.read_bytes()))
    confirm = record["service"]["confirm"]
    fresh = Course(Settings(confirm["looks"], confirm["look_wait_seconds"], confirm["rounds"]))
    told, courses = timeline(record["items"]), {fresh}
    for entry, following in zip(told, [*told[1:], None], strict=True):
        if entry["step"] in ("Open the incident", "Stand down"):
            courses = {fresh}
            continue
        came = {next_step(course, step, result, entry["sk"].split("#")[1])
                for course in courses for step, result in results(entry, record["items"])}
        if following and following["step"] != "Open the incident":
            # What was rolled back is told under another step's name.
            came = {one for one in came if following["step"] in AFTER[
                (one.course.then or one.state) if one.state == State.ROLL_BACK else one.state]}
            assert came, (entry["sk"], following["sk"])
        courses = {one.course for one in came}
