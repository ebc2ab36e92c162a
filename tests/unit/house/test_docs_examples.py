"""Drills and Python files that the docs show fit what reads them."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Any

import pytest
import yaml

from sandbox.drill.contract import Drill
from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))


def blocks(language: str) -> list[Any]:
    """The fenced blocks of a language on all pages."""
    fenced = re.compile(rf"^```{language}\n(.*?)^```", re.M | re.S)
    return [pytest.param(block, id=f"{path.relative_to(ROOT)} {number}") for path in PAGES
            for number, block in enumerate(fenced.findall(path.read_text(encoding="utf-8")))]


DRILLS = [one for one in blocks("yaml") if re.search(r"^(events|expect):", str(one.values[0]), re.M)]


@pytest.mark.parametrize("block", DRILLS)
def test_a_drill_that_the_docs_show_fits_the_contract(block: str) -> None:
    shown = yaml.safe_load(block)
    around = {"name": "shown", "about": "Shown.", "events": [{"at": "0s", "traffic": {"factor": 2}}],
              "expect": {"outcome": "resolved"}}
    Drill.model_validate(around | shown)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_that_the_docs_show_imports_what_is_there(block: str) -> None:
    made_here = re.compile(r"responder\.(plan\.remedies\.empty_cache|model\.evidence\.certificate)$")
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and node.module and not made_here.match(node.module):
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_the_docs_show_such_files() -> None:
    assert len(blocks("python")) >= 4 and len(DRILLS) >= 3
