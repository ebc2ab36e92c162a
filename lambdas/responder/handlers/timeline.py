"""Write timeline entries: the one function that may, so that no other can change what is written.

It only adds: an entry that is there stays as it is. Who calls it is told apart by IAM alone, so an entry says what the
calling function says. The time of writing is this function's own.
"""

from __future__ import annotations

from typing import Any

from responder.handlers.step import records

_TEXTS = ("incident", "entered", "step", "what", "why", "by", "kind")
_LIMITS = {"what": 4000, "why": 20_000}
_LONGEST = 200


class BadEntry(ValueError):
    """An entry that cannot be kept; the message names the field and what was expected."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Add one entry, see ``Records.note``; returns {"written": False} where it was there before."""
    for name in _TEXTS:
        if not isinstance(event.get(name), str):
            raise BadEntry(f"{name}: expected a text, found {type(event.get(name)).__name__}")
    number, detail = event.get("number"), event.get("detail")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1000:
        raise BadEntry(f"number: expected 0 to 999, found {number!r}")
    if not isinstance(detail, dict):
        raise BadEntry(f"detail: expected an object, found {type(detail).__name__}")
    # What is long is cut: an entry that is too large to be kept would be none at all.
    texts = {name: event[name][:_LIMITS.get(name, _LONGEST)] for name in _TEXTS}
    return {"written": records().append(number=number, detail=detail, **texts)}
