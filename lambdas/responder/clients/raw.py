"""What the systems answered, for whoever wants to look a finding up again: masked, redacted, compressed, bounded.

The values of variables, ConfigMaps and arguments are left out by their place in the answer (``model/redact.py``).

The clients hand over every answer; nothing is kept unless somebody began to. One function asks one question at a time,
so what is being kept is the module's, and threads of one question share it.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from responder.model.masking import mask
from responder.model.redact import redacted_json

EACH_BYTES = 64 * 1024
"""Of one answer so much is kept: masking takes time, and people read the beginning."""
ALL_BYTES = 512 * 1024
_TAIL_CHARACTERS = 400


class Raw:
    """The answers to one question."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, datetime, bytearray, bool]] = []
        self._left = ALL_BYTES
        self._lock = threading.Lock()

    def open(self, asked: str) -> int:
        """Begin an answer, and return its number for ``add``."""
        with self._lock:
            self._parts.append((asked, datetime.now(UTC), bytearray(), False))
            return len(self._parts) - 1

    def add(self, number: int, content: bytes) -> None:
        """Add to an answer, as far as it is kept."""
        with self._lock:
            asked, at, kept, cut = self._parts[number]
            room = max(0, min(EACH_BYTES - len(kept), self._left))
            kept += content[:room]
            self._left -= min(room, len(content))
            if len(content) > room and not cut:
                self._parts[number] = (asked, at, kept, True)

    def packed(self) -> bytes:
        """Return all answers as compressed text, masked; empty where there are none."""
        texts = []
        for asked, at, kept, cut in self._parts:
            text = redacted_json(kept.decode("utf-8", "replace"))
            if cut:
                # What the cut left of a number or a secret might no longer be known as one.
                text = _without_tail(text) + "\n[cut here]"
            texts.append(f"### {at.isoformat(timespec='milliseconds')} {mask(asked)}\n{mask(text)}\n")
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
