"""How right the responder is about outages that others recorded: one adapter a set, all scored alike.

``make bench NAMES=external [DATA=…]``, or ``python -m bench.external [FOLDER | SET=FOLDER]… [--json OUT]``, which also
writes what was answered, a JSON line a case and method, so that others can score it. A folder has a folder for each set
(by default ``../shared/data``); a set's format is in the README beside its data. Labels may be missing.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.external.frame import adapters, folders
from bench.external.scores import OWN, Judged, Tally, judge, tallies, told

DATA = "BENCH_DATA"
"""Environment variable: folders, apart by ``os.pathsep``."""
_USUAL = Path(__file__).resolve().parents[3] / "shared" / "data"
_GOAL_MS = 50.0
"""The goal of ranking causes (docs/benchmarks.md)."""


def measure(given: Sequence[str]) -> dict[str, list[Judged]]:
    """Answer all cases of all sets that are there; raise ``BadInput`` where one cannot be read."""
    known = adapters()
    return {name: [one for case in known[name].cases(folder) for one in judge(known[name], case)]
            for name, folder in folders(given, sorted(known), _USUAL).items()}


def report(results: Mapping[str, list[Judged]]) -> str:
    """Return what was measured as Markdown tables."""
    lines = []
    for name, judged in results.items():
        if not judged:
            lines += [f"## {name}: no cases", ""]
            continue
        methods = tallies(judged)
        some = methods[OWN]
        unscored = f", {some.unscored} without a label" if some.unscored else ""
        lines += [f"## {name}: {some.cases} cases{unscored}", "",
                  "| method | top-1 | top-3 | object top-1 | top-3 | decided | right of decided | decoys named | "
                  "calibration error | processor ms: median / max |", "|---|---|---|---|---|---|---|---|---|---|"]
        lines += [_row(method, tally) for method, tally in methods.items()]
        lines += ["", *_by_kind(judged), ""]
    own = tallies(one for judged in results.values() for one in judged if one.method == OWN).get(OWN)
    if own and own.calibration_error is not None:
        lines.append(f"Expected calibration error over all {own.decided} answers: {own.calibration_error:.3f}")
    return "\n".join(lines)


def _row(name: str, tally: Tally) -> str:
    error, figures = tally.calibration_error, tally.as_json()
    cells = [name, told(tally.first, tally.cases), told(tally.three, tally.cases),
             told(tally.first_object, tally.cases), told(tally.three_objects, tally.cases),
             f"{tally.decided} of {tally.cases}", told(tally.first, tally.decided),
             f"{tally.decoys} of {tally.with_decoys}" if tally.with_decoys else "–",
             "–" if error is None else f"{error:.3f}", f"{figures['median_ms']:.1f} / {figures['max_ms']:.1f}"]
    return f"| {' | '.join(cells)} |"


def _by_kind(judged: Iterable[Judged]) -> list[str]:
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if one.scored and one.kind and one.method == OWN:
            kinds[one.kind].append(one)
    lines = ["| kind | top-1 | top-3 | object top-1 | decided, of these right |", "|---|---|---|---|---|"]
    for kind, of_kind in sorted(kinds.items()):
        tally = tallies(of_kind)[OWN]
        lines.append(f"| {kind} | {tally.first} of {tally.cases} | {tally.three} | {tally.first_object} | "
                     f"{tally.decided}, {tally.first} |")
    return lines if kinds else []


def predictions(results: Mapping[str, list[Judged]]) -> list[dict[str, Any]]:
    """Return what each method answered, in JSON's types: set, case, method, ranked answers, milliseconds."""
    return [{"set": name, "case": one.case, "method": one.method,
             "answers": [asdict(answer) for answer in one.answers], "milliseconds": round(one.milliseconds, 3)}
            for name, judged in results.items() for one in judged]


def write(results: Mapping[str, list[Judged]], path: Path) -> None:
    """Write what was answered, a JSON line each."""
    path.write_text("".join(json.dumps(one) + "\n" for one in predictions(results)), encoding="utf-8")


def _measure(_: int) -> Outcome:
    given = [part for part in os.environ.get(DATA, "").split(os.pathsep) if part]
    results = measure(given)
    if not results:
        return Outcome(text=f"  no set is there: put the sets' folders into {_USUAL}, or name their folder "
                            f"(make bench NAMES=external DATA=…, or {DATA}=…)")
    rows = []
    for name, judged in results.items():
        methods = tallies(judged)
        if OWN not in methods or not methods[OWN].cases:
            continue
        beside = max((method for method in methods if not method.startswith(OWN)), default="",
                     key=lambda method: methods[method].first)
        rows.append(Row(f"{name}: right first", 100.0 * methods[OWN].first / methods[OWN].cases, "%", beside or "none",
                        100.0 * methods[beside].first / methods[beside].cases if beside else 0.0))
        milliseconds = methods[OWN].as_json()["median_ms"]
        rows.append(Row(f"{name}: one case, of the processor", milliseconds, "ms", "the goal", _GOAL_MS))
    return Outcome(rows, report(results), {
        "external": {name: {method: tally.as_json() for method, tally in tallies(judged).items()}
                     for name, judged in results.items()}, "predictions": predictions(results)})


BENCHMARK = Benchmark(about="how right the responder is about outages that others recorded", run=_measure, repeats=1)
