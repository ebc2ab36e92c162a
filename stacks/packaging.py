"""The functions' code as one folder: the responder, the checked configuration, and its pure-Python dependencies."""

from __future__ import annotations

import compileall
import hashlib
import importlib.resources
import importlib.util
import json
import py_compile
import shutil
import subprocess
import sys
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from responder.model.service import Service

_ROOT = Path(__file__).resolve().parent.parent
_SOURCE = _ROOT / "lambdas"


class PackagingError(Exception):
    """The functions' code could not be put together."""


def bundle(services: Sequence[Service], deployed: Mapping[str, Any], build: Path) -> Path:
    """Put the functions' code together below ``build`` and return its folder.

    ``deployed`` holds per service what ``responder.model.service.Deployment`` reads. The dependencies are installed
    once for each state of the lock ``lambdas/requirements.txt``, with its hashes. Bytecode is added for the Python that
    builds; another one ignores it. Raises PackagingError.
    """
    packages = _packages(build)
    target = build / "function"
    shutil.rmtree(target, ignore_errors=True)
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
    # A function's disk cannot keep bytecode; without this, each cold start would compile again.
    compileall.compile_dir(target, quiet=1, stripdir=str(target),
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return target


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
    partial = build / f"packages-{digest}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(partial),
         "--requirement", str(requirements)],
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"pip could not install {requirements}:\n{done.stderr.strip()[-2000:]}")
    for native in (*partial.rglob("*.so"), *partial.rglob("*.pyd")):
        native.unlink()  # MarkupSafe's optional C extension is built for one processor and Python
    for surplus in ("bin", "pip", "share"):
        shutil.rmtree(partial / surplus, ignore_errors=True)
    partial.rename(target)
    return target
