"""Whether a log line says that something went wrong."""

from __future__ import annotations

import re

_LEVELS = frozenset({"ERROR", "ERR", "FATAL", "CRITICAL", "SEVERE", "PANIC", "ALERT", "EMERG"})
_WORDS = re.compile(r"exception|traceback|panic:|stack ?trace|\b(?:error|fatal|failed|failure)\b", re.IGNORECASE)


def is_error(level: str, text: str) -> bool:
    """Tell it by the level; where there is none, by the words."""
    return level.upper() in _LEVELS or (not level and _WORDS.search(text) is not None)
