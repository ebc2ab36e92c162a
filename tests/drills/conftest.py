"""One sandbox for all that is tried live in the usual world."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandboxes import Place, Sandbox


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place of its own, so that a sandbox that somebody has up is left alone.

    ``TESTED_SANDBOX=STATE:PORT`` names one that is to be used, which saves the start of another.
    """
    state, _, port = os.environ.get("TESTED_SANDBOX", "").rpartition(":")
    return Place(Path(state), int(port), own=False) if state else Place(tmp_path_factory.mktemp("sandbox"), 14566)


@pytest.fixture(scope="session")
def sandbox(place: Place) -> Iterator[Sandbox]:
    """One sandbox for all drills."""
    yield place.ask
    if place.own:
        place.ask("down")
