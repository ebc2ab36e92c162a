"""A remedy's record: what its own function wrote, and what the deciding function said of it, in one item.

The item's attributes have their writer's name before a colon: ``rollback:status``, ``judged:status``. So the role of
each function can be held to its own attributes (IAM's condition key ``dynamodb:Attributes`` knows top-level attributes
only), and none can write what another one said. ``merged`` puts the two together, as the rest of the code reads them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

JUDGED = "judged"
"""The writer's name of what the deciding function says: the guardrails' ruling, and how it went."""
OPERANDS = "operands"
"""What a remedy compares, restores or applies, as one JSON text: exact, and never masked."""
_RUN = frozenset({"applied", "failed"})
"""Statuses of its own that a later look can turn into ``verified``."""


def merged(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a remedy's item as one flat record; any other item, and one of an older schema, as it is.

    ``disputed`` names the writers where more than one function wrote a plan under this number.
    """
    if not str(item.get("sk", "")).startswith("ACTION#") or "status" in item:
        return dict(item)
    plain: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for key, value in item.items():
        writer, colon, name = key.partition(":")
        if colon:
            parts.setdefault(writer, {})[name] = value
        else:
            plain[key] = value
    judged = parts.pop(JUDGED, {})
    writer = str(judged.get("action") or next(iter(sorted(parts)), ""))
    own = parts.get(writer, {})
    record = {**plain, **judged, **own, "action": writer, "number": int(str(item["sk"]).rpartition("#")[2]),
              "status": _status(own, judged), "reason": _reason(own, judged)}
    if record["status"] == "verified":
        record["kept"] = None
    operands = json.loads(own.get(OPERANDS) or "{}")
    record.pop(OPERANDS, None)
    record |= {"before": operands.get("before") or {}, "parameters": operands.get("parameters") or {}}
    if len(parts) > 1:
        record["disputed"] = sorted(parts)
    return record


def _status(own: Mapping[str, Any], judged: Mapping[str, Any]) -> str:
    mine, said = str(own.get("status") or "planned"), str(judged.get("status") or "")
    if mine == "planned":
        return said or mine
    return "verified" if said == "verified" and mine in _RUN else mine


def _reason(own: Mapping[str, Any], judged: Mapping[str, Any]) -> str:
    if _status(own, judged) == judged.get("status"):
        return str(judged.get("reason") or "")
    return str(own.get("reason") or judged.get("reason") or "")


def operands(before: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return a plan's operands as the record keeps them; ``merged`` gives back the same values.

    Raises TypeError for what is no plain JSON (a tuple or a key that is a number would come back as something else),
    ValueError for a number that JSON does not know.
    """
    given = {"before": before, "parameters": parameters}
    text = json.dumps(given, allow_nan=False, sort_keys=True)
    if json.loads(text) != given:
        raise TypeError("operands are plain JSON: lists, texts as keys, no other types")
    return text


def digest(record: Mapping[str, Any]) -> str:
    """Return what tells one plan from another: what the guardrails rule on is what is applied, or nothing is."""
    told = {key: record.get(key) for key in ("action", "component", "target", "summary", "diff", "before",
                                             "parameters", "proposal")}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
