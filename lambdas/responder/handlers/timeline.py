"""Write timeline entries: the one function that may, so that no other can change what is written.

It only adds: an entry that is there stays as it is. Who calls it is told apart by IAM alone, so an entry says what the
calling function says. The time of writing is this function's own.
"""

from __future__ import annotations

from dataclasses import replace

from responder.handlers.step import records
from responder.model.codec import Json, Malformed, decode, encode
from responder.records.timeline import NewEntry, Written

_WHAT_CHARACTERS, _WHY_CHARACTERS, _LONGEST = 4000, 20_000, 200
_MOST_ENTRIES = 1000
"""Of one visit."""


class BadEntry(ValueError):
    """An entry that cannot be kept; the message names the field and what was expected."""


def handler(event: Json, context: object) -> Json:
    """Add one entry, see ``NewEntry``; ``written`` is False where it was there before."""
    try:
        entry = decode(NewEntry, event)
    except Malformed as error:
        raise BadEntry(str(error)) from error
    if not 0 <= entry.number < _MOST_ENTRIES:
        raise BadEntry(f"number: expected 0 to {_MOST_ENTRIES - 1}, found {entry.number!r}")
    # What is long is cut: an entry that is too large to be kept would be none at all.
    return encode(Written(records().append(replace(
        entry, incident=entry.incident[:_LONGEST], entered=entry.entered[:_LONGEST], step=entry.step[:_LONGEST],
        what=entry.what[:_WHAT_CHARACTERS], why=entry.why[:_WHY_CHARACTERS], by=entry.by[:_LONGEST],
        fact=entry.fact[:_LONGEST]))))
