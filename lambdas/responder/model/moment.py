"""When something was, as the records write it: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def epoch(moment: Any) -> float | None:
    """Return a moment as seconds since 1970 (UTC); None where there is none."""
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) and moment else None
