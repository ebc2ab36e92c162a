"""The postmortem's formats: complete, self-contained, as published, and hostile text shows as text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import boto3
import jsonschema
import pytest
from jinja2 import nodes
from moto import mock_aws

from bench.diagnosis import kept
from responder.clients import aws
from responder.clients.objects import Lock
from responder.model.incident import Cause, Entry, Hypothesis, Incident, IncidentRecord, Signal
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.review import Notes, contents, live, review, told
from responder.records import chart, report
from responder.records.report import environment, notes, render, render_index, render_json, store
from scripts.examples import EXAMPLES, rendered
from tests.conftest import ROOT
from tests.unit.report import test_review
from tests.unit.report.test_review import OLDER, RECORD

HOSTILE = "<script>alert(1)</script> | **x** ![y](http://evil) 4242424242424242"
HOSTILE_RECORD = replace(
    RECORD, incident=replace(test_review.INCIDENT, cause=replace(test_review.BUG, summary=HOSTILE)),
    signals=(Signal("2027-01-15T08:01:00.000Z", "alarm", HOSTILE),),
    timeline=(Entry("a", 0, "2027-01-15T08:01:00.000Z", "Open", HOSTILE, HOSTILE, detail={"note": HOSTILE}),),
    remedies=(replace(test_review.ROLLBACK, summary=HOSTILE, diff=HOSTILE),))


def test_hostile_text_shows_as_text() -> None:
    files = render(review(HOSTILE_RECORD))
    assert "<script" not in files["html"]
    assert "&lt;script&gt;" in files["html"]
    assert "![y]" not in files["md"]
    for body in files.values():
        assert "4242424242424242" not in body


def test_it_holds_what_the_plan_asks_for_and_needs_nothing_from_elsewhere() -> None:
    html = render(review(HOSTILE_RECORD))["html"]
    for section in ("Timeline", "Symptoms", "Response actions", "Root cause analysis", "Improvement opportunities"):
        assert section in html
    assert "polyline" in html and "<table" in html
    assert 'src="' not in html and 'href="http' not in html and "//" not in html.replace("http://evil", "")


def test_an_incident_that_was_hardly_begun_has_a_report() -> None:
    assert render(review(IncidentRecord(Incident("i", "s", "2027-01-15T08:01:00.000Z"))))


def test_two_faults_at_once_are_both_named() -> None:
    switch = Remedy(2, "switch_provider", RemedyStatus.VERIFIED, "payment-gateway", "provider_outage", "provider_fails")
    files = render(review(replace(RECORD, remedies=(*RECORD.remedies, switch))))
    for body in (files["html"], files["md"]):
        assert "Bad release of payment-gateway and outage of a provider of payment-gateway" in body
        assert "At the same time: outage of a provider of payment-gateway, ended by switch provider." in body


def test_figures_have_separators_and_nothing_is_certain() -> None:
    ranking = (Hypothesis("code_bug", "bad_release", "c", "", 0.9968, 0.0, (), (), ()),)
    found = review(replace(RECORD, incident=replace(
        test_review.INCIDENT, ranking=ranking, cause=Cause("code_bug", confidence=0.9968))))
    html = render(replace(found, impact=replace(
        found.impact, failed_requests=1801, failed_error=12, missing_requests=8724, missing_error=310,
        seconds=100.0)))["html"]
    for said in ("1,801 (± 12) requests failed", "about 8,724 (± 310) fewer than usual came", "1 min 40 s", "99.6%"):
        assert said in html
    assert "100%" not in html.split("</style>")[1].replace("<td>100%", "")


def _names(kinds: Any) -> set[str]:
    """The fields and properties of the dataclasses of a module."""
    return {name for kind in vars(kinds).values() if isinstance(kind, type) and is_dataclass(kind)
            for name in (*(field.name for field in fields(kind)),
                         *(name for name, value in vars(kind).items() if isinstance(value, property)))}


@pytest.mark.parametrize("name", ["postmortem.html", "live.html", "postmortem.md", "index.html", "charts.html"])
def test_a_template_reads_only_what_the_types_have(name: str) -> None:
    engine = environment(escape=True)
    source = (ROOT / "lambdas/responder/records/templates" / name).read_text()
    read = {node.attr for node in engine.parse(source).find_all(nodes.Getattr)}
    known = _names(contents) | _names(told) | _names(chart) | _names(report) | _names(live) | {
        field.name for kind in (Cause, Hypothesis) for field in fields(kind)}
    assert read - known - {"first", "last", "index", "index0", "splitlines", "strip"} == set()


SCHEMA = json.loads((ROOT / "docs" / "postmortem.schema.json").read_text())
NAMES = ("resolved", "false-alarm", "escalated", "relapsed", "abandoned")


def test_the_json_is_as_its_published_schema_says() -> None:
    records = (HOSTILE_RECORD, IncidentRecord(Incident("i", "s", "2027-01-15T08:01:00.000Z")),
               *(IncidentRecord.of(record["items"]) for _, _, record in kept()))
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for record in records:
        validator.validate(json.loads(render_json(review(record, [OLDER], entry="frontend"))))
    assert render(review(HOSTILE_RECORD))["json"] == render_json(review(HOSTILE_RECORD))


@pytest.mark.parametrize(("name", "kind"), [
    ("incident", contents.Overview), ("cause", Cause), ("further_causes", contents.FurtherCause),
    ("signals", contents.ReportedSignal), ("timeline", contents.ReportedEntry), ("actions", contents.ReportedRemedy),
    ("impact", contents.Impact), ("phases", contents.Phase), ("ruled_out", contents.RuledOut),
    ("problems", contents.ReportedProblem),
    ("improvements", contents.Improvement), ("measures", contents.PreventiveMeasure), ("before", contents.Before),
    ("linked", contents.LinkedIncident),
    ("severity", told.Severity), ("cost", told.Cost), ("left", told.OpenItem),
    ("openings", contents.Opening), ("told", told.Told), ("follow_ups", told.FollowUp)])
def test_the_published_schema_has_the_fields_of_the_types(name: str, kind: type[Any]) -> None:
    assert set(SCHEMA["properties"]) == {field.name for field in fields(contents.Review)}
    published = SCHEMA["properties"][name]
    assert set(published.get("items", published)["properties"]) == {field.name for field in fields(kind)}


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_what_is_written_today(name: str) -> None:
    """``make examples`` writes them anew."""
    files = rendered(EXAMPLES / f"{name}.json.gz")
    for ending in ("html", "md"):
        assert files[ending] == (EXAMPLES / f"{name}.{ending}").read_text(), f"{name}.{ending}"
        assert len(files[ending]) < 1_000_000


def test_a_false_alarm_leaves_a_short_record_and_no_ceremony() -> None:
    page = (EXAMPLES / "false-alarm.html").read_text()
    for ceremony in ("Improvement", "Root cause", "<svg", "The plan&#39;s own timing", "To the team", "SEV"):
        assert ceremony not in page
    assert "2 of 3 sources saw nothing wrong (CloudWatch and New Relic); Splunk could not tell." in page


def test_each_report_answers_the_plan() -> None:
    page = (EXAMPLES / "resolved.html").read_text()
    for asked in ("Automated alerts", "load testing", "code reviews", "disaster recovery", "What went well",
                  "Done when", "Ruled out", "resolution", "The plan's target", "Trigger", "Contributing factors",
                  "Detection", "Where we got lucky", "Left to do"):
        assert asked in page, asked


def test_an_incident_that_comes_again_is_linked() -> None:
    assert 'href="../older/postmortem.html"' in render(review(RECORD, [OLDER]))["html"]


def test_the_list_of_all_has_totals_and_months_and_shows_hostile_text_as_text() -> None:
    page = render_index("payment-gateway", [
        replace(OLDER, id=f"i{n}", opened_at=f"2027-0{n}-01T00:00:00.000Z", outcome=HOSTILE, recovery_seconds=60.0 * n,
                failed_requests=1000 * n) for n in (1, 2, 3)])
    assert page.index("i3/postmortem") < page.index("i1/postmortem")
    assert "2027-02" in page and "2 min" in page and "6,000" in page
    assert "<script" not in page and "4242424242424242" not in page
    assert render_index("payment-gateway", [])


def test_a_review_is_merged_with_author_and_time_and_shown_as_text() -> None:
    files = render(review(RECORD, notes=Notes("Ada", "2027-01-16T09:00:00Z", HOSTILE)))
    assert all("Reviewed by Ada, 2027-01-16 09:00 UTC" in files[ending] for ending in ("html", "md"))
    lines = render(review(RECORD, notes=Notes("Ada", "", "It was slow.\n\n# and <b>late</b>")))["md"]
    assert "> It was slow.  \n> \n> \\# and \\<b>late\\</b>  \n" in lines
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
    assert found is not None and (found.author, found.text) == ("Ada", "We should test this.")
    assert datetime.fromisoformat(found.at).tzinfo is not None
    bucket.put_object(Bucket="reports", Key="postmortems/s/i/review.md", Body=io.BytesIO(b"\xff\xfe"),
                      Metadata={"author": "Bo"})
    again = notes("reports", "s", "i")
    assert again is not None and again.author == "Bo"


def test_reports_are_versioned_and_locked_where_that_is_wanted(bucket: Any) -> None:
    for text in ("first", "second"):
        addresses = store("reports", "s", "i", text, text, {"md": text}, lock=Lock(30))
    assert set(addresses) == {"html", "md"}
    for ending in ("html", "md"):
        key = f"postmortems/s/i/postmortem.{ending}"
        assert addresses[ending] == f"s3://reports/{key}"
        assert len(bucket.list_object_versions(Bucket="reports", Prefix=key)["Versions"]) == 2
        assert bucket.head_object(Bucket="reports", Key=key)["ObjectLockMode"] == "GOVERNANCE"


def test_a_very_long_timeline_is_shown_in_part_and_kept_whole() -> None:
    long = tuple(Entry(f"{n:06d}", 0, "2027-01-15T08:01:00.000Z", "Monitor", f"look {n}") for n in range(10_000))
    files = render(review(replace(RECORD, timeline=long)))
    assert len(files["html"]) < 1_000_000
    assert "look 0<" in files["html"] and "look 9999<" in files["html"] and "look 5000<" not in files["html"]
    assert "entries in the middle are left out" in files["html"] and "entries in the middle are left out" in files["md"]
    assert len(json.loads(files["json"])["timeline"]) == 10_000
