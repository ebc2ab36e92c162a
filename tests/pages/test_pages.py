"""The pages in a browser: nothing leaves them, nothing is wrong with them, everybody can read them, also on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from responder.model.incident import IncidentRecord
from responder.model.service import recorded_service
from responder.plan.review import PastIncident, review
from responder.records.record import unpack
from responder.records.report import render, render_index, render_page
from scripts.examples import EXAMPLES
from tests.conftest import ROOT
from tests.moments import moments
from tests.pages import LAYOUTS, Seen, faults, look
from tests.pages.worst import LONG, worst
from tests.unit.report.test_live_page import kept, top

SECTIONS = {"Symptoms", "Root cause analysis", "Response actions and resolution", "What went well, and what did not",
            "Improvement opportunities", "Evidence", "Timeline"}
RECORDED = (
    "alarm-storm", "bad-release", "big-platform-small-autoscaler", "customers-hear-of-a-long-outage",
    "dba-changes-his-mind", "eyes-shut", "fallback-falls-in-use", "flash-sale", "frontend-service-pinned-to-blue",
    "leak-at-night", "node-comes-back", "provider-down-in-the-dark", "release-relapses", "surge-passes",
    "two-causes-rush-and-provider", "two-causes-slow-provider-and-full-disk")
"""Those that differ most: a false alarm, no measurements, the longest, the shortest, few and many customers, four
remedies, a relapse, an escalation, a person who changed something back."""
ROWS = [PastIncident(
    f"payment-gateway-2026{month:02d}05T120000Z-a{month:03d}", "payment-gateway", f"2026-{month:02d}-05T12:00:00.000Z",
    "resolved", "code_bug", "bad_release", "payment-gateway", 60.0 * month, 100 * month, month % 5,
    f"Bad release of payment-gateway failed {month}% of payments for {month} min" if month > 4 else "")
    for month in range(1, 12)]
LONG_ROWS = [PastIncident(f"{LONG}-20260105T120000Z-a{number:03d}", LONG, "2026-01-05T12:00:00.000Z", "escalated",
                          "database_connection", "connections_exhausted", LONG, None, 10_000_000) for number in (1, 2)]
OPEN = {"just-opened": "Open the incident", "asking": "Ask for approval", "escalated-live": "Escalate"}
"""Pages of an open incident, and the step after which each was written."""


def recorded(name: str) -> str:
    """The report of a recorded incident."""
    kept = unpack((ROOT / "tests" / "records" / f"{name}.json.gz").read_bytes())
    return render(review(IncidentRecord.of(kept["items"]), service=recorded_service(kept["service"])))["html"]


def still_open(step: str) -> str:
    """The page of an open incident as it was after a step."""
    service, record = kept("approval-unanswered")
    entry, then = next((entry, then) for entry, then in moments(record) if entry.step == step)
    return render_page(review(then, service=service), top(service, then, entry.at))


def pages() -> tuple[dict[str, str], dict[str, str]]:
    """Pages by name: those that axe-core reads, and those whose elements are of the same kinds."""
    constructed = {f"worst-{name}": render(made)["html"] for name, made in worst().items()}
    first = {**{file.stem: file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*.html"))},
             "index": render_index("payment-gateway", ROWS),
             **{name: still_open(step) for name, step in OPEN.items()},
             "worst-ten-components": constructed.pop("worst-ten-components")}
    return first, {**constructed, **{f"recorded-{name}": recorded(name) for name in RECORDED},
                   "index-long": render_index(LONG, LONG_ROWS), "index-empty": render_index("payment-gateway", [])}

@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """What a headless Chromium says of each page."""
    first, others = pages()
    return look(tmp_path_factory.mktemp("pages"), first | others, axe=len(first))


def test_no_request_leaves_a_page_it_has_no_script_and_no_error_is_in_its_console(seen: dict[str, Seen]) -> None:
    assert {name for name, page in seen.items() if page.requests or page.scripts or page.errors} == set()


def test_axe_finds_nothing_in_light_or_dark(seen: dict[str, Seen]) -> None:
    found = {name: [said for said in page.violations if name not in OPEN or ": meta-refresh:" not in said]
             for name, page in seen.items()}
    assert {name: said for name, said in found.items() if said} == {}


def test_the_page_of_an_open_incident_reloads_itself_which_axe_would_rather_not_have(seen: dict[str, Seen]) -> None:
    """It has no script that could ask first; what is read is short, and where one was reading is kept by browsers."""
    for name, page in seen.items():
        assert any(": meta-refresh:" in said for said in page.violations) is (name in OPEN), name


def test_nothing_overlaps_is_cut_or_is_too_small_or_faint_on_a_phone_a_screen_or_paper(seen: dict[str, Seen]) -> None:
    assert faults(seen) == {}


def test_every_section_is_there(seen: dict[str, Seen]) -> None:
    for name in ("resolved", "escalated", "relapsed", "abandoned"):
        assert set(seen[name].sections) >= SECTIONS, name


def test_a_report_has_two_charts_in_each_layout_or_says_that_nothing_was_measured(seen: dict[str, Seen]) -> None:
    for name, page in seen.items():
        if name.startswith("worst-"):
            shown = {page.layouts[layout].pictures for layout in LAYOUTS}
            assert shown == ({0} if name == "worst-no-data" else {2}), name


def test_the_list_of_incidents_is_read_without_scrolling_sideways(seen: dict[str, Seen]) -> None:
    for name in ("index", "index-long", "index-empty"):
        assert {layout: seen[name].layouts[layout].scrollers for layout in LAYOUTS} == dict.fromkeys(LAYOUTS, ()), name


def test_a_page_with_faults_is_found_out(tmp_path: Path) -> None:
    page = look(tmp_path, {"faulty": """<!doctype html><title>x</title><body style="background: #fff">
        <p style="width: 2000px; text-align: right">far to the right</p>
        <details><summary>more</summary><p>folded</p></details>
        <svg width="300" height="60" viewBox="0 0 300 60" font-size="12"><rect width="90" height="60" fill="#000"/>
        <text x="100" y="20">one text</text><text x="105" y="22">another</text><text x="290" y="20">too long</text>
        <text x="100" y="50" font-size="8">tiny</text><text x="200" y="50" fill="#ccc">pale</text>
        <text x="10" y="50" fill="#222">in the dark</text></svg><img alt="" src="missing.png">
        <script>console.error("wrong")</script>"""})["faulty"]
    phone, paper = page.layouts["phone, light"], page.layouts["paper"]
    assert phone.overlaps == ("“one text” and “another”",) and phone.sideways > 1000
    assert {"“too long”", "“far to the right”"} <= set(phone.cut) and "“folded”" in paper.cut
    assert [text.split(":")[0] for text in phone.small] == ["“tiny”"]
    assert [text.split(":")[0] for text in phone.faint] == ["“pale”", "“in the dark”"]
    assert page.scripts == 1 and page.requests and page.errors
    assert any("html-has-lang" in found for found in page.violations)
