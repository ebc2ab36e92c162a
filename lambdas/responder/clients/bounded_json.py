"""JSON from outside with a limit on memory.

It has two dangers: deep nesting (``[[[[…``), and a body of ``[{},{},…``, which takes 25 times its length in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from responder.clients.failure import CallFailed
from responder.model.plain_json import NotJson
from responder.model.plain_json import parsed as parsed_json

JSON_MEMORY_BYTES = 320 * 1024 * 1024
"""Memory limit of one parsed answer: the smallest function has 512 MiB and takes about 90 MiB itself."""


def parsed(body: bytes | bytearray, name: str) -> Any:
    """Return the JSON of a body; raises CallFailed with ``malformed``, also where it is too deep or takes too much."""
    if _memory_bytes(body) > JSON_MEMORY_BYTES:
        raise CallFailed("malformed", f"{name} answered with JSON that would take too much memory")
    try:
        return parsed_json(body)
    except NotJson as error:
        raise CallFailed("malformed", f"{name} answered with {error}") from error


def _memory_bytes(body: bytes | bytearray) -> int:
    """About how much parsed JSON takes at most: its text twice, and each value, container and key.

    Brackets and commas within texts count as well, so the estimate is rather too high.
    """
    count: Callable[[bytes], int] = body.count
    return 2 * len(body) + 64 * count(b",") + 100 * (count(b"{") + count(b"[")) + 160 * count(b":")
