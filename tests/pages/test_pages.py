"""The pages in a browser: nothing leaves them, nothing is wrong with them, everybody can read them, also on paper."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from responder.handlers import approve
from responder.plan.review import PastIncident, review
from responder.records.report import render_index, render_page
from scripts.examples import EXAMPLES
from tests.conftest import ROOT
from tests.cut import cuts
from tests.unit.report.test_live_page import kept, top

SECTIONS = {"Symptoms", "The plan's own timing", "Response actions and resolution", "Root cause analysis",
            "What went well, and what did not", "Improvement opportunities", "Timeline"}
ROWS = [PastIncident(f"payment-gateway-2026{month:02d}05T120000Z-a{month:03d}", "payment-gateway",
                     f"2026-{month:02d}-05T12:00:00.000Z", "resolved", "code_bug", "bad_release", "payment-gateway",
                     60.0 * month, 100 * month) for month in range(1, 12)]

OPEN = {"just-opened": "Open the incident", "asking": "Ask for approval", "escalated-live": "Escalate"}
"""Pages of an open incident, and the step after which each was written."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a headless Chromium says of each page."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip("no Node.js with puppeteer-core and a Chromium: `make setup` installs them")
    folder: Path = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text(render_index("payment-gateway", ROWS))
    question = approve._page(200, "Approve rollback on deployment/payment-gateway?", (
        "<p>roll it back</p><pre tabindex=0>- image: registry.example/payment-gateway:1.1.0\n+ image: 1.0.0</pre><dl>"
        "<dt>Risk</dt><dd>low</dd></dl><form method=post><button name=decision value=approve>Approve</button>"
        "<button class=no name=decision value=reject>Reject</button></form>"))
    (folder / "approval.html").write_text(question.body)
    for name, step in OPEN.items():
        service, record = kept("approval-unanswered")
        entry, then = next((entry, then) for entry, then in cuts(record) if entry.step == step)
        shown = render_page(review(then, entry=service.entry), top(service, then, entry.at))
        (folder / f"{name}.html").write_text(shown)
    files = [*sorted(EXAMPLES.glob("*.html")), *(folder / f"{name}.html" for name in ("index", "approval", *OPEN))]
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
    found = {name: [said for said in page["violations"] if name not in OPEN or ": meta-refresh:" not in said]
             for name, page in seen.items()}
    assert {name: said for name, said in found.items() if said} == {}


def test_the_page_of_an_open_incident_reloads_itself_which_axe_would_rather_not_have(seen: dict[str, Any]) -> None:
    """It has no script that could ask first; what is read is short, and where one was reading is kept by browsers."""
    for name, page in seen.items():
        assert any(": meta-refresh:" in said for said in page["violations"]) is (name in OPEN), name


def test_nothing_is_cut_on_paper_or_wider_than_a_phone(seen: dict[str, Any]) -> None:
    assert {name: (page["cut"], page["phone"]) for name, page in seen.items()} == {name: ([], 0) for name in seen}


def test_every_section_is_there(seen: dict[str, Any]) -> None:
    for name in ("resolved", "escalated", "relapsed", "abandoned"):
        assert set(seen[name]["sections"]) >= SECTIONS - (
            {"Symptoms"} if name == "abandoned" else set()), name
