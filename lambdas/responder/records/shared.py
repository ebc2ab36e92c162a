"""Look-ups that several incidents share: who asks just now, and what was answered last.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `SHARED#source#key` | `ASKING` | which incident asks, until when its lease lasts, and when was answered last |
| | `ANSWER` | the last answer, compressed, with what it tells of |

Answers are masked before they are kept. They count for some seconds, and are deleted a minute later.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import Any

from responder.model.codec import Json, Malformed
from responder.model.evidence import Window
from responder.model.frozen import dataclass
from responder.records.store import ITEM_CHARACTERS, Store

_KEPT_SECONDS = 60
_MOST_BYTES = 32 * 1024 * 1024
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Asking:
    """How a shared look-up stands."""

    asker: str = ""
    """The execution's own name for the one who asks, or asked last."""
    lease_until: float = 0.0
    """When the asker's lease ends, seconds since 1970 (UTC); 0: nobody asks."""
    asked_at: float = 0.0
    """When the last answer was asked for, seconds since 1970 (UTC)."""
    tells_from: float = 0.0
    """Since when the last answer tells, seconds since 1970 (UTC)."""
    too_large: bool = False
    """Whether the last answer has no room here: everybody asks alone."""
    expires: int = 0


@dataclass(frozen=True)
class SharedAnswer:
    """An answer that another incident's look-up brought."""

    value: Any
    window: Window
    asked_at: float
    """Seconds since 1970 (UTC)."""
    incident: str
    """The incident that asked."""
    ahead: bool = False
    """Whether it asked before it needed the answer."""
    raw: str = ""
    """Where the answer is kept word for word (``s3://…``); empty: nowhere."""


@dataclass(frozen=True)
class _Kept:
    """An answer as it is kept."""

    start: float
    end: float
    asked_at: float
    incident: str
    text: str
    """JSON, compressed by zlib, in Base64."""
    ahead: bool = False
    raw: str = ""
    expires: int = 0


class Shared(Store):
    """The look-ups that the function of one source shares."""

    def asking(self, source: str, key: str) -> Asking:
        """Return how a look-up stands."""
        return self.row(Asking, _partition(source, key), "ASKING") or Asking()

    def lease(self, source: str, key: str, asker: str, seconds_held: float) -> bool:
        """Become the one who asks; False where another one does."""
        now = time.time()
        return self.change({"pk": _partition(source, key), "sk": "ASKING"},
                           "SET asker = :me, lease_until = :until, expires = :expires",
                           "attribute_not_exists(pk) OR lease_until < :now", {
                               ":me": asker, ":until": now + seconds_held, ":now": now,
                               ":expires": int(now) + _KEPT_SECONDS})

    def keep(self, source: str, key: str, asker: str, answer: SharedAnswer) -> bool:
        """Keep an answer for the others, and end the lease; False where it has no room."""
        text = base64.b64encode(zlib.compress(json.dumps(answer.value, separators=(",", ":")).encode(), 6)).decode()
        expires, fits = int(time.time()) + _KEPT_SECONDS, len(text) <= ITEM_CHARACTERS
        if fits:
            self.put({"pk": _partition(source, key), "sk": "ANSWER", "start": answer.window.start,
                      "end": answer.window.end, "asked_at": answer.asked_at, "incident": answer.incident,
                      "text": text, "ahead": answer.ahead, "raw": answer.raw, "expires": expires})
        self.change({"pk": _partition(source, key), "sk": "ASKING"},
                    "SET lease_until = :ended, asked_at = :at, tells_from = :start, too_large = :large",
                    "asker = :me", {":ended": 0, ":at": answer.asked_at, ":start": answer.window.start,
                                    ":large": not fits, ":me": asker})
        return fits

    def give_up(self, source: str, key: str, asker: str) -> None:
        """End the lease without an answer, so that another one may ask."""
        self.change({"pk": _partition(source, key), "sk": "ASKING"}, "SET lease_until = :ended", "asker = :me",
                    {":ended": 0, ":me": asker})

    def answer(self, source: str, key: str) -> SharedAnswer | None:
        """Return the last answer; None where there is none that can be read."""
        try:
            kept = self.row(_Kept, _partition(source, key), "ANSWER")
            return SharedAnswer(_opened(kept.text), Window(kept.start, kept.end), kept.asked_at,
                                kept.incident, kept.ahead, kept.raw) if kept else None
        except (Malformed, zlib.error, ValueError):
            return None


def _partition(source: str, key: str) -> str:
    return f"SHARED#{source}#{key[:_MOST_CHARACTERS]}"


def _opened(text: str) -> Json:
    return json.loads(zlib.decompressobj().decompress(base64.b64decode(text), _MOST_BYTES))
