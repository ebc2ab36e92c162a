"""The deployment's key for the marks of hidden values (``model/shown.py``), from Secrets Manager."""

from __future__ import annotations

import logging
import os

from responder.clients import aws
from responder.clients.failure import CallFailed

VARIABLE = "MARK_KEY"
"""Names the secret. A function without it makes marks without content: a hidden value is not seen to have changed."""
_LEAST = 16
_log = logging.getLogger(__name__)


def key() -> bytes | None:
    """Return the key, at least 16 bytes; None where there is none or it cannot be read. Read again every five minutes
    at most."""
    name = os.environ.get(VARIABLE, "")
    if not name:
        return None
    try:
        found = aws.secret(name).encode()
    except CallFailed as failed:
        _log.warning("hidden values have no marks: %s", failed.note)
        return None
    return found if len(found) >= _LEAST else None
