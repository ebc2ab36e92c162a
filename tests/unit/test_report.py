"""The postmortem: complete, self-contained, and hostile text shows as text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.diagnosis import kept
from responder.clients import aws
from responder.model.evidence import Finding
from responder.model.evidence.instance import DatabaseInstance
from responder.plan.improvements import sooner
from responder.plan.review import review, row
from responder.records.report import notes, render, render_index, store
from scripts.examples import EXAMPLES, rendered
from tests.conftest import ROOT

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
    assert 'src="' not in html and 'href="http' not in html and "//" not in html.replace("http://evil", "")


def test_an_incident_that_was_hardly_begun_has_a_report() -> None:
    assert render(review([{"sk": "INCIDENT", "id": "i", "service": "s", "opened_at": "2027-01-15T08:01:00.000Z"}]))


def test_impact_and_phases_are_computed() -> None:
    contents = review(items())
    assert contents["impact"] == {"failed_requests": 647, "seconds": 40.0, "worst_error_rate": 0.4,
                                  "missing_requests": 0}
    phases = {phase["phase"]: phase for phase in contents["phases"]}
    assert phases["time to mitigate"]["seconds"] == 10.0
    assert phases["initial response"]["target_seconds"] == 1800


def test_two_faults_at_once_are_both_named() -> None:
    helped = {"sk": "ACTION#02", "action": "switch_provider", "target": "configmap/x", "status": "verified",
              "cause": "provider_outage", "mechanism": "provider_fails", "component": "payment-gateway"}
    both = [*items(), helped]
    contents = review(both)
    assert contents["further_causes"] == [{"id": "provider_outage", "mechanism": "provider_fails",
                                           "component": "payment-gateway", "mended_by": "switch_provider"}]
    for body in (render(contents)[kind] for kind in ("html", "md")):
        assert "provider outage (provider fails) in payment-gateway, mended by switch provider" in body
    for status in ("reverted", "failed", "done"):
        assert not review([*items(), helped | {"status": status}])["further_causes"]


@pytest.mark.parametrize(("multi_az", "told"), [(False, True), (True, False)])
def test_a_database_without_a_standby_is_an_improvement(multi_az: bool, told: bool) -> None:
    finding = Finding(source="rds", detail=DatabaseInstance(status="available", multi_az=multi_az)).to_json()
    found = review([*items(), {"sk": "EVIDENCE#b", "findings": [finding]}])["improvements"]
    assert ("The database is in one availability zone" in [item["what"] for item in found]) is told


SCHEMA = json.loads((ROOT / "docs" / "postmortem.schema.json").read_text())
NAMES = ("resolved", "false-alarm", "escalated", "relapsed", "abandoned")


def test_the_json_is_as_its_published_schema_says() -> None:
    for contents in (review(items()), *(review(record["items"], entry="frontend") for _, _, record in kept())):
        jsonschema.validate(json.loads(render(contents)["json"]), SCHEMA)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_what_is_written_today(name: str) -> None:
    """``make examples`` writes them anew."""
    files = rendered(EXAMPLES / f"{name}.json.gz")
    for ending in ("html", "md"):
        assert files[ending] == (EXAMPLES / f"{name}.{ending}").read_text(), f"{name}.{ending}"
        assert len(files[ending]) < 1_000_000


def test_a_false_alarm_leaves_a_short_record_and_no_ceremony() -> None:
    page = (EXAMPLES / "false-alarm.html").read_text()
    for ceremony in ("Improvement", "Root cause", "<svg", "The plan&#39;s own timing"):
        assert ceremony not in page
    assert "Nothing was wrong" in page


def test_each_report_answers_the_plan() -> None:
    page = (EXAMPLES / "resolved.html").read_text()
    for asked in ("Automated alerts", "load testing", "code reviews", "disaster recovery", "What went well",
                  "Done when", "Ruled out", "Resolution", "the plan allows"):
        assert asked in page, asked


def history(**more: Any) -> dict[str, Any]:
    return {"id": "older", "service": "payment-gateway", "opened_at": "2027-01-02T00:00:00.000Z", "outcome": "resolved",
            "cause": "code_bug", "mechanism": "bad_release", "component": "payment-gateway", "recovery_seconds": 90.0,
            "failed_requests": 5, **more}


def test_an_incident_that_comes_again_is_recognised_and_linked() -> None:
    others = [history(), history(id="another-cause", mechanism="bad_configuration"),
              history(id="later", opened_at="2027-02-01T00:00:00.000Z"), history(id="i")]
    contents = review(items(), others)
    assert [item["id"] for item in contents["similar"]] == ["older"]
    assert contents["before"] == {"incidents": 2, "median_recovery_seconds": 90.0}
    assert 'href="../older/postmortem.html"' in render(contents)["html"]
    assert row(contents)["mechanism"] == "bad_release"


def test_the_list_of_all_has_totals_and_months_and_shows_hostile_text_as_text() -> None:
    page = render_index("payment-gateway", [
        history(id=f"i{n}", opened_at=f"2027-0{n}-01T00:00:00.000Z", outcome=HOSTILE, recovery_seconds=60.0 * n)
        for n in (1, 2, 3)])
    assert page.index("i3/postmortem") < page.index("i1/postmortem")
    assert "2027-02" in page and "2 min" in page
    assert "<script" not in page and "4242424242424242" not in page
    assert render_index("payment-gateway", [])


def test_what_people_add_is_merged_with_who_and_when_and_shows_as_text() -> None:
    contents = review(items(), notes={"author": "Ada", "at": "2027-01-16T09:00:00Z", "text": HOSTILE})
    files = render(contents)
    assert "By Ada, 2027-01-16T09:00:00Z" in files["html"] and "By Ada" in files["md"]
    added = {"author": "Ada", "at": "", "text": "It was slow.\n\n# and <b>late</b>"}
    lines = render(review(items(), notes=added))["md"]
    assert "> It was slow.  \n> \n> \\# and \\<b\\>late\\</b\\>  \n" in lines
    assert "<script" not in files["html"] and "4242424242424242" not in files["html"]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports", ObjectLockEnabledForBucket=True)
        monkeypatch.setattr(aws, "client", lambda name, *more: client)
        yield client


def test_review_md_keeps_its_author_and_time(bucket: Any) -> None:
    assert notes("reports", "s", "i") is None
    bucket.put_object(Bucket="reports", Key="postmortems/s/i/review.md", Body=b"Author: Ada\n\nWe should test this.\n")
    found = notes("reports", "s", "i")
    assert found is not None and (found["author"], found["text"]) == ("Ada", "We should test this.")
    assert datetime.fromisoformat(found["at"]).tzinfo is not None
    bucket.put_object(Bucket="reports", Key="postmortems/s/i/review.md", Body=io.BytesIO(b"\xff\xfe"),
                      Metadata={"author": "Bo"})
    assert (notes("reports", "s", "i") or {})["author"] == "Bo"


def test_reports_are_versioned_and_locked_where_that_is_wanted(bucket: Any) -> None:
    for text in ("first", "second"):
        store("reports", "s", "i", {"md": text}, lock_days=30)
    key = "postmortems/s/i/postmortem.md"
    assert len(bucket.list_object_versions(Bucket="reports", Prefix=key)["Versions"]) == 2
    assert bucket.head_object(Bucket="reports", Key=key)["ObjectLockMode"] == "GOVERNANCE"


ROWS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100)), min_size=4, max_size=40).map(lambda pairs: [
    [1000.0 + 10 * n, float(requests), float(min(errors, requests))] for n, (requests, errors) in enumerate(pairs)])


@given(ROWS, ROWS, st.integers(1, 20), st.integers(1, 20))
def test_an_alarm_is_proposed_only_where_it_tells_sooner_and_is_quiet(
        series: list[list[float]], weeks: list[list[float]], onset: int, late: int) -> None:
    began, opened = 1000.0 + 10 * onset, 1000.0 + 10 * (onset + late)
    before = [[row[0] - 700_000 + 300 * n, *row[1:]] for n, row in enumerate(weeks)]
    found = sooner(series, before, began, opened)
    if found:
        threshold, seconds, saved, weekly, span = found
        assert 0 < saved <= opened - began and weekly <= 1 and span >= 0
        tells = [i for i in range(len(series)) if series[i][0] + 10 == opened - saved]
        assert tells  # the period after which it would have told is one of those that were measured
        assert seconds >= 10 and 0 < threshold < 1


def test_the_alarm_that_would_have_told_sooner_is_found() -> None:
    series = [[1000.0 + 10 * n, 400.0, 1.0 if n < 10 else 14.0 if n < 20 else 200.0] for n in range(30)]
    quiet = [[1000.0 - 300 * n, 12_000.0, 48.0] for n in range(4000, 0, -1)]
    assert sooner(series, quiet, 1100.0, 1210.0) == (0.03, 10.0, 100.0, 0.0, 3999 * 300.0)
    noisy = [[start, requests, 600.0 if n % 500 == 0 else errors] for n, (start, requests, errors) in enumerate(quiet)]
    # Two per cent and three would have gone off falsely each other day.
    assert sooner(series, noisy, 1100.0, 1210.0) is None


def test_a_very_long_timeline_is_shown_in_part_and_kept_whole() -> None:
    long = [{"sk": f"TIMELINE#{n:06d}", "at": "2027-01-15T08:01:00.000Z", "step": "Monitor", "what": f"look {n}",
             "why": "", "by": "system", "kind": "step", "detail": {}} for n in range(10_000)]
    files = render(review([*items(), *long]))
    assert len(files["html"]) < 1_000_000
    assert "look 0<" in files["html"] and "look 9999<" in files["html"] and "look 5000<" not in files["html"]
    assert "entries in the middle are left out" in files["html"] and "entries in the middle are left out" in files["md"]
    assert len(json.loads(files["json"])["timeline"]) == 10_001
