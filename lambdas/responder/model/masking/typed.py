"""Masking of typed values: each text in a dataclass is masked, and the value keeps its type."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TypeVar, cast

from responder.model.masking import mask, mask_all

T = TypeVar("T")


def masked(value: T) -> T:
    """Return a value with each text in it masked: in dataclasses, tuples, mappings of tuples, and plain JSON."""
    return cast(T, _masked(value))


def _masked(value: object) -> object:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, tuple):
        # Rows of numbers keep their type.
        return value if all(isinstance(part, int | float) for part in value) else tuple(map(_masked, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _masked(getattr(value, field.name)) for field in fields(value)})
    # Plain JSON has no tuples: a mapping with one is typed.
    if isinstance(value, dict) and any(isinstance(part, tuple) for part in value.values()):
        return {mask(key): _masked(part) for key, part in value.items()}
    return mask_all(value)
