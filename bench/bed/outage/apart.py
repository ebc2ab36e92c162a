"""Runs the matrix in processes of its own, for what they try changes the whole process: its time, its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import fingerprint

ROOT = Path(__file__).resolve().parents[3]
_CODE = ("bench/bed", "config", "lambdas", "sandbox", "stacks", "statemachines", "tests/machine.py")


@dataclass(frozen=True)
class Healthy:
    """The incident without any fault."""

    calls: int
    end: str
    wrong: tuple[str, ...]
    cells: int
    """How many cells follow from its calls."""


@dataclass(frozen=True)
class Result:
    """One cell and its verdict, as text; see ``cells.py:Cell`` and ``verdict.py:End``."""

    state: str
    function: str
    dependency: str
    kind: str
    reach: str
    name: str
    end: str
    wrong: tuple[str, ...]
    met: bool
    log: tuple[str, ...]


def surroundings() -> dict[str, str]:
    """Return the environment in which the bed runs the same each time."""
    return os.environ | {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore",
                         "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "lambdas")))}


def results(story: str, share: float, seed: str, kinds: Sequence[str] = ("faults", "deliveries", "deaths", "kills"),
            workers: int = 1, kept: Path | None = None) -> tuple[Healthy, list[Result]]:
    """Try a seeded share of a story's cells; raises RuntimeError where the bed itself fails.

    ``kept`` is a folder where each result is kept as it comes: cells that are there, by the same code, are not tried
    again.
    """
    folder = _of_this_code(kept) if kept else None
    files = [str(folder / f"{story}-{part}.jsonl") if folder else "" for part in range(workers)]
    running = [subprocess.Popen(
        [sys.executable, "-m", "bench.bed.outage", story, str(share), seed, str(part), str(workers), ",".join(kinds),
         files[part]], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=surroundings()) for part in range(workers)]
    # All at once: whoever is not read has to wait when its pipe is full.
    with ThreadPoolExecutor(workers) as readers:
        outputs = list(readers.map(lambda process: process.communicate()[0], running))
    if any(process.returncode for process in running):
        raise RuntimeError(f"the bed of outages failed: {[process.returncode for process in running]}")
    lines = [[json.loads(line) for line in output.splitlines()] for output in outputs]
    return (Healthy(**lines[0][0] | {"wrong": tuple(lines[0][0]["wrong"])}),
            [_result(one) for found in lines for one in found[1:]])


def _of_this_code(kept: Path) -> Path:
    """Return the folder for results of the code as it is: its name is a digest of all that they may depend on."""
    folder = kept / fingerprint.of_files(ROOT, _CODE)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _result(one: dict[str, Any]) -> Result:
    return Result(**one | {"wrong": tuple(one["wrong"]), "log": tuple(one["log"])})
