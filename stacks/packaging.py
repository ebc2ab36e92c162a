"""The functions' code as one folder: the responder, the checked configuration, and its pure-Python dependencies."""

from __future__ import annotations

import atexit
import hashlib
import importlib.resources
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from responder.model.service import Service

PYTHON = (3, 14)
"""The version of Python that the functions run on (``stacks/function.py``)."""
_ROOT = Path(__file__).resolve().parent.parent
_SOURCE = _ROOT / "lambdas"


class PackagingError(Exception):
    """The functions' code could not be put together."""


def bundle(services: Sequence[Service], deployed: Mapping[str, Any], build: Path) -> Path:
    """Put the functions' code together below ``build`` and return its folder, which is there until the process ends.

    ``deployed`` holds per service what ``responder.model.service.Deployment`` reads. The dependencies are installed
    once for each state of the lock ``lambdas/requirements.txt``, with its hashes. Bytecode is added where a Python of
    the functions' version builds or is on the PATH: any other's is ignored by them, and is half of the bundle. Raises
    PackagingError.
    """
    packages = _packages(build)
    # A folder of its own: another process may build at the same time, and a deployment copies what it gets.
    folder = Path(tempfile.mkdtemp(prefix="function-", dir=build))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = folder / "function"
    shutil.copytree(packages, target)
    shutil.copytree(_SOURCE / "responder", target / "responder",
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (target / "services" / "deployed").mkdir(parents=True)
    for service in services:
        for folder, value in ((target / "services", asdict(service)),
                              (target / "services" / "deployed", deployed[service.service])):
            text = json.dumps(value, indent=1, sort_keys=True)
            (folder / f"{service.service}.json").write_text(text + "\n", encoding="utf-8")
    for name in {service.reports.time_zone for service in services if service.reports.time_zone}:
        zone = target / "services" / "zoneinfo" / name
        zone.parent.mkdir(parents=True, exist_ok=True)
        zone.write_bytes(_zone(name))
    compiler = _compiler()
    if compiler:
        # A function's disk cannot keep bytecode; without this, each cold start would compile again.
        done = subprocess.run([compiler, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
                               "-s", str(target), str(target)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise PackagingError(f"{compiler} could not compile the functions' code:\n{done.stdout.strip()[-2000:]}")
    return target


def _compiler() -> str | None:
    """Return a Python of the functions' version; None where there is none."""
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    return shutil.which(f"python{PYTHON[0]}.{PYTHON[1]}")


def _zone(name: str) -> bytes:
    """Return a time zone's file (RFC 8536) from this machine's database; Lambda has none. Raises PackagingError."""
    places = [Path(folder) / name for folder in zoneinfo.TZPATH]
    if importlib.util.find_spec("tzdata"):
        places.append(Path(str(importlib.resources.files("tzdata"))) / "zoneinfo" / name)
    for place in places:
        if place.is_file():
            return place.read_bytes()
    raise PackagingError(f"no file of the time zone {name} in {', '.join(map(str, places)) or 'any database'}")


def _packages(build: Path) -> Path:
    requirements = _SOURCE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    target = build / f"packages-{digest}"
    if target.is_dir():
        return target
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packages-", dir=build) as own:
        partial = Path(own) / "packages"
        _install(requirements, partial)
        try:
            partial.rename(target)
        except OSError:
            # Another process has built the same meanwhile, and its packages are as good.
            if not target.is_dir():
                raise
    return target


def _install(requirements: Path, target: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(target),
         "--requirement", str(requirements)],
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"pip could not install {requirements}:\n{done.stderr.strip()[-2000:]}")
    for native in (*target.rglob("*.so"), *target.rglob("*.pyd")):
        native.unlink()  # MarkupSafe's optional C extension is built for one processor and Python
    for surplus in ("bin", "pip", "share"):
        shutil.rmtree(target / surplus, ignore_errors=True)
