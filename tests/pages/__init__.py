"""Pages in a headless Chromium: what is wrong with each, on a phone, on a screen and on paper, in light and dark."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from responder.model.codec import decode
from responder.model.frozen import dataclass
from tests.conftest import ROOT

LAYOUTS = ("phone, light", "phone, dark", "screen, light", "screen, dark", "paper")
"""390 and 1,280 pixels wide, and A4."""


@dataclass(frozen=True)
class Layout:
    """One page in one layout."""

    scrollers: tuple[str, ...]
    """Parts of the page that must be scrolled sideways to be read whole."""
    sideways: int
    """Pixels by which the page is wider than the window."""
    overlaps: tuple[str, ...]
    """Texts of an SVG that lie on each other."""
    cut: tuple[str, ...]
    """Texts and pictures that end at the edge of the page, or of their SVG; on paper also what stays folded."""
    small: tuple[str, ...]
    """Texts of less than 11 pixels."""
    faint: tuple[str, ...]
    """Texts of an SVG whose contrast is below 4.5 to 1; axe-core looks at the others."""
    pictures: int
    """How many SVGs are shown."""

    @property
    def faults(self) -> list[str]:
        """All that is wrong with it, in words."""
        sideways = [f"scrolls sideways by {self.sideways} pixels"] if self.sideways > 0 else []
        return [*sideways, *(f"overlap: {text}" for text in self.overlaps), *(f"cut: {text}" for text in self.cut),
                *(f"too small: {text}" for text in self.small), *(f"too faint: {text}" for text in self.faint)]


@dataclass(frozen=True)
class Seen:
    """One page."""

    requests: tuple[str, ...]
    """Addresses that it asked for."""
    errors: tuple[str, ...]
    """In its console."""
    scripts: int
    sections: tuple[str, ...]
    """Its headings of the second level."""
    layouts: dict[str, Layout]
    """By the names of ``LAYOUTS``."""
    violations: tuple[str, ...]
    """What axe-core finds, in light and in dark."""


def needs_browser() -> None:
    """Skip the test on a machine without a browser to look with; ``make test`` installs one, so it never skips."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip("no Node.js with puppeteer-core and a Chromium: `make setup` installs them")


def look(folder: Path, pages: Mapping[str, str], axe: int | None = None) -> dict[str, Seen]:
    """Return what a headless Chromium says of each page, by its name; skips the test where there is no Chromium.

    ``axe`` is how many of them axe-core reads, from the first; all of them where it is not given. It is slow.
    """
    needs_browser()
    files = [folder / f"{name}.html" for name in pages]
    for file, page in zip(files, pages.values(), strict=True):
        file.write_text(page, encoding="utf-8")
    done = subprocess.run(["node", str(ROOT / "tests" / "pages" / "look.mjs"), str(folder),
                           *([] if axe is None else [f"--axe={axe}"]), *map(str, files)],
                          capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((folder / "look.json").read_text(encoding="utf-8"))
    assert set(found) == set(pages)
    return {name: decode(Seen, page) for name, page in found.items()}


def faults(seen: Mapping[str, Seen]) -> dict[str, list[str]]:
    """Return all that is wrong with pages' layouts, by page and layout; empty where nothing is."""
    return {f"{name}, {layout}": found for name, page in seen.items() for layout in LAYOUTS
            if (found := page.layouts[layout].faults)}
