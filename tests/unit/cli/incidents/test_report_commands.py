"""``report`` finds what lies in the bucket, and ``replay`` makes the decisions of it again."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.incidents import named
from cli.incidents.named import Known
from cli.incidents.reports import moment_of
from cli.output import Refused
from responder.model.codec import encode
from responder.plan.weights import shipped
from tests.conftest import ROOT
from tests.unit.cli.incidents.stage import BUCKET, Stage

OLD, NEW = "payment-gateway-20261101T100000Z-aaaa", "payment-gateway-20261124T100000Z-bbbb"
RECORD = ROOT / "tests" / "records" / "bad-release.json.gz"


@pytest.fixture
def kept(stage: Stage) -> Stage:
    """Two incidents with reports, the newer one as Markdown alone."""
    stage.past(OLD, "2026-11-01T10:00:00.000Z", outcome="resolved", recovery_seconds=90.0, title="bad release")
    stage.past(NEW, "2026-11-24T10:00:00.000Z", outcome="escalated", cause="network")
    for ident, name, content in ((OLD, "postmortem.md", b"# Old"), (OLD, "record.json.gz", RECORD.read_bytes()),
                                 (OLD, "postmortem.json", b'{"schema": 1}'), (OLD, "postmortem.html", b"<p>old</p>"),
                                 (NEW, "postmortem.md", b"# New \xe2\x80\xa6")):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"postmortems/payment-gateway/{ident}/{name}", Body=content)
    return stage


def test_the_list_has_all_newest_first_and_can_be_bounded(kept: Stage) -> None:
    done = kept.run("report")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [NEW, OLD]
    assert "well after 1 min 30 s" in done.stdout
    for bound, found in ((("--until", "2026-11-02"), OLD), (("--since", "2026-11-02T00:00Z"), NEW)):
        assert [one["id"] for one in json.loads(kept.run("report", *bound, "--json").stdout)] == [found]
    assert "No incident has a report there." in kept.run("report", "--since", "2027-01-01").stdout


def test_an_incident_is_named_by_a_part_that_only_it_begins_with(kept: Stage) -> None:
    for name, content in (("latest", "# New …"), ("payment-gateway-20261101", "# Old"), ("20261101T", "# Old")):
        assert kept.run("report", name).stdout == content
    for name, said in (("payment-gateway-2026", "begins 2 ids"), ("*", "there is no incident '*'"),
                       ("../../etc/passwd", "there is no incident '../../etc/passwd'")):
        done = kept.run("report", name)
        assert (done.exit_code, said in done.stderr, NEW in done.stderr) == (2, True, True)


def test_a_report_goes_to_a_file_or_into_a_folder(kept: Stage, tmp_path: Path) -> None:
    assert kept.run("report", OLD, "--format", "record", "--out", str(tmp_path / "r.gz")).exit_code == 0
    assert (tmp_path / "r.gz").read_bytes() == RECORD.read_bytes()
    assert kept.run("report", OLD, "--out", str(tmp_path)).exit_code == 0
    assert (tmp_path / f"{OLD}-postmortem.md").read_text() == "# Old"
    done = kept.run("report", OLD, "--out", str(tmp_path / "no" / "such"))
    assert (done.exit_code, "it cannot be written" in done.stderr) == (2, True)


def test_the_page_is_opened_in_the_browser_from_a_file(kept: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert kept.run("report", OLD, "--open").exit_code == 0
    assert Path(opened[0].removeprefix("file://")).read_text() == "<p>old</p>"


def test_a_report_that_is_not_written_yet_is_no_error_of_aws(kept: Stage) -> None:
    done = kept.run("report", NEW, "--format", "json")
    assert (done.exit_code, f"{NEW} has no postmortem.json yet" in done.stderr) == (1, True)


def test_wrong_bounds_and_formats_are_refused_with_what_is_expected(kept: Stage) -> None:
    assert "expected a day or a time in UTC such as 2026-11-24" in kept.run("report", "--since", "yesterday").stderr
    assert "expected one of md, html, json, record" in kept.run("report", OLD, "--format", "pdf").stderr
    assert kept.run("report", OLD, "--since", "2d").exit_code == 2


@given(st.integers(0, 999), st.sampled_from("hdw"))
def test_how_long_ago_is_always_before_now(number: int, unit: str) -> None:
    seconds = {"h": 3600, "d": 86_400, "w": 604_800}[unit]
    assert moment_of("--since", f"{number}{unit}", 2e9) == 2e9 - number * seconds


IDS = st.lists(st.from_regex(r"[a-c]{1,2}-2026[0-9]{2}T-[ab]{1,2}", fullmatch=True), min_size=1, max_size=6,
               unique=True)


@given(IDS, st.data())
def test_a_name_means_the_one_that_it_begins_or_nothing(ids: list[str], data: st.DataObject) -> None:
    known = [Known(one, one.partition("-")[0], f"2026-{place:02d}") for place, one in enumerate(ids)]
    wanted = data.draw(st.sampled_from(ids))
    part = wanted[:data.draw(st.integers(1, len(wanted)))]
    begins = [one for one in ids if one.startswith(part) or one.partition("-")[2].startswith(part)]
    if part in ids or len(begins) == 1:
        assert named.chosen(part, known).id == (part if part in ids else wanted)
    else:
        with pytest.raises(Refused, match=f"begins {len(begins)} ids"):
            named.chosen(part, known)


# --- replay -------------------------------------------------------------------------------------------------------

def test_a_record_in_the_bucket_is_replayed_by_name_by_address_and_as_a_file(kept: Stage) -> None:
    address = f"s3://{BUCKET}/postmortems/payment-gateway/{OLD}/record.json.gz"
    by_name, by_address, of_file = (kept.run("replay", name, "--json") for name in (OLD, address, str(RECORD)))
    assert by_name.exit_code == by_address.exit_code == of_file.exit_code
    assert by_name.stdout == by_address.stdout == of_file.stdout
    assert {one["id"] for one in json.loads(by_name.stdout)} >= {"confirm", "isolate", "diagnose", "guard"}


def test_other_weights_decide_otherwise_and_that_is_shown(stage: Stage, tmp_path: Path) -> None:
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps(encode(replace(shipped(), prior=-9.0))))
    done = stage.run("replay", str(RECORD), "--weights", str(weights))
    assert (done.exit_code, "OTHER" in done.stdout, "it was: " in done.stdout) == (1, True, True)


def test_the_shipped_weights_are_printed_and_taken_again(stage: Stage, tmp_path: Path) -> None:
    weights = tmp_path / "weights.json"
    weights.write_text(stage.run("replay", "--print-weights").stdout)
    assert stage.run("replay", str(RECORD), "--weights", str(weights), "--json").stdout == stage.run(
        "replay", str(RECORD), "--json").stdout


@pytest.mark.parametrize(("name", "content"), [
    ("nowhere.json.gz", None), ("broken.json", b"{"), ("cut.json.gz", gzip.compress(b"{}" * 99, mtime=0)[:20]),
    ("empty.json", b'{"schema": 2, "items": []}')], ids=["none", "broken", "cut", "empty"])
def test_what_is_no_record_is_refused_by_its_name(stage: Stage, tmp_path: Path, name: str,
                                                  content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = stage.run("replay", str(tmp_path / name))
    assert (done.exit_code, name in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)


def test_without_an_incident_it_says_what_is_needed(stage: Stage) -> None:
    assert "an incident is needed" in stage.run("replay").stderr
    assert "expected s3://BUCKET/KEY" in stage.run("replay", "s3://bucket").stderr
