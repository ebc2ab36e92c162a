"""Why remedies of an incident were not applied, as people are told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from responder.model.incident import Refusal
from responder.plan.remedies import phrase, sentence

_MOST_TOLD = 12


def not_done(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each remedy that an incident thought of and did not carry out, by all its items.

    First those that were planned and then refused, or that nobody approved; then those that were not proposed.
    """
    told = [f"{item.get('summary') or phrase(item['action'])}: {item.get('reason') or item['status']}"
            for item in items if item["sk"].startswith("ACTION#") and item["status"] in ("refused", "rejected")]
    return list(dict.fromkeys([*told, *not_proposed(items)]))[:_MOST_TOLD]


def not_proposed(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each remedy of the cause that was named last which was not even planned."""
    incident: Mapping[str, Any] = next((item for item in items if item["sk"] == "INCIDENT"), {})
    planned = {(item["action"], item.get("component")) for item in items if item["sk"].startswith("ACTION#")}
    return [sentence(Refusal(**refusal)) for refusal in incident.get("not_proposed") or ()
            if (refusal["action"], refusal["component"]) not in planned]
