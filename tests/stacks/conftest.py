"""The template that is deployed, synthesized once for all tests of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cdk.out")
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "CDK_OUTDIR": str(folder), "CDK_DEFAULT_ACCOUNT": "000000000000",
                               "CDK_DEFAULT_REGION": "us-east-1"})
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def resources(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "IncidentResponse.template.json").read_text())["Resources"]
    return found
