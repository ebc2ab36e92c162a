"""Tries a part of the matrix and prints a line of JSON for each cell; ``apart.py`` runs this.

    python -m bench.bed.outage STORY SHARE SEED PART PARTS KINDS

SHARE of the cells is chosen by SEED; of these, every PARTS-th beginning with PART is tried. KINDS are ``faults``,
``deliveries``, ``deaths`` and ``kills``, with commas between them.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from bench.bed.outage import cells
from bench.bed.outage.incident import STORIES, staged
from bench.bed.outage.trying import Tried, healthy, tried

_BATCH = 400


def wire(one: Tried) -> dict[str, Any]:
    """Return a result as a line has it."""
    cell = one.cell
    return {"state": cell.place.state, "function": cell.place.function, "dependency": cell.dependency,
            "kind": cell.fault.kind.value if cell.fault else cell.delivery or "death",
            "reach": cell.fault.reach.value if cell.fault else "", "name": cell.name, "end": one.verdict.end.value,
            "wrong": list(one.verdict.wrong), "met": one.met, "log": list(one.log)}


def main(story: str, share: str, seed: str, part: str, parts: str, kinds: str) -> None:
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
    for first in range(0, len(chosen), _BATCH):
        with staged(told) as stage:
            tried(stage, chosen[first:first + _BATCH], lambda one: print(json.dumps(wire(one)), flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
