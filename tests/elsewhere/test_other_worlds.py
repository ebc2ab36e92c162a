"""Drills, live, where vendors, cluster and database speak in other ways than the usual ones.

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
from tests.sandboxes import Place, Sandbox

pytestmark = pytest.mark.drill
WORLDS = (("bad-release", "newrelic=opentelemetry,splunk=json,images=digest"),
          ("provider-outage", "workloads=statefulset,mesh=istio,database=aurora-postgresql"))
"""Drill and world: together each vendor, the cluster and the database speak in another way than the usual one."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    place = Place(tmp_path_factory.mktemp("elsewhere"), 16566)
    yield place.ask
    place.ask("down")


@pytest.mark.parametrize(("name", "world"), WORLDS)
def test_a_drill_in_another_world(sandbox: Sandbox, tmp_path: Path, name: str, world: str) -> None:
    done = sandbox("drill", f"drills/{name}.yaml", "--world", world, "--json", str(tmp_path), "--keep")
    assert (tmp_path / f"{name}.json").exists(), done.stderr[-3000:]
    found = json.loads((tmp_path / f"{name}.json").read_text())
    jsonschema.validate(found, schema())
    assert found["world"].items() >= worlds.parsed(world).items()
    assert found["unmet"] == []
