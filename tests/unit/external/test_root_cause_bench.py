"""The adapter of RootCauseBench, on an incident made up in its format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.external import root_cause_bench
from bench.external.frame import BadInput

GUILTY, INNOCENT = "a" * 40, "b" * 40


def at(minute: int) -> str:
    return f"2026-01-01T10:{minute:02}:00Z"


def incident(**others: Any) -> dict[str, Any]:
    rows = ["timestamp,service,metric,value", *(
        f"{at(minute)},orders,db_pool_wait_ms,{5 + minute % 2 if minute < 30 else 900}" for minute in range(45))]
    return {
        "alert": {"service": "orders", "metric": "db_pool_wait_ms", "monitor": "waits", "summary": "waits for the pool",
                  "threshold": 100, "observed": 900, "fired_at": at(35), "severity": "critical"},
        "commits": [
            {"sha": GUILTY, "author": "ada", "timestamp": at(20), "message": "tune",
                   "files_changed": ["services/orders/db.go"],
             "diff": "-\tMaxConns: 50,\n+\tMaxConns: 5,"},
            {"sha": INNOCENT, "author": "bob", "timestamp": at(31), "message": "log",
                   "files_changed": ["services/orders/l.go"],
             "diff": None}],
        "deploys": [{"timestamp": at(28), "service": "orders", "commit_sha": GUILTY, "version": "v1"},
                    {"timestamp": at(33), "service": "orders", "commit_sha": INNOCENT, "version": "v2"}],
        "flags": [{"timestamp": at(5), "flag": "f", "service": "web", "change": "off->on", "actor": "eve"}],
        "logs": [{"timestamp": at(30), "service": "orders", "severity_text": "ERROR", "trace_id": "t",
                  "msg": "could not acquire connection: pool exhausted"}],
        "metrics": "\n".join(rows), "patterns": [], "traces": [], **others}


def put(folder: Path, data: dict[str, Any], commit: str = "") -> Path:
    (folder / "cases").mkdir()
    (folder / "cases" / "one.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    if commit:
        (folder / "labels.jsonl").write_text(json.dumps(
            {"case": "one", "commit": commit, "kind": "easy", "decoys": [INNOCENT], "object": "orders"}) + "\n")
    return folder


def test_the_commit_is_named_by_its_first_seven_characters(tmp_path: Path) -> None:
    [case] = root_cause_bench.cases(put(tmp_path, incident(), GUILTY))
    answers = root_cause_bench.answer(case)
    assert case.truth is not None
    assert (answers[0].object, answers[0].root_cause) == (case.truth.object, "a" * 7)
    assert case.truth.decoys == ("b" * 7,)


def test_none_is_an_answer(tmp_path: Path) -> None:
    expired = [{"timestamp": at(30), "service": "orders", "severity_text": "ERROR", "trace_id": "t",
                "msg": "x509: certificate has expired"}]
    [case] = root_cause_bench.cases(put(tmp_path, incident(logs=expired, commits=incident()["commits"][1:])))
    assert root_cause_bench.answer(case)[0].object == "none"
    assert case.truth is None


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cases/ID\.json\.gz"):
        next(root_cause_bench.cases(tmp_path))
