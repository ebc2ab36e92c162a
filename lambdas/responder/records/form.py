"""Plain data in DynamoDB's own form, and back.

Source: the DynamoDB API Reference's page "AttributeValue".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from responder.model.plain_json import MOST_INTEGER, MOST_NUMBER

Item = dict[str, Any]
"""An item, in DynamoDB's own form or as plain JSON."""


def formed(value: Item) -> Item:
    """Return plain data in DynamoDB's own form."""
    return {key: _value(part) for key, part in value.items()}


def _value(value: Any) -> Item:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": _number(value)}
        case str():
            return {"S": value}
        case list() | tuple():
            return {"L": [_value(part) for part in value]}
        case dict():
            return {"M": {str(key): _value(part) for key, part in value.items()}}
    raise TypeError(f"DynamoDB keeps no {type(value).__name__}")


def _number(value: int | float) -> str:
    """Return a number as DynamoDB keeps it: at most 38 digits, and nothing endless.

    The codec refuses others, so that they stand in what nobody has read yet. Another number is on record then, which
    is better than an incident that ends because it cannot be recorded.
    """
    if isinstance(value, int) and abs(value) <= MOST_INTEGER:
        return str(value)
    within = 0 if value != value else max(-MOST_NUMBER, min(MOST_NUMBER, value))
    if isinstance(within, int) and abs(within) > MOST_INTEGER:
        within = float(within)
    return str(Decimal(repr(within)))


def plain(item: Item) -> Item:
    """Return DynamoDB's form as plain data; numbers are int where they are whole."""
    return {key: _unvalue(part) for key, part in item.items()}


def _unvalue(value: Item) -> Any:
    (kind, part), = value.items()
    match kind:
        case "S":
            return part
        case "NULL":
            return None
        case "N":
            if part.isdecimal():
                return int(part)
            number = Decimal(part)
            return int(number) if number == number.to_integral_value() else float(number)
        case "L":
            return [_unvalue(item) for item in part]
        case "M":
            return {key: _unvalue(item) for key, item in part.items()}
    return part
