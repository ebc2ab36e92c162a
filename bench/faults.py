"""What an incident survives: each step, each system that it calls, each way in which a call can fail or a step can die.

The bed is ``bench/bed/outage``. A row of the matrix is a step and a system; its columns are faults, by their letters
(``bench/bed/outage/faults.py:Kind``); a field has one mark for each reach: the first call, all calls of the step, all
calls until the end. ``docs/faults.md`` has what is tried, and what is not.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench import Benchmark, Outcome, Row
from bench.bed.outage.apart import Healthy, Result, results
from bench.bed.outage.faults import Kind, Reach
from bench.bed.outage.incident import STORIES
from bench.bed.outage.verdict import End

_MARKS = {End.MENDED: ".", End.PEOPLE: "p", End.TOLD: "t", End.WRONG: "!"}
_SHARES = {"mended": 1.0, "asked": 0.2, "unanswered": 0.2, "in vain": 0.3}
"""The share of each story's cells: the first has them all, the others differ in their later steps alone."""
_WORKERS = 2


def run(repeats: int) -> Outcome:
    """Try the matrix once.

    ``FAULTS_SHARE`` takes a part of it, a tenth with ``0.1``. ``FAULTS_KEPT`` is a folder where each result is kept as
    it comes, so that a run that was ended goes on where it was.
    """
    part = float(os.environ.get("FAULTS_SHARE", "1"))
    kept = Path(os.environ["FAULTS_KEPT"]).absolute() if os.environ.get("FAULTS_KEPT") else None
    rows, texts = [], []
    wrong: list[Result] = []
    for story in STORIES:
        healthy, found = results(story.name, part * _SHARES[story.name], "faults", workers=_WORKERS, kept=kept)
        wrong += [one for one in found if one.wrong]
        ends = Counter(one.end for one in found)
        rows.append(Row(f"{story.name}: cells that ended wrong", ends[End.WRONG], "", "cells that were tried",
                        len(found), highest=0.0, note=summary(healthy, found)))
        texts.append(f"{story.name}\n\n{matrix(found)}\n\n{others(found)}")
    texts += [f"{one.name}: {'; '.join(one.wrong)}" for one in wrong]
    return Outcome(rows, "\n\n".join(texts), {"wrong": [one.name for one in wrong]})


def summary(healthy: Healthy, found: Sequence[Result]) -> str:
    """Return in a line how the cells of a story ended."""
    ends = Counter(one.end for one in found)
    told = ", ".join(f"{ends[end]} {end.value}" for end in End)
    return f"{told}; of {healthy.cells} cells by {healthy.calls} calls; without a fault: {healthy.end}"


def matrix(found: Sequence[Result]) -> str:
    """Return the faults of calls as a table."""
    fields: defaultdict[tuple[str, str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for one in found:
        if one.reach:
            fields[one.state, one.function, one.dependency][one.kind, one.reach] = _MARKS[End(one.end)]
    width = max((len(" / ".join(key)) for key in fields), default=10)
    lines = [" ".join(("".ljust(width), *(kind.value.ljust(3) for kind in Kind)))]
    for key, marks in fields.items():
        lines.append(" ".join((" / ".join(key).ljust(width), *(
            "".join(marks.get((kind.value, reach.value), " ") for reach in Reach) for kind in Kind))))
    return "\n".join(line.rstrip() for line in lines)


def others(found: Sequence[Result]) -> str:
    """Return what was tried besides calls that fail, by its kind."""
    ends: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        if not one.reach:
            ends[one.kind][one.end] += 1
    return "\n".join(f"{kind}: " + ", ".join(f"{count} {end}" for end, count in sorted(counted.items()))
                     for kind, counted in sorted(ends.items()))


BENCHMARK = Benchmark("faults: what an incident survives, by step, system and fault", run, 1)
