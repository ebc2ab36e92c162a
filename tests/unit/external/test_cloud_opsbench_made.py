"""Cases of our own in Cloud-OpsBench's format (``bench/external/cloud_opsbench/made``) are answered rightly.

They were printed by a real ``kubectl`` from a real control plane with a stand-in for the kubelet. They show that the
reading works from end to end; how good the judgement is, held-out cases alone can show.
"""

from __future__ import annotations

import json
import lzma
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.external import cloud_opsbench
from bench.external.frame import Case, Truth
from bench.external.scores import OWN, judge

_PLACE = Path(__file__).with_name("made_cases.jsonl.xz")
_SEED, _SOME = 21, 14
"""One of each kind would take as long as all other tests of this folder."""


@cache
def _all() -> dict[str, dict[str, Any]]:
    lines = lzma.decompress(_PLACE.read_bytes()).decode().splitlines()
    return {one["case"]: one for one in map(json.loads, lines)}


def _case(name: str) -> Case:
    one = _all()[name]
    return Case(name, one["kind"], Truth(one["object"], one["root_cause"]), one["content"])


@pytest.mark.parametrize("name", sorted(random.Random(_SEED).sample(sorted(_all()), _SOME)))
def test_object_and_root_cause_of_a_made_case_are_told(name: str) -> None:
    case = _case(name)
    assert case.truth is not None
    found = cloud_opsbench.answer(case)
    assert [(one.object, one.root_cause) for one in found[:1]] == [(case.truth.object, case.truth.root_cause)]


def test_what_is_not_said_is_not_answered_for_sure() -> None:
    case = _case(min(_all()))
    empty = Case("empty", "", None, {"symptom": "All is slow.", "namespace": "x"})
    assert cloud_opsbench.answer(empty) == []
    calm = {key: case.data[key] for key in ("symptom", "namespace", "calls", "collected")}
    assert cloud_opsbench.answer(Case("calm", "", None, calm)) == []


def test_an_alert_alone_is_named_only_where_one_must_answer() -> None:
    case = Case("alert", "", None, {"namespace": "x", "calls": {"shop": ["pay"]}, "alerts": {"alerts": [
        {"type": "latency", "name": "shop", "evidence": "p95 2 s"},
        {"type": "latency", "name": "pay", "evidence": ""}]}})
    assert cloud_opsbench.answer(case) == []
    assert [one.object for one in cloud_opsbench.answer(case, always=True)] == ["app/pay", "app/shop"]


def test_a_folder_of_cases_is_read_with_and_without_labels(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.json").write_text(json.dumps({"namespace": "x"}))
    assert [(case.id, case.truth) for case in cloud_opsbench.cases(tmp_path)] == [("a", None)]
    (tmp_path / "labels.jsonl").write_text('{"case": "a", "object": "app/x", "root_cause": "y", "kind": "k"}\n')
    case = next(cloud_opsbench.cases(tmp_path))
    assert (case.kind, case.truth) == ("k", Truth("app/x", "y"))
    assert judge(cloud_opsbench, case)[0].method == OWN
