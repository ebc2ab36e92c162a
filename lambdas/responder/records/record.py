"""The whole record of an incident as one compressed file, from which each decision can be replayed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict

from responder.model.service import Service
from responder.plan.replay import BadRecord
from responder.records.store import Item

SCHEMA = 2
"""2: the finding ``instance`` has ``instance_class``, where 1 had ``class``."""
_MAXIMUM_BYTES = 256 * 1024 * 1024


def pack(service: Service, items: Sequence[Item]) -> bytes:
    """Return the configuration in force and all items of an incident as gzipped JSON; equal input gives equal bytes."""
    text = json.dumps({"schema": SCHEMA, "service": asdict(service), "items": list(items)},
                      separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), mtime=0)


def unpack(content: bytes) -> Item:
    """Return the configuration and items of a packed record, gzipped or plain JSON; raises BadRecord."""
    try:
        if content[:2] == b"\x1f\x8b":
            content = zlib.decompressobj(wbits=31).decompress(content, _MAXIMUM_BYTES)
        record = json.loads(content)
    except (ValueError, zlib.error) as error:
        raise BadRecord(f"expected JSON, compressed by gzip or not ({error})") from error
    if not isinstance(record, dict):
        raise BadRecord(f"expected an object with service and items, found {type(record).__name__}")
    if record.get("schema") == 1:
        _from_first(record)
    if record.get("schema") != SCHEMA:
        raise BadRecord(f"schema: expected 1 or {SCHEMA}, found {record.get('schema')!r}")
    return record


def _from_first(record: Item) -> None:
    """Bring a record of schema 1 to today's."""
    items = record.get("items")
    for item in items if isinstance(items, list) else ():
        for finding in item.get("findings") or () if isinstance(item, dict) else ():
            detail = finding.get("detail") or {}
            if finding.get("name") == "instance" and "class" in detail:
                detail["instance_class"] = detail.pop("class")
    record["schema"] = 2
