"""What was found and what was expected, in the words of who writes the file."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from stacks.reading.problem import Path
from stacks.reading.values import Plain, Values

_MOST = 80
_KINDS = {"bool_parsing": "true or false", "bool_type": "true or false", "dataclass_type": "a mapping of fields",
          "dataclass_exact_type": "a mapping of fields", "dict_type": "a mapping of names to values",
          "float_parsing": "a number", "float_type": "a number", "int_from_float": "a whole number",
          "int_parsing": "a whole number", "int_type": "a whole number", "string_type": "a text"}
"""The validator's type of error to what it expected."""
_NUMBERS = ("float_parsing", "float_type", "int_from_float", "int_parsing", "int_type")


def kind_of(value: object) -> str:
    """Return what kind of value stands somewhere."""
    return {list: "a list", dict: "a mapping", str: "a text", bool: "a truth value", int: "a number",
            float: "a number", type(None): "nothing"}.get(type(value), type(value).__name__)


def text_of(value: Plain, written: str | None = None) -> str:
    """Return a value as a person reads it: short, and of lists and mappings only what they are."""
    if value is None or isinstance(value, list | dict):
        return kind_of(value)
    text = written if written is not None and not isinstance(value, str) else repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def at(value: Plain, path: Sequence[str | int]) -> Plain:
    """Return what stands at a path of plain data; None where nothing does."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def shown(item: ErrorDetails, path: Path, found: Values) -> str:
    """Return what the validator found at ``path``."""
    if item["type"] == "missing":
        return "nothing"
    odd = found.odd.get(path)
    if odd:
        return f"{odd.text}, which YAML reads as {odd.meaning}"
    return text_of(at(found.value, path), found.written.get(path))


def expected(item: ErrorDetails, path: Path, found: Values, of_mappings: bool) -> str:
    """Return what was expected at ``path`` where the validator found something else.

    ``of_mappings``: whether the field is a list of mappings.
    """
    given = at(found.value, path)
    name = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
    kind = item["type"]
    if kind == "missing":
        return "this field"
    if kind in ("tuple_type", "list_type"):
        if isinstance(given, str | int | float):
            return f"a list: [{found.written.get(path, given)}]"
        if of_mappings:
            return "a list of mappings: each behind a hyphen, or [{…}, {…}]"
        return "a list: each item behind a hyphen, or [x, y]" if isinstance(given, dict) else "a list"
    if kind == "literal_error":
        return _one_of(item, given, found.odd[path].text if path in found.odd else "")
    if kind in _NUMBERS and isinstance(given, str):
        return _number(given, name, found.written.get(path) is None)
    if kind == "string_type" and path in found.written and given is not None:
        return f'a text, which takes quotes: "{found.written[path]}"'
    return _KINDS.get(kind) or item["msg"].removeprefix("Input should be ")


def _one_of(item: ErrorDetails, given: Plain, odd: str) -> str:
    listed = str(item.get("ctx", {}).get("expected", ""))
    known = [part.strip(" '") for part in listed.replace(" or ", ",").split(",")]
    if odd and odd in known:
        return f"'{odd}' in quotes, {' or '.join(repr(name) for name in known if name != odd)}"
    near = get_close_matches(given, known, 1, 0.6) if isinstance(given, str) else []
    return f"{near[0]!r}? ({listed})" if near else listed


def _number(given: str, name: str, quoted: bool) -> str:
    if given.endswith("%"):
        return "a share such as 0.05 for 5%"
    if name.endswith("_seconds"):
        return "seconds as a number, such as 300"
    if name.endswith("_ms"):
        return "milliseconds as a number, such as 1500"
    if quoted:
        return f"a number, without quotes: {given}"
    return "a number, such as 1000 or 0.05"
