"""``responder backtest`` by the way that people take: its options, its files, its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from typer.testing import CliRunner

from cli import app
from cli.backtest import options, truth
from cli.backtest.outcome import Case, Moment, Report
from cli.backtest.text import markdown
from responder.model.codec import decode, encode
from responder.model.moment import iso
from responder.plan.review import PastIncident
from responder.records import history
from responder.records.record import unpack
from tests.conftest import timeline
from tests.unit.cli.backtest.playing import RECORDS, recorded

NAMES = ("bad-release", "provider-outage", "false-alarm", "observed-release")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("records")
    for name in NAMES:
        shutil.copy(RECORDS / f"{name}.json.gz", made)
    return made


def responder(*arguments: object) -> Result:
    return CliRunner().invoke(app.built(), ["backtest", *map(str, arguments)])


def observed(folder: Path, *more: object) -> Result:
    return responder("--observed", "--since", "2026-01-01", "--records", folder, *more)


def test_incidents_of_observe_mode_are_reported_alone_unless_any_mode_is_asked_for(folder: Path) -> None:
    one = decode(Report, json.loads(observed(folder, "--json").stdout))
    every = decode(Report, json.loads(observed(folder, "--handled-in", "any", "--json").stdout))
    assert [case.mechanism for case in one.cases] == ["bad_release"]
    assert len(every.cases) == len(NAMES)
    assert {case.answer for case in every.cases} == {"confirmed", "false_alarm"}
    assert [case.moment.at for case in every.cases] == sorted(case.moment.at for case in every.cases)


@mock_aws
def test_incidents_are_read_of_the_timeline_table_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    table = timeline()
    for name in NAMES:
        for item in unpack((RECORDS / f"{name}.json.gz").read_bytes())["items"]:
            table.put(item)
        incident = recorded(name)[0].incident
        history.keep(table, PastIncident(incident.id, incident.service, incident.opened_at))
    history.keep(table, PastIncident("payment-gateway-gone", "payment-gateway", "2026-11-20T00:00:00.000Z"))
    monkeypatch.setattr(options, "table_of", lambda given: "timeline")
    monkeypatch.setattr(options, "Records", lambda name: table)
    done = responder("--observed", "--since", "2026-01-01", "--handled-in", "any", "--json")
    cases = decode(Report, json.loads(done.stdout)).cases
    assert done.exit_code == 0
    cause = recorded("provider-outage")[0].incident.cause
    assert cause and {case.mechanism for case in cases} == {"", "bad_release", cause.mechanism}
    assert len(cases) == len(NAMES)
    assert "payment-gateway-gone: its record cannot be read, and it is left out" in done.stderr


def test_the_report_is_a_table_with_what_is_behind_it(folder: Path, tmp_path: Path) -> None:
    page, text = tmp_path / "report.html", tmp_path / "report.md"
    assert observed(folder, "--handled-in", "any", "--out", page).exit_code == 0
    told = observed(folder, "--handled-in", "any", "--out", text)
    html, lines = page.read_text(), text.read_text().splitlines()
    assert html.count("<tr>") == 1 + len(NAMES) and html.count("<details>") == len(NAMES)
    assert "<script" not in html and "http" not in html.replace("HTTP", "")
    assert sum(line.startswith("| 20") for line in lines) == len(NAMES)
    assert "would run" in told.stdout and "UTC" in told.stdout


def test_the_same_report_is_no_difference_and_another_answer_is(folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(observed(folder, "--handled-in", "any", "--json").stdout)
    assert observed(folder, "--handled-in", "any", "--against", before).exit_code == 0
    value = json.loads(before.read_text())
    value["cases"][0]["answer"], value["cases"] = "inconclusive", value["cases"][:3]
    before.write_text(json.dumps(value))
    differs = observed(folder, "--handled-in", "any", "--against", before, "--json")
    assert differs.exit_code == 1
    assert sorted(one.verdict for one in decode(Report, json.loads(differs.stdout)).compared) == [
        "differs", "only here", "same", "same"]


def test_what_really_happened_is_compared(folder: Path, tmp_path: Path) -> None:
    cases = decode(Report, json.loads(observed(folder, "--handled-in", "any", "--json").stdout)).cases
    file = tmp_path / "truth.yaml"

    def verdicts(causes: list[str]) -> tuple[int, list[str]]:
        file.write_text("\n".join(f"- {{at: '{case.moment.at}', cause: {cause}, ended_at: 2026-12-24T00:00Z}}"
                                  for case, cause in zip(cases, causes, strict=True)))
        told = observed(folder, "--handled-in", "any", "--truth", file, "--json")
        return told.exit_code, [one.verdict for one in decode(Report, json.loads(told.stdout)).compared]

    real = [case.mechanism or "none" for case in cases]
    assert verdicts(real) == (0, ["right"] * 4)
    assert verdicts([case.cause or "none" for case in cases]) == (0, ["right"] * 4)
    wrong = ["storage_full" if name != "none" else "none" for name in real]
    assert verdicts(wrong) == (1, ["right" if name == "none" else "wrong" for name in real])
    file.write_text("- {at: 2026-02-01T10:00Z, cause: bad_release}")
    assert "no alarm went off near that time" in observed(folder, "--handled-in", "any", "--truth", file).stdout


@pytest.mark.parametrize(("given", "told"), [
    (["--since", "yesterday"], "--since: expected a time such as 2026-11-03T14:20Z; found 'yesterday'"),
    (["--since", "1d", "--until", "2d"], "--since 1d: expected a time before"),
    (["--mode", "any"], "--mode: expected one of observe, approve, auto; found 'any'"),
    (["--handled-in", "none"], "--handled-in: expected one of observe, approve, auto, any; found 'none'"),
    (["--out", "report.pdf"], "--out report.pdf: expected a file that ends with .html or .md"),
    (["--at", "2199-01-01T00:00Z"], "--at 2199-01-01T00:00Z: expected a time in the past"),
    (["--service", "shop"], "--service shop: expected one of payment-gateway"),
    (["--observed", "--records", "/nowhere"], "--records /nowhere: expected a folder with files"),
    (["--against", "/nowhere.json"], "--against /nowhere.json: expected a report that --json wrote"),
    (["--truth", "/nowhere.yaml"], "/nowhere.yaml: expected a YAML file that can be read"),
])
def test_wrong_usage_is_refused_in_one_sentence(given: list[str], told: str) -> None:
    done = responder(*given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("content", "told"), [
    ("at: 1", "expected a list of incidents"), ("- {at: 2026-11-03}", "incident 1: expected at and cause"),
    ("- {at: 2026-11-03, cause: gremlins}", "incident 1: cause: expected one of"),
    ("- {at: noon, cause: bad_release}", "incident 1: at: expected a time"),
    ("- {at: 2026-11-03, cause: bad_release, who: me}", "incident 1: expected at and cause"),
    ("- [", "expected a YAML file that can be read")])
def test_a_file_of_what_happened_names_its_mistake(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "truth.yaml"
    file.write_text(content)
    done = responder("--truth", file)
    assert done.exit_code == 2
    assert told in done.stderr


@settings(max_examples=30)
@given(st.floats(0, 4e9), st.sampled_from(["d", "h", "m"]), st.integers(0, 400))
def test_a_time_is_read_with_or_without_a_zone_and_as_so_long_ago(at: float, unit: str, count: int) -> None:
    from cli.backtest.options import moment

    text = iso(at)
    assert moment(text, "--at", 0.0) == moment(text.removesuffix("Z"), "--at", 0.0) == pytest.approx(at, abs=0.001)
    seconds = {"d": 86400, "h": 3600, "m": 60}[unit]
    assert moment(f"{count}{unit}", "--since", 1e9) == 1e9 - count * seconds


TEXTS = st.text(max_size=30)
CASES = st.builds(Case, st.builds(Moment, TEXTS, st.just("2026-11-03T14:20:00.000Z"), TEXTS), st.just("backtest"),
                  st.sampled_from(["confirmed", "false_alarm", "inconclusive"]), st.just(()),
                  cause=st.sampled_from(["", "unknown", "code_bug"]), mechanism=TEXTS, component=TEXTS, summary=TEXTS)


@settings(max_examples=30)
@given(st.lists(CASES, max_size=3))
def test_any_report_goes_to_json_and_back_and_no_text_breaks_its_table(cases: list[Case]) -> None:
    report = Report("2026-11-01T00:00:00Z", "2026-11-14T00:00:00Z", "backtest", tuple(cases))
    assert decode(Report, json.loads(json.dumps(encode(report)))) == report
    rows = [line for line in markdown(report).split("\n") if line.startswith("| 2026")]
    assert len(rows) == len(cases)
    assert all(line.replace("\\|", "").count("|") == 7 for line in rows)


@settings(max_examples=30)
@given(st.lists(st.floats(1e9, 2e9), max_size=5, unique=True), st.lists(st.floats(1e9, 2e9), max_size=5))
def test_each_incident_is_compared_once(cases: list[float], happened: list[float]) -> None:
    found = truth.with_truth([Case(Moment("shop", iso(at), ""), "backtest", "false_alarm", ()) for at in sorted(cases)],
                             [truth.Happened(at, "none") for at in happened])
    assert len(found) == len(happened)
