"""A name for what files hold, by which a result is found again that was made of the very same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_CHARACTERS = 16


def of_files(root: Path, names: Iterable[str], *also: str) -> str:
    """Return a digest of files below a folder, by their paths and contents, and of texts; compiled code is left out.

    ``names`` are files, or folders with all that is in them.
    """
    digest = hashlib.sha256(of_texts(*also).encode())
    for path in sorted({path for name in names for path in (root / name, *(root / name).rglob("*"))}):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_CHARACTERS]


def of_texts(*texts: str) -> str:
    """Return a digest of texts, in their order."""
    return hashlib.sha256("".join(f"{len(text)}\0{text}" for text in texts).encode()).hexdigest()[:_CHARACTERS]
