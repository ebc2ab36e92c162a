"""The postmortem: complete, self-contained, and hostile text shows as text."""

from __future__ import annotations

from typing import Any

from responder.plan.review import review
from responder.records.report import render

HOSTILE = "<script>alert(1)</script> | **x** ![y](http://evil) 4242424242424242"


def items() -> list[dict[str, Any]]:
    series = [[1_800_000_000 + 10 * n, 400, 160 if 5 <= n < 9 else 1] for n in range(16)]
    return [
        {"sk": "INCIDENT", "id": "i", "service": "payment-gateway", "status": "closed", "outcome": "resolved",
         "kind": "high_error_rate", "opened_at": "2027-01-15T08:01:00.000Z", "onset": "2027-01-15T08:00:50.000Z",
         "confirmed_at": "2027-01-15T08:01:02.000Z", "recovered_at": "2027-01-15T08:02:00.000Z",
         "well_since": "2027-01-15T08:01:30.000Z", "affected": ["payment-gateway"],
         "cause": {"id": "code_bug", "mechanism": "bad_release", "component": "payment-gateway", "confidence": 0.97,
                   "summary": HOSTILE}},
        {"sk": "TIMELINE#a", "at": "2027-01-15T08:01:00.000Z", "step": "Open", "what": HOSTILE, "why": HOSTILE,
         "by": "system", "kind": "step", "detail": {}},
        {"sk": "SIGNAL#a", "at": "2027-01-15T08:01:00.000Z", "kind": "alarm", "name": HOSTILE, "reason": ""},
        {"sk": "ACTION#01", "action": "rollback", "target": "deployment/x", "status": "verified", "summary": HOSTILE,
         "diff": HOSTILE, "applied_at": "2027-01-15T08:01:10.000Z"},
        {"sk": "EVIDENCE#a", "findings": [{"source": "cloudwatch", "name": "error_rate", "component": "frontend",
                                          "status": "ok", "detail": {"series": series}}]}]


def test_hostile_text_shows_as_text() -> None:
    files = render(review(items()))
    assert "<script" not in files["html"]
    assert "&lt;script&gt;" in files["html"]
    assert "![y]" not in files["md"]
    for body in files.values():
        assert "4242424242424242" not in body


def test_it_holds_what_the_plan_asks_for_and_needs_nothing_from_elsewhere() -> None:
    html = render(review(items()))["html"]
    for section in ("Timeline", "Symptoms", "Response actions", "Root cause analysis", "Improvement opportunities"):
        assert section in html
    assert "polyline" in html and "<table" in html
    assert 'src="' not in html and 'href="' not in html


def test_an_incident_that_was_hardly_begun_has_a_report() -> None:
    assert render(review([{"sk": "INCIDENT", "id": "i", "service": "s", "opened_at": "2027-01-15T08:01:00.000Z"}]))


def test_impact_and_phases_are_computed() -> None:
    contents = review(items())
    assert contents["impact"] == {"failed_requests": 647, "seconds": 40.0}
    phases = {phase["phase"]: phase for phase in contents["phases"]}
    assert phases["time to mitigate"]["seconds"] == 10.0
    assert phases["initial response"]["target_seconds"] == 1800
