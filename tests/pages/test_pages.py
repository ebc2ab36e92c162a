"""The pages in a browser: nothing leaves them, nothing is wrong with them, everybody can read them, also on paper."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from responder.plan.review import PastIncident
from responder.records.report import render_index
from scripts.examples import EXAMPLES
from tests.conftest import ROOT

SECTIONS = {"Symptoms", "The plan's own timing", "Response actions and resolution", "Root cause analysis",
            "What went well, and what did not", "Improvement opportunities", "Timeline"}
ROWS = [PastIncident(f"payment-gateway-2026{month:02d}05T120000Z-a{month:03d}", "payment-gateway",
                     f"2026-{month:02d}-05T12:00:00.000Z", "resolved", "code_bug", "bad_release", "payment-gateway",
                     60.0 * month, 100 * month) for month in range(1, 12)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a headless Chromium says of each page."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip("no Node.js with puppeteer-core and a Chromium: `make setup` installs them")
    folder: Path = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text(render_index("payment-gateway", ROWS))
    files = [*sorted(EXAMPLES.glob("*.html")), folder / "index.html"]
    done = subprocess.run(["node", str(ROOT / "tests" / "pages" / "look.mjs"), str(folder), *map(str, files)],
                          capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / "look.json").read_text())
    assert len(found) == len(files)
    return found


def test_no_request_leaves_a_page_and_no_error_is_in_its_console(seen: dict[str, Any]) -> None:
    assert {name: (page["requests"], page["errors"]) for name, page in seen.items()} == {
        name: ([], []) for name in seen}


def test_axe_finds_nothing_in_light_or_dark(seen: dict[str, Any]) -> None:
    assert {name: page["violations"] for name, page in seen.items() if page["violations"]} == {}


def test_nothing_is_cut_on_paper_or_wider_than_a_phone(seen: dict[str, Any]) -> None:
    assert {name: (page["cut"], page["phone"]) for name, page in seen.items()} == {name: ([], 0) for name in seen}


def test_every_section_is_there(seen: dict[str, Any]) -> None:
    for name in ("resolved", "escalated", "relapsed", "abandoned"):
        assert set(seen[name]["sections"]) >= SECTIONS - (
            {"Symptoms"} if name == "abandoned" else set()), name
