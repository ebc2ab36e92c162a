"""How much memory functions take that read whole lists (5,000 pods, 200,000 log lines); the goal is 256 MB.

The adapters' own code, by the handler that is deployed, in a fresh process against a stand-in on this machine. The
peak is the process's resident set, interpreter and all, as Lambda counts it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.bed.stand_in import StandIn, stand_in

PODS, LINES = 5_000, 200_000
_LIMIT_MB = 256.0
_LINE, _STACK_TRACE = 300, 4_000
"""Characters of a log line: plain, and with a stack trace (Splunk cuts events at 10,000 bytes by default)."""

_ASK = """
import os, time
os.environ["SOURCE"] = {name!r}
from responder.handlers.ask import handler
answer = handler({{"incident": {{"id": "bench", "service": "payment-gateway", "opened_at": {now!r}}},
                  "phase": {phase!r}, "now": {now!r}}}, None)
report = {{"ms": answer["milliseconds"], "said": [[f["name"], f["status"], f.get("note", "")]
                                                for f in answer["findings"]]}}
"""
_LEDGER = """
from responder.handlers.ledger import handler
report = {"ms": 0, "said": [["look", "ok" if value is not None else "unavailable", ""]
                            for value in handler({}, None).values()]}
"""
_PLAN = """
import time
from responder import actions
from responder.model.service import load
context = actions.RemediationContext(load("payment-gateway"), "bench", 1, "code_bug", "bad_release", "payment-gateway",
                                     None, time.monotonic() + 60)
plan = actions.find({name!r}).plan_of(context, {{}})
report = {{"ms": 0, "said": [["plan", "ok", plan.summary]]}}
"""
_AT_ONCE = """
import json, os, time, urllib.parse
import httpx
answer = httpx.post(os.environ["AWS_ENDPOINT_URL"] + "/splunk/services/search/v2/jobs/export", timeout=60, data={
    "search": "search *", "earliest_time": "0", "latest_time": "1", "output_mode": "json"})
rows = [json.loads(line)["result"] for line in answer.text.splitlines()]
report = {"ms": 0, "said": [["rows", "ok", str(len(rows))]]}
"""


def asking(source: str, now: str) -> str:
    """Return the code that asks a source as its function does; ``now``: ISO 8601 in UTC."""
    return _ASK.format(name=source, phase="diagnose", now=now)


def codes() -> dict[str, str]:
    """Return what is measured: each function that reads lists which grow with the cluster or the log."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = {"ledger": _LEDGER}
    # The ledger goes first: what it keeps is what the source of changes compares with.
    for name in ("changes", "kubernetes", "rollouts", "utilisation"):
        found[f"source {name}"] = asking(name, now)
    for name in ("restart_pods", "rollback", "scale_up"):
        found[f"action {name}, its plan"] = _PLAN.format(name=name)
    return found


def run(repeats: int) -> Outcome:
    """Return a row per function, beside the same function in a small place."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    splunk = asking("splunk", now)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with stand_in(place, pods=PODS) as large, stand_in(place) as small:
            for name, code in codes().items():
                rows.append(_row(f"{name}: {PODS} pods", "50 pods", code, large, small, repeats))
        for characters in (_LINE, _STACK_TRACE):
            with stand_in(place, lines=LINES, characters=characters) as large, \
                    stand_in(place, lines=2000, characters=characters) as small:
                rows.append(_row(f"source splunk: {LINES} lines of {characters} characters", "2000 lines", splunk,
                                 large, small, repeats))
                if characters == _LINE:
                    whole = _measured(_AT_ONCE, large, 1)
                    rows.append(Row("the same log lines, read at once", whole["peak_mb"], "MB", "source splunk",
                                    rows[-1].value, note="what streaming saves"))
    return Outcome(rows)


def _row(what: str, beside: str, code: str, large: StandIn, small: StandIn, repeats: int) -> Row:
    found, less = _measured(code, large, repeats), _measured(code, small, repeats)
    notes = sorted({text[2] for text in found["said"] if text[1] in ("partial",)})
    return Row(what, found["peak_mb"], "MB", beside, less["peak_mb"], highest=_LIMIT_MB,
               note="; ".join([*([f"{found['ms'] / 1000:.1f} s"] if found["ms"] else []), *notes]))


def _measured(code: str, served: StandIn, repeats: int) -> dict[str, Any]:
    """Return the highest of several peaks; raises RuntimeError where the function did not get what it asked for."""
    highest: dict[str, Any] = {"peak_mb": 0.0}
    for _ in range(repeats):
        found = fresh.run(code, path=(fresh.function(), fresh.packages("boto3")), environment=served.environment())
        # CloudWatch is not served here, and the lines have no clients; all else must have been read, or too little
        # memory would be measured.
        wrong = [said for said in found["said"] if said[1] not in ("ok", "partial")
                 and said[0] not in ("cpu_over_limit", "clients")]
        if wrong:
            raise RuntimeError(f"the function did not read what it was to read: {wrong}")
        highest = max(highest, found, key=lambda report: report["peak_mb"])
    return highest


BENCHMARK = Benchmark(f"memory at {PODS} pods and {LINES} log lines, goal: under {_LIMIT_MB:.0f} MB", run, repeats=2)
