"""Drills, live, where vendors, cluster and database speak in other ways than the usual ones, and while AWS is killed.

They have a sandbox of their own, so that they are played beside those of the usual world.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from sandbox import worlds
from sandbox.drill.result import schema
from tests.sandboxes import Place

pytestmark = pytest.mark.drill
WORLDS = (("bad-release", "newrelic=opentelemetry,splunk=json,images=digest"),
          ("provider-outage", "workloads=statefulset,mesh=istio,database=aurora-postgresql"))
"""Drill and world: together each vendor, the cluster and the database speak in another way than the usual one."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("elsewhere"), 16566)
    yield place
    place.ask("down")


@pytest.mark.parametrize(("name", "world"), WORLDS)
def test_a_drill_in_another_world(sandbox: Place, tmp_path: Path, name: str, world: str) -> None:
    done = sandbox.ask("drill", f"drills/{name}.yaml", "--world", world, "--json", str(tmp_path), "--keep")
    assert (tmp_path / f"{name}.json").exists(), done.stderr[-3000:]
    found = json.loads((tmp_path / f"{name}.json").read_text())
    jsonschema.validate(found, schema())
    assert found["world"].items() >= worlds.parsed(world).items()
    assert found["unmet"] == []


def test_an_incident_whose_execution_is_gone_with_the_engine_is_taken_up_and_mended_once(sandbox: Place,
                                                                                     tmp_path: Path) -> None:
    """Killed when the remedy was applied and nobody has judged it; the bed kills at each call (``docs/faults.md``)."""
    out = tmp_path / "killed.json"
    done = sandbox.run("sandbox.killed", "--state", "Wait for the recovery", "--json", str(out), "--keep")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    found, = json.loads(out.read_text())
    assert (found["outcome"], found["incidents"], found["actions"]) == ("resolved", 1, ["rollback: verified"])
