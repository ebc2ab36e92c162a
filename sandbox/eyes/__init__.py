"""Which vendors see the platform: those of the shipped configuration, or others by ``--eyes NAME``.

``NAME.yaml`` is laid over ``sandbox/overrides.yaml``. A Prometheus runs only where such a file names it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from sandbox.parts import Sandbox
from sandbox.places import STATE, Ports, SandboxError
from sandbox.platform.telemetry import HISTORY_SECONDS, STEP_SECONDS
from sandbox.vendors.gate import Answer
from sandbox.vendors.prometheus import Exporter, Server

FOLDER = "eyes"
"""Where records of drills that others saw lie, one folder for each name."""
SCRAPED = "/metrics/platform"
"""Where the platform's metrics are, on the world's own port."""


def names() -> list[str]:
    """Return the names that ``--eyes`` takes."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.yaml"))


def overrides(name: str) -> str:
    """Return the configuration of some eyes, with its placeholders; an empty text for those of the shipped one."""
    if not name:
        return ""
    if name not in names():
        raise SandboxError(f"--eyes {name}: expected one of {', '.join(names())}")
    return Path(__file__).with_name(f"{name}.yaml").read_text()


def of_run() -> str:
    """Return the name of the eyes of this run; an empty text for those of the shipped configuration."""
    return os.environ.get("SANDBOX_EYES", "")


class Eyes:
    """The Prometheus of a drill, if it has one; it begins anew with the platform's history."""

    def __init__(self, sandbox: Sandbox, ports: Ports) -> None:
        self._sandbox = sandbox
        self._exporter = Exporter(sandbox.telemetry)
        self._server = Server(STATE / "prometheus", ports.prometheus, f"http://127.0.0.1:{ports.world}{SCRAPED}")

    def begin(self, name: str) -> None:
        """Begin anew, after the telemetry has."""
        if "prometheus:" not in overrides(name):
            self._server.stop()
            return
        with self._sandbox.lock:
            end = self._sandbox.telemetry.transactions[-1].at + STEP_SECONDS
            history = self._exporter.history(end - HISTORY_SECONDS, end)
        self._server.begin(history)

    def scraped(self) -> Answer:
        """Answer a scrape."""
        with self._sandbox.lock:
            # The last second may not be over yet.
            self._exporter.advance(float(int(time.time()) - 1))
            return Answer(200, self._exporter.text().encode(), "text/plain; version=0.0.4")
