"""The template that is deployed, synthesized once for all tests of it, whichever process they run in."""

from __future__ import annotations

import fcntl
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
    # The workers of a run have a folder in common above their own: the first that needs the template makes it.
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cdk.out"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, check=False,
                                  env={**os.environ, "CDK_OUTDIR": str(folder), "CDK_DEFAULT_ACCOUNT": "000000000000",
                                       "CDK_DEFAULT_REGION": "us-east-1"})
            assert done.returncode == 0, done.stderr[-2000:]
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def resources(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "IncidentResponse.template.json").read_text())["Resources"]
    return found
