"""Foreign JSON, read once and within limits: what comes out can be stored, sent and walked through.

Python reads more than JSON is: any depth until its stack ends, NaN and Infinity, and halves of surrogate pairs, which
no UTF-8 has, so that a text with one can be neither stored nor sent (RFC 8259, 8.2 and 9). Numbers have DynamoDB's
limits (the DynamoDB Developer Guide's page "Supported data types").
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST_DEPTH = 100
"""Kubernetes' managed fields, the deepest of what is read, nest about 25 deep."""
MOST_NUMBER = 9.9e125
"""DynamoDB's largest number, about."""
_MOST_DIGITS = 38
"""DynamoDB keeps 38 digits."""
MOST_INTEGER = 10 ** _MOST_DIGITS - 1
_HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs."""


class NotJson(ValueError):
    """A text that is not JSON, or is nested too deep."""


def parsed(text: str | bytes | bytearray) -> Any:
    """Return the value of a JSON text; raises NotJson.

    A number that is none (NaN, Infinity) is None. Texts still have to be made ``whole``: the codec and the masking do.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except RecursionError as error:
        raise NotJson("JSON that is nested too deep") from error
    except ValueError as error:
        raise NotJson("something that is not JSON") from error
    if is_deep(value):
        raise NotJson("JSON that is nested too deep")
    return value


def is_deep(value: Any) -> bool:
    """Whether plain data is nested deeper than ``MOST_DEPTH``."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [child for node in level if isinstance(node, dict | list)
                 for child in (node.values() if isinstance(node, dict) else node) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def whole_number(text: str) -> int | None:
    """Return a text of decimal digits as a number; None for any other text, and for one that the table cannot keep.

    Anybody may write an annotation or a variable. Python takes a superscript for a digit (``str.isdigit``), which is no
    number to it, and refuses a number of more than 4,300 digits.
    """
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def whole(text: str) -> str:
    """Return a text that UTF-8 has: halves of surrogate pairs become U+FFFD."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)
