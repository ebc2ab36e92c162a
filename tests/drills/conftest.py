"""One sandbox for all that is tried live."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

Sandbox = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Place:
    """Where a sandbox keeps what it is, and its first port."""

    state: Path
    port: int
    own: bool
    """Whether it is started and ended for the tests."""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place of its own, so that a sandbox that somebody has up is left alone.

    ``TESTED_SANDBOX=STATE:PORT`` names one that is to be used, which saves the start of another.
    """
    state, _, port = os.environ.get("TESTED_SANDBOX", "").rpartition(":")
    return Place(Path(state), int(port), False) if state else Place(tmp_path_factory.mktemp("sandbox"), 14566, True)


@pytest.fixture(scope="session")
def sandbox(place: Place) -> Iterator[Sandbox]:
    """One sandbox for all drills."""
    environment = {**os.environ, "SANDBOX_STATE": str(place.state), "SANDBOX_PORT": str(place.port)}

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, "-m", "sandbox", *words], cwd=ROOT, env=environment, check=False,
                              capture_output=True, text=True, timeout=4500)
        sys.stdout.write(done.stdout)
        return done

    yield ask
    if place.own:
        ask("down")
