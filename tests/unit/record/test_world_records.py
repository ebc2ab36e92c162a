"""Drills that were recorded in other worlds than the default one, decided once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.diagnosis import judged
from responder.plan.replay import replay
from responder.records.record import unpack
from sandbox import worlds
from sandbox.drill.contract import Drill, read
from tests.conftest import ROOT

RECORDS = ROOT / "tests" / "records" / worlds.FOLDER
PATHS = sorted(RECORDS.glob("*/*.json.gz"))
FOLDERS = (ROOT / "drills", ROOT / "drills" / "catalogue", ROOT / "drills" / "unseen")


@pytest.fixture(scope="module")
def drills() -> dict[str, Drill]:
    return {drill.name: drill for drill in read(FOLDERS)}


@pytest.mark.parametrize("path", PATHS, ids=[f"{path.parent.name}-{path.name.partition('.')[0]}" for path in PATHS])
def test_a_drill_of_another_world_is_decided_as_its_file_expects(path: Path, drills: dict[str, Drill]) -> None:
    world, drill = worlds.parsed(path.parent.name), drills[path.name.partition(".")[0]]
    assert worlds.label(worlds.whole(world)) == path.parent.name and drill.runs_in(drill.world(world))
    record = unpack(path.read_bytes())
    case = judged(path.parent.name, drill, record)
    assert case.verdict == "right" or not case.expected
    assert case.wrong == ()
    assert all(decision.same for decision in replay(record))
