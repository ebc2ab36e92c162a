"""Patches of objects, strategic and by RFC 7386, as plain data."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def merged(value: Any, patch: Any) -> Any:
    """What a strategic merge patch makes of a value: lists of named items merge by name, null deletes.

    For kinds that the API server has no Go types of: it refuses strategic patches of custom resources.
    """
    if isinstance(patch, Mapping):
        base = value if isinstance(value, Mapping) else {}
        return {key: merged(base.get(key), patch[key]) if key in patch else copy.deepcopy(base[key])
                for key in [*base, *(key for key in patch if key not in base)] if patch.get(key, "") is not None}
    if isinstance(patch, list) and patch and all(isinstance(item, Mapping) and "name" in item for item in patch):
        base = {item["name"]: item for item in value or []}
        return list({**base, **{item["name"]: merged(base.get(item["name"]), item) for item in patch}}.values())
    return copy.deepcopy(patch)


def difference(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch (RFC 7386) that makes ``wanted`` of ``now``."""
    patch: dict[str, Any] = {key: None for key in now if key not in wanted}
    for key, value in wanted.items():
        present = now.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping):
            inner = difference(present, value)
            patch |= {key: inner} if inner else {}
        elif value != present:
            patch[key] = value
    return patch
