"""Fresh processes with the contents of a function's process: the bundle, boto3, and nothing else.

The children see the bundle that is deployed and the packages that are named (``sandbox/runtime.py``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from responder.model.service import Service
from sandbox import runtime
from stacks.configuration import read_folder
from stacks.packaging import bundle

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "bench"

_TAIL = """
import json as _json, re as _re, sys as _sys, time as _time
try:
    # Not getrusage: a child's ru_maxrss starts from what its parent had when it was started.
    _peak = int(_re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024
except OSError:
    import resource as _resource
    _peak = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss / (2**20 if _sys.platform == "darwin" else 2**10)
print("\\n" + _json.dumps({"peak_mb": _peak, "modules": sorted({n.partition(".")[0] for n in _sys.modules}), **report}))
"""


@cache
def service() -> Service:
    """The shipped configuration."""
    return read_folder(ROOT / "config")[0]


@cache
def function() -> Path:
    """The folder of the functions' code, as it is deployed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return bundle([service()], {service().service: {}}, BUILD)


@cache
def packages(*names: str) -> Path:
    """A folder with links to the installed distributions that are named, and to those that they require."""
    return runtime.packages(BUILD / ("with-" + "-".join(names)), *names)


def run(code: str, *, path: Sequence[Path], environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 120) -> dict[str, Any]:
    """Run code in a fresh interpreter and return its ``report`` (a dict) with ``peak_mb`` and ``modules``.

    ``path`` is all that can be imported besides the standard library. Raises RuntimeError with the error's end.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"report = {{}}\n{code}\n{_TAIL}"], cwd="/", capture_output=True, text=True,
        timeout=timeout_seconds, check=False, env={
            "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(str(part) for part in path),
            "PYTHONWARNINGS": "ignore", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_EC2_METADATA_DISABLED": "true",
            **(environment or {})})
    if done.returncode:
        raise RuntimeError(f"a fresh process failed:\n{done.stderr.strip()[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def rounds(codes: Mapping[str, str], repeats: int, *, path: Sequence[Path],
           environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Run each code ``repeats`` times, all of them in turn, so that a busy spell of the machine meets all alike.

    Returns per name the last report, with the numbers in it replaced by their medians. One more round goes before,
    which warms the disk's cache and counts for nothing.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in codes}
    for number in range(repeats + 1):
        for name, code in codes.items():
            report = run(code, path=path, environment=environment)
            if number:
                found[name].append(report)
    return {name: reports[-1] | {
        key: statistics.median(report[key] for report in reports)
        for key, value in reports[-1].items() if isinstance(value, int | float)}
        for name, reports in found.items()}
