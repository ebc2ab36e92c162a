"""``python -m bench [NAME…] [--repeats N] [--json OUT]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bench

_PORT = "15566"
_STATE = Path(__file__).resolve().parent.parent / ".build" / "bench" / "sandbox"


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 measured, whatever came out; 1 something could not be measured; 2 bad input."""
    # A sandbox of its own, so that one that somebody has up is left alone; read when sandbox is imported.
    os.environ |= {"SANDBOX_STATE": str(_STATE), "SANDBOX_PORT": os.environ.get("SANDBOX_PORT", _PORT),
                   "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    known = bench.every()
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the responder can do, and costs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)} (default: all)")
    parser.add_argument("--repeats", type=int, metavar="N", help="repeat each measure so often")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to a file")
    parser.add_argument("--data", action="append", default=[], metavar="FOLDER",
                        help="where others' recordings are, for the benchmark external; may be given again")
    given = parser.parse_args(arguments)
    if given.data:
        os.environ["BENCH_DATA"] = os.pathsep.join(given.data)
    unknown = [name for name in given.names if name not in known]
    if unknown or (given.repeats is not None and given.repeats < 1):
        parser.error(f"no benchmark is called {unknown[0]}" if unknown else "--repeats must be 1 or more")
    results = [_run(name, known[name], given.repeats) for name in given.names or known]
    if given.json:
        given.json.write_text(json.dumps({
            "python": platform.python_version(), "processors": os.cpu_count(), "benchmarks": results},
            indent=1) + "\n", encoding="utf-8")
    return 1 if any(result["failed"] for result in results) else 0


def _run(name: str, benchmark: bench.Benchmark, repeats: int | None) -> dict[str, Any]:
    print(f"\n{name}: {benchmark.about}", flush=True)
    busy, started, failed = os.getloadavg()[0], time.monotonic(), ""
    outcome = bench.Outcome()
    try:
        outcome = benchmark.run(repeats or benchmark.repeats)
    except Exception as error:
        # The others are measured all the same.
        traceback.print_exc()
        failed = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    if outcome.rows:
        _print(outcome.rows)
    if outcome.text:
        print(outcome.text)
    print(f"  {seconds:.0f} s; load average before: {busy:.1f}{'; FAILED: ' + failed if failed else ''}", flush=True)
    return {"name": name, "about": benchmark.about, "load_before": round(busy, 2), "seconds": round(seconds, 1),
            "failed": failed, **outcome.more,
            "rows": [asdict(row) | {"ratio": round(row.ratio, 3), "met": row.met} for row in outcome.rows]}


def _print(rows: list[bench.Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for title, justify in (("", "left"), ("measured", "right"), ("beside", "right"), ("ratio", "right"),
                           ("goal", "left"), ("the alternative", "left"), ("note", "left")):
        table.add_column(title, justify="left" if justify == "left" else "right", overflow="fold")
    for row in rows:
        goals = [f"≤ {row.highest:g} {row.unit}"] if row.highest is not None else []
        goals += [f"≤ {row.highest_ratio:g} x"] if row.highest_ratio is not None else []
        word = {True: " met", False: " NOT MET", None: ""}[row.met]
        table.add_row(row.what, _amount(row.value, row.unit), _amount(row.against, row.unit), f"{row.ratio:.2f} x",
                      ", ".join(goals) + word, row.beside, row.note)
    console = Console(highlight=False)
    # A file has no width: nothing is to be cut there.
    (console if console.is_terminal else Console(highlight=False, width=200)).print(table)


def _amount(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}" if unit in ("s", "power") else f"{value:.0f} {unit}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
