"""Modules beside a package's own, as if somebody had added a file to it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest


def put(folder: Path, package: ModuleType, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module below ``folder``, where the package finds it until ``monkeypatch`` is undone."""
    folder /= package.__name__
    folder.mkdir()
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])


def forget(package: ModuleType, name: str) -> None:
    """Forget that the module was imported."""
    sys.modules.pop(f"{package.__name__}.{name}", None)
    vars(package).pop(name, None)
