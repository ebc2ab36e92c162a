"""Items of the timeline table as plain JSON: their keys, and what is left of one without them."""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.codec import Json

Item = Mapping[str, Json]
"""An item of the timeline table, as plain JSON."""
KEYS = frozenset({"pk", "sk", "expires"})
"""What the table needs of an item, and no reader."""


def sort_key(item: Item) -> str:
    """Return an item's sort key."""
    return str(item["sk"])


def keyed(sort_key: str) -> tuple[str, ...]:
    """Return the parts of an item's sort key."""
    return tuple(sort_key.split("#"))


def plain(item: Item) -> dict[str, Json]:
    """Return an item's attributes without the table's own, and without those that are null."""
    return {key: value for key, value in item.items() if key not in KEYS and value is not None}
