"""The systems' answers, for people who look a finding up again: masked, redacted, compressed, bounded.

The values of variables, ConfigMaps and arguments are left out by their place in the answer (``model/redact.py``).

The clients hand over every answer; only those within ``keeping()`` are kept. A function collects for one query at a
time, so the answers belong to the module, and the threads of one query share them.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from responder.model.masking import mask
from responder.model.redact import redacted_json

EACH_BYTES = 64 * 1024
"""What is kept of one answer: masking takes time, and people read the beginning."""
ALL_BYTES = 512 * 1024
"""What is kept of all answers to one query."""
_TAIL_CHARACTERS = 400


@dataclass
class _Part:
    """One answer, as far as it is kept."""

    asked: str
    at: datetime
    content: bytearray = field(default_factory=bytearray)
    cut: bool = False


class Raw:
    """The answers to one query."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._left = ALL_BYTES
        self._lock = threading.Lock()

    def open(self, asked: str) -> int:
        """Begin an answer, and return its number for ``add``."""
        with self._lock:
            self._parts.append(_Part(asked, datetime.now(UTC)))
            return len(self._parts) - 1

    def add(self, number: int, content: bytes) -> None:
        """Add to an answer, as far as it is kept."""
        with self._lock:
            part = self._parts[number]
            room = max(0, min(EACH_BYTES - len(part.content), self._left))
            part.content += content[:room]
            self._left -= min(room, len(content))
            part.cut = part.cut or len(content) > room

    def packed(self) -> bytes:
        """Return all answers as compressed text, masked; empty where there are none."""
        texts = []
        for part in self._parts:
            text = redacted_json(part.content.decode("utf-8", "replace"))
            if part.cut:
                # A number or a secret that was cut in two might not be recognised any more.
                text = _without_tail(text) + "\n[cut here]"
            texts.append(f"### {part.at.isoformat(timespec='milliseconds')} {mask(part.asked)}\n{mask(text)}\n")
        return gzip.compress("\n".join(texts).encode(), compresslevel=6, mtime=0) if texts else b""


def _without_tail(text: str) -> str:
    """Return a text without its last word and the numbers before it, at most 400 characters."""
    end = text[-_TAIL_CHARACTERS:]
    words = len(end.rstrip()) if end.rstrip() else 0
    while words and not (end[words - 1].isspace() or end[words - 1] in "\"'"):
        words -= 1
    while words and (end[words - 1].isdigit() or end[words - 1] in " -"):
        words -= 1
    return text[:len(text) - len(end) + words]


_kept: Raw | None = None


@contextmanager
def keeping() -> Iterator[Raw]:
    """Keep what is answered within the block."""
    global _kept
    _kept = raw = Raw()
    try:
        yield raw
    finally:
        _kept = None


def answered(asked: str, content: bytes) -> None:
    """Hand over a whole answer."""
    raw = _kept
    if raw is not None:
        raw.add(raw.open(asked), content)


def answered_data(asked: str, data: dict[str, Any]) -> None:
    """Hand over an answer that is data already."""
    if _kept is not None:
        answered(asked, json.dumps(data, default=str, indent=1).encode())


def teed(asked: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of an answer that streams, handing them over on the way."""
    raw = _kept
    if raw is None:
        yield from chunks
        return
    number = raw.open(asked)
    for chunk in chunks:
        raw.add(number, chunk)
        yield chunk
