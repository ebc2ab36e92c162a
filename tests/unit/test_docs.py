"""What the docs name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_a_page_names_is_there(page: Path) -> None:
    """Paths in code quotes, or how they begin, from the top or from ``lambdas/responder``."""
    folders = "|".join(("tests", "docs", "stacks", "sandbox", "kubernetes", "bench", "drills", "scripts", "lambdas",
                        "plan", "clients", "model", "handlers", "records", "sources", "actions", "people"))
    named = set(re.findall(rf"`((?:{folders})/[\w/.-]+?)/?`", page.read_text()))
    missing = sorted(name for name in named if not any(
        any(root.glob(f"{name}*")) for root in (ROOT, ROOT / "lambdas" / "responder")))
    assert missing == []
