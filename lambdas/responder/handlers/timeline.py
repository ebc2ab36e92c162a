"""Write timeline entries. Only this function may write them, so no other function can change an entry.

Entries are append-only: an existing entry stays. IAM decides which functions may call it, and an entry's content is the
caller's. This function sets the time of writing.
"""

from __future__ import annotations

from dataclasses import replace

from responder.handlers.observed import observed
from responder.handlers.step import records
from responder.model.codec import Json, Malformed, decode, encode
from responder.records.timeline import NewEntry, Written

_WHAT_CHARACTERS, _WHY_CHARACTERS, _LONGEST = 4000, 20_000, 200
_MOST_ENTRIES = 1000
"""Maximum number of entries of one step."""


class BadEntry(ValueError):
    """The entry is invalid; the message names the field and what was expected."""


@observed()
def handler(event: Json, context: object) -> Json:
    """Add one entry, see ``NewEntry``; ``written`` is False where it existed before."""
    try:
        entry = decode(NewEntry, event)
    except Malformed as error:
        raise BadEntry(str(error)) from error
    if not 0 <= entry.number < _MOST_ENTRIES:
        raise BadEntry(f"number: expected 0 to {_MOST_ENTRIES - 1}, found {entry.number!r}")
    # Long texts are cut, because DynamoDB refuses an item that is too large.
    return encode(Written(records().append(replace(
        entry, incident=entry.incident[:_LONGEST], entered=entry.entered[:_LONGEST], step=entry.step[:_LONGEST],
        what=entry.what[:_WHAT_CHARACTERS], why=entry.why[:_WHY_CHARACTERS], by=entry.by[:_LONGEST],
        fact=entry.fact[:_LONGEST]))))
