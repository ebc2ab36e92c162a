"""Tries a part of the matrix and prints a line of JSON for each cell; ``apart.py`` runs this.

    python -m bench.bed.outage STORY SHARE SEED PART PARTS KINDS [KEPT]

SHARE of the cells is chosen by SEED; of these, every PARTS-th beginning with PART is tried. KINDS are ``faults``,
``deliveries``, ``deaths`` and ``kills``, with commas between them. KEPT is a file of lines: what it has is printed and
not tried again, and each new result is added to it at once.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from bench.bed.outage import cells
from bench.bed.outage.incident import STORIES, staged
from bench.bed.outage.trying import NO_VERDICT, Tried, healthy, tried

_BATCH = 400


def wire(one: Tried) -> dict[str, Any]:
    """Return a result as a line has it."""
    cell = one.cell
    return {"state": cell.place.state, "function": cell.place.function, "dependency": cell.dependency,
            "kind": cell.fault.kind.value if cell.fault else cell.delivery or "death",
            "reach": cell.fault.reach.value if cell.fault else "", "name": cell.name, "end": one.verdict.end.value,
            "wrong": list(one.verdict.wrong), "met": one.met, "log": list(one.log)}


def main(story: str, share: str, seed: str, part: str, parts: str, kinds: str, kept: str = "") -> None:
    """Print the results; the first line is of the incident without any fault."""
    told = next(one for one in STORIES if one.name == story)
    with staged(told) as stage:
        calls, verdict = healthy(stage)
    every = cells.every(calls, kinds.split(","))
    print(json.dumps({"calls": len(calls), "end": verdict.end.value, "wrong": verdict.wrong, "cells": len(every)}),
          flush=True)
    chosen = cells.sampled(every, float(share), seed)
    random.Random(seed).shuffle(chosen)
    chosen = chosen[int(part)::int(parts)]
    known = _known(Path(kept)) if kept else {}
    for cell in chosen:
        if cell.name in known:
            print(json.dumps(known[cell.name]), flush=True)
    chosen = [cell for cell in chosen if cell.name not in known]
    for first in range(0, len(chosen), _BATCH):
        with staged(told) as stage:
            tried(stage, chosen[first:first + _BATCH], lambda one: _show(one, kept))


def _show(one: Tried, kept: str) -> None:
    line = json.dumps(wire(one)) + "\n"
    print(line, end="", flush=True)
    if kept:
        with open(kept, "a", encoding="utf-8") as file:
            file.write(line)


def _known(kept: Path) -> dict[str, dict[str, Any]]:
    """Return the results that are kept, by their cells, but for what has to be tried again.

    That is a cell that got no verdict, and a last line that was not written to its end.
    """
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True) if kept.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        kept.write_text("".join(whole), encoding="utf-8")
    return {one["name"]: one for one in map(json.loads, whole) if NO_VERDICT not in one["wrong"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
