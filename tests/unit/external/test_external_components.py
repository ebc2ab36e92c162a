"""Adapters whose answer is a component: what they read, with tables that are missing, labels that are, odd names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.external import nezha, petshop
from bench.external.frame import BadInput, Truth

START = 1_700_000_000


def metrics(path: Path, first: int, rows: int, slow: bool = False) -> None:
    """Write latency of an entry and of what it calls, a row a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = ["microservice,door,ü/stock,ü/stock", "metric,latency,latency,cpu", "statistic,p50,p50,Average"]
    body = [f"{first + 60 * at},{0.1 + 0.001 * (at % 3) + slow * (at > 0)},0.02,{10 + at % 2 + 60 * slow * (at > 0)}"
            for at in range(rows)]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*head, *body]) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One day with one fault, few rows of normal operation, and no spans, traces or logs."""
    day = tmp_path / "nezha" / "2030-01-01"
    metrics(day / "noissue" / "metrics.csv.gz", START, 12)
    metrics(day / "train" / "issue_0" / "metrics.csv.gz", START + 3600, 6, slow=True)
    (day / "graph.csv").write_text(",door,ü/stock\ndoor,0,1\nü/stock,0,0\n", encoding="utf-8")
    (day / "train" / "issue_0" / "target.json").write_text(json.dumps(
        {"target": {"node": "door", "metric": "latency", "timestamp": START + 3660}}), encoding="utf-8")
    (day.parent / "labels.jsonl").write_text(json.dumps(
        {"case": "2030-01-01/issue_0", "kind": "cpu_contention", "object": "ü/stock"}) + "\n", encoding="utf-8")
    return day.parent


def test_a_fault_with_few_rows_of_normal_operation_is_found_by_metrics_alone(folder: Path) -> None:
    case, = nezha.cases(folder)
    assert (case.id, case.kind, case.truth) == ("2030-01-01/issue_0", "cpu_contention", Truth("ü/stock"))
    first = nezha.answer(case)[0]
    assert (first.object, first.root_cause) == ("ü/stock", "cpu_contention")
    assert 0.5 <= first.confidence <= 1.0


def test_without_labels_a_case_is_answered_and_has_no_truth(folder: Path) -> None:
    (folder / "labels.jsonl").unlink()
    case, = nezha.cases(folder)
    assert (case.truth, case.kind) == (None, "")
    assert nezha.answer(case, always=True)


def test_what_the_truth_is_does_not_reach_the_methods(folder: Path) -> None:
    case, = nezha.cases(folder)
    assert case.data.metrics.cause == ""
    assert all(nezha.baselines()[name](case) for name in ("largest deviation", nezha.METRICS_ALONE))


def test_spans_traces_and_lines_are_read_where_they_are(folder: Path) -> None:
    issue = folder / "2030-01-01" / "train" / "issue_0"
    for name, text in (
            ("spans", "minute,caller,callee,operation,calls,mean_s,caller_mean_s\nbefore,,door,serve,5,0.1,\n"
                      "first,door,ü/stock,get,3,0.02,0.5\n"),
            ("traces", "minute,trace,span,parent,component,operation,offset_us,duration_us\nfirst,0,a,,door,serve,0,9\n"
                       "first,0,b,a,ü/stock,get,500,9\n"),
            ("logs", 'minute,component,level,pattern,count,example\nsecond,door,,"failed, 9",4,\n')):
        (issue / f"{name}.csv").write_text(text, encoding="utf-8")
    found = nezha.stretches(issue)
    assert sorted(found) == ["before", "first", "second"]
    edge, = found["first"].edges
    assert (edge.caller, edge.callee, edge.calls) == ("door", "ü/stock", 3)
    assert (edge.seconds, edge.caller_seconds) == (0.02, 0.5)
    assert found["before"].edges[0].caller_seconds is None
    assert [(span.name, span.parent, span.start) for span in found["first"].traces[0]] == [
        ("a", "", 0.0), ("b", "a", 0.0005)]
    line, = found["second"].lines
    assert (line.pattern, line.count, line.error) == ("failed, 9", 4, True)
    assert nezha.answer(next(nezha.cases(folder)), always=True)


def test_a_table_without_a_column_is_named(folder: Path) -> None:
    path = folder / "2030-01-01" / "train" / "issue_0" / "spans.csv"
    path.write_text("minute,caller\nfirst,door\n", encoding="utf-8")
    with pytest.raises(BadInput, match="expected a column 'callee'"):
        next(nezha.cases(folder))


def test_the_other_set_has_no_requests_and_names_a_component_too(folder: Path) -> None:
    case, = petshop.cases(folder)
    assert (case.kind, case.truth, case.data.requests) == ("2030-01-01", None, None)
    assert petshop.answer(case, always=True)[0].object in ("door", "ü/stock")


def test_a_folder_that_has_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there"):
        next(petshop.cases(tmp_path))
