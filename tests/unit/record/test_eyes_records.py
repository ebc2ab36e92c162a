"""Drills that other vendors saw (``--eyes``), decided once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.diagnosis import judged
from responder.plan.replay import replay
from responder.records.record import unpack
from sandbox.drill.contract import read
from sandbox.eyes import FOLDER, names
from tests.conftest import ROOT

PATHS = sorted((ROOT / "tests" / "records" / FOLDER).glob("*/*.json.gz"))


@pytest.mark.parametrize("path", PATHS, ids=[f"{path.parent.name}-{path.name.partition('.')[0]}" for path in PATHS])
def test_a_drill_that_others_saw_is_decided_as_its_file_expects(path: Path) -> None:
    assert path.parent.name in names()
    name = path.name.partition(".")[0]
    drill, = (drill for drill in read([ROOT / "drills", ROOT / "drills" / "catalogue"]) if drill.name == name)
    record = unpack(path.read_bytes())
    case = judged(path.parent.name, drill, record)
    assert case.verdict == "right" or not case.expected
    assert case.wrong == ()
    assert all(decision.same for decision in replay(record))
