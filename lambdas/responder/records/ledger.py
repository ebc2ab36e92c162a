"""The change ledger: what the watched objects looked like at the last look, and each difference since.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `LEDGER#service` | `LOOK` | when the last look was |
| | `OBJECT#Kind/name` | a watched object as it was last seen (see ``clients/watched.py``) |
| | `CHANGE#time#Kind/name` | a difference, with what was there before |

Bodies and changes are kept exact but for the leaves that must not be stored, which are hidden (``model/shown.py``).
An item by older rules is hidden by today's before it is compared, so that a new rule is no change.

A look that runs twice writes the same items again; one that finds nothing new writes only when it looked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from responder.clients import marks
from responder.model.shown import RULES, hide
from responder.plan.changes import Change
from responder.records.table import Records, iso

KEPT_DAYS = 30
GAP_SECONDS = 180.0
"""Looks come each minute; after three that are missing what happened in between is not known to the minute."""


class Ledger:
    """The ledger of one service."""

    def __init__(self, records: Records, service: str) -> None:
        self._records, self._pk = records, f"LEDGER#{service}"

    def last_look(self) -> tuple[float | None, dict[str, dict[str, Any]]]:
        """Return when the last look was (None: never), and the objects as they were then, by ``Kind/name``."""
        look = None
        objects = {}
        for item in self._records.partition(self._pk):
            if item["sk"] == "LOOK":
                look = float(item["at"])
            elif item["sk"].startswith("OBJECT#"):
                objects[item["sk"].removeprefix("OBJECT#")] = {**item, "body": _body(item)}
        return look, objects

    def changes(self, since: float) -> list[Change]:
        """Return the recorded changes since a time, seconds since 1970 (UTC), oldest first."""
        return [Change.from_json(json.loads(item["change"]))
                for item in self._records.partition(self._pk, f"CHANGE#{iso(since)}", "CHANGE#~")]

    def keep(self, now: float, before: Mapping[str, Mapping[str, Any]], objects: Mapping[str, Mapping[str, Any]],
             changes: list[Change]) -> None:
        """Record the changes first, then the objects, then the look: a look that dies half way is made again."""
        for change in changes:
            key = f"{change.kind}/{change.name}"
            self._records.put({"pk": self._pk, "sk": f"CHANGE#{iso(change.latest)}#{key}",
                               "change": json.dumps(change.to_json())}, KEPT_DAYS)
        for key, item in objects.items():
            old = before.get(key)
            if old is None or old["body"] != item["body"] or any(
                    old.get(name) != item.get(name) for name in ("created", "unread_since", "rules")):
                self._records.put({"pk": self._pk, "sk": f"OBJECT#{key}",
                                   **{**item, "body": json.dumps(item["body"])}})
        for key in before.keys() - objects.keys():
            self._records.delete(self._pk, f"OBJECT#{key}")
        self._records.put({"pk": self._pk, "sk": "LOOK", "at": now})


def _body(item: Mapping[str, Any]) -> Any:
    body = json.loads(item["body"])
    return body if item.get("rules") == RULES else hide(body, marks.key())
