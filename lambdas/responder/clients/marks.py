"""The deployment's key for the marks of hidden values (``model/shown.py``), from Secrets Manager."""

from __future__ import annotations

import logging
import os
import time
from functools import lru_cache

from responder.clients import aws
from responder.clients.failure import CallFailed

VARIABLE = "MARK_KEY"
"""Names the secret. A function without it makes marks without content: a hidden value is not seen to have changed."""
_LEAST = 16
_AGAIN_SECONDS = 300.0
_log = logging.getLogger(__name__)


def key() -> bytes | None:
    """Return the key, at least 16 bytes; None where there is none or it cannot be read.

    It is requested once in five minutes, whether it could be read or not.
    """
    name = os.environ.get(VARIABLE, "")
    return _key(name, int(time.monotonic() // _AGAIN_SECONDS)) if name else None


@lru_cache(maxsize=4)
def _key(name: str, _period: int) -> bytes | None:
    try:
        found = aws.secret(name).encode()
    except CallFailed as failed:
        _log.warning("hidden values have no marks: %s", failed.note)
        return None
    return found if len(found) >= _LEAST else None
