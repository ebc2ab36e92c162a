"""The drills, live, on the embedded cloud: the deployed app, the real control plane, the stand-ins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sandbox.drill.result import schema
from tests.conftest import ROOT
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.drill


@pytest.fixture(scope="session")
def results(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("drills")
    done = sandbox("drill", "drills", "--json", str(out), "--keep")
    found = {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}
    assert found, done.stderr[-3000:]
    return found


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "drills").glob("*.yaml")))
def test_drill(results: dict[str, Any], name: str) -> None:
    assert name in results
    jsonschema.validate(results[name], schema())
    assert results[name]["unmet"] == []


def test_the_bad_release_costs_less_than_a_cent(results: dict[str, Any]) -> None:
    assert 0 < results["bad-release"]["cost_usd"] < 0.01


def test_the_published_schema_is_the_one_that_holds() -> None:
    assert json.loads(Path(ROOT / "docs" / "drill-result.schema.json").read_text()) == schema()
