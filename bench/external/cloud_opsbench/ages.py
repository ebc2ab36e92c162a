"""Times as ``kubectl`` tells them: ages against now, and RFC 1123 (k8s.io/apimachinery, ``duration.HumanDuration``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNIT_SECONDS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[ywdhms])")
_AGE = re.compile(rf"(?:{_PART.pattern})+")
_FALLBACK = 1_700_000_000.0
"""Now, where nothing tells it: times are then right against each other only."""
_APART_SECONDS = 900.0
"""A clock that is this far from what the objects' ages say is read in another zone, or is another moment."""


def age(text: str) -> float | None:
    """Return an age in seconds: ``3m12s``, ``5d3h``; None for what is none (``<unknown>``, ``<invalid>``)."""
    text = text.strip()
    if not _AGE.fullmatch(text):
        return None
    return sum(float(part[1]) * _UNIT_SECONDS[part[2]] for part in _PART.finditer(text))


def exactness(text: str) -> float:
    """Return how exact an age is, in seconds: its smallest unit."""
    return min((_UNIT_SECONDS[part[2]] for part in _PART.finditer(text)), default=_UNIT_SECONDS["y"])


def moment(text: object) -> float:
    """Return a time in seconds since 1970 (UTC): RFC 1123, ISO 8601, or a number; 0 for none. Without a zone: UTC."""
    said = str(text or "").strip()
    if re.fullmatch(r"\d{9,}(\.\d+)?", said):
        number = float(said)
        return number / 1000 if number > 1e11 else number
    for read in (datetime.fromisoformat, parsedate_to_datetime, _spaced):
        try:
            found = read(said)
        except (ValueError, TypeError, IndexError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return 0.0


def _spaced(text: str) -> datetime:
    """Read ``2024-05-01 10:00:00 +0000 UTC``, as Go prints a time, and systemd's ``Wed 2024-05-01 10:00:00 UTC``."""
    found = re.search(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?(?: ([+-]\d\d):?(\d\d))?", text)
    if not found:
        raise ValueError(text)
    zone = f"{found[3]}:{found[4]}" if found[3] else "+00:00"
    return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")


def iso(seconds: float) -> str:
    """Return a time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def now(said: float, pairs: Iterable[tuple[float, str]]) -> float:
    """Return the time of a case: what it says, unless objects' creation and age say another.

    ``pairs``: times of creation (seconds since 1970) with the ages that stand beside them.
    """
    told = sorted((exactness(text), created + (age(text) or 0.0)) for created, text in pairs if created and age(text))
    if not told:
        return said or _FALLBACK
    best = sorted(value for exact, value in told if exact == told[0][0])
    middle = best[len(best) // 2]
    return said if said and abs(said - middle) <= max(_APART_SECONDS, told[0][0]) else middle
