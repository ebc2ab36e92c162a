"""Sandboxes for tests that try something live."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

Sandbox = Callable[..., subprocess.CompletedProcess[str]]
"""Runs ``python -m sandbox`` with some words, and returns how it ended."""


@dataclass(frozen=True)
class Place:
    """Where a sandbox keeps what it is, and its first port."""

    state: Path
    port: int
    own: bool = True
    """Whether it is started and ended for the tests."""

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m sandbox`` with some words, on this place."""
        return self.run("sandbox", *words)

    def run(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a module of the sandbox with some words, on this place."""
        environment = {**os.environ, "SANDBOX_STATE": str(self.state), "SANDBOX_PORT": str(self.port)}
        done = subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, env=environment, check=False,
                              capture_output=True, text=True, timeout=4500)
        sys.stdout.write(done.stdout)
        return done
