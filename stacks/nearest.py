"""What a check of the configuration finds, and the nearest word to one that it does not know."""

from __future__ import annotations

import difflib
from collections.abc import Collection

Found = tuple[tuple[str | int, ...], str, str]
"""A field's path, what was found there, and what was expected."""


def nearest(word: str, known: Collection[str], otherwise: str = "") -> str:
    """Return the nearest known word as a question, or else ``otherwise``, by default the list of all known words."""
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f"{near[0]!r}?" if near else otherwise or f"one of {', '.join(sorted(known))}"
