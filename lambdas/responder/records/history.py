"""All incidents in a line each: to recognise one that comes again, and for the list of all in the bucket.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `HISTORY#service` | the incident's id | a ``PastIncident`` (``plan/review/contents.py``) |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responder.model.masking import mask_all
from responder.records.store import KEPT_DAYS
from responder.records.table import Records

_MOST = 2000


def keep(records: Records, row: Mapping[str, Any]) -> None:
    """Keep an incident's row, over what was there of it."""
    kept: dict[str, Any] = mask_all(dict(row))
    records.put({"pk": f"HISTORY#{row['service']}", "sk": row["id"], **kept}, KEPT_DAYS)


def rows(records: Records, service: str) -> list[dict[str, Any]]:
    """Return the rows of a service's incidents, the newest ones, oldest first."""
    found = [{key: value for key, value in item.items() if key not in ("pk", "sk", "expires")}
             for item in records.partition(f"HISTORY#{service}")]
    return sorted(found, key=lambda item: str(item["opened_at"]))[-_MOST:]
