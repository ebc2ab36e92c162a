"""The whole record of an incident as one compressed file, from which each decision can be replayed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict

from responder.clients.bounded_json import parsed
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.service import Service
from responder.plan.replay import BadRecord
from responder.records.store import Item

SCHEMA = 2
"""2: the finding ``instance`` has ``instance_class``, where 1 had ``class``."""
MOST_BYTES = 64 * 1024 * 1024
"""Size limit of a record without its compression. That of an incident of three days has about 10 MiB."""


def pack(service: Service, items: Sequence[Item]) -> bytes:
    """Return the configuration in force and all items of an incident as gzipped JSON; equal input gives equal bytes."""
    text = json.dumps({"schema": SCHEMA, "service": asdict(service), "items": list(items)},
                      separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), mtime=0)


def unpack(content: bytes) -> Item:
    """Return the configuration and items of a packed record, gzipped or plain JSON; raises BadRecord."""
    try:
        if content[:2] == b"\x1f\x8b":
            content = zlib.decompressobj(wbits=31).decompress(content, MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise BadRecord(f"expected a record of {MOST_BYTES // 2 ** 20} MiB at most")
        record = parsed(content, "the file")
    except CallFailed as failed:
        raise BadRecord(f"expected JSON, compressed by gzip or not: {failed.note}") from failed
    except zlib.error as error:
        raise BadRecord(f"expected JSON, compressed by gzip or not ({error})") from error
    if not isinstance(record, dict):
        raise BadRecord(f"expected an object with service and items, found {type(record).__name__}")
    if record.get("schema") == 1:
        _from_first(record)
    if record.get("schema") != SCHEMA:
        raise BadRecord(f"schema: expected 1 or {SCHEMA}, found {record.get('schema')!r}")
    return record


def _objects(value: Json) -> list[Item]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _from_first(record: Item) -> None:
    """Bring a record of schema 1 to today's."""
    for item in _objects(record.get("items")):
        for finding in _objects(item.get("findings")):
            detail = finding.get("detail")
            if finding.get("name") == "instance" and isinstance(detail, dict) and "class" in detail:
                detail["instance_class"] = detail.pop("class")
    record["schema"] = 2
