"""A deployment for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from responder.model import service as model
from tests.unit.cli.incidents.stage import REGION, Stage

Make = Callable[..., Stage]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Make]:
    """Deploy services, the shipped one by default."""
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
                        "AWS_DEFAULT_REGION": REGION, "COLUMNS": "300"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield lambda *services: Stage(monkeypatch, tmp_path, *services)
    model.load.cache_clear()


@pytest.fixture
def stage(make: Make) -> Stage:
    """The shipped service, deployed."""
    return make()


