"""What RDS's actions have in common: their namespace, pages and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.vendors.wire import Refused, page

NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"


def paged(items: Sequence[dict[str, Any]], parameters: dict[str, str]) -> tuple[Sequence[dict[str, Any]], str | None]:
    """A page of the items, and the marker of the next one; raises Refused."""
    size = number(parameters, "MaxRecords", 100, 20, 100)
    try:
        return page(items, parameters.get("Marker"), size)
    except ValueError as error:
        raise Refused("InvalidParameterValue", "The specified marker is invalid.") from error


def number(parameters: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number among the parameters; raises Refused."""
    text = parameters.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Refused("InvalidParameterValue", f"Invalid value {text} for {name}. Must be between {least} and {most}")
    return int(text)
