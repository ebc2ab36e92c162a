"""Splunk's expressions in ``eval``, ``where`` and ``count(eval(…))``, as strict as Splunk is.

Format: Splunk's "Search Reference": "eval", "where", "Comparison and Conditional functions", "Multivalue eval
functions". A comparison of texts minds case. A field that is not there is NULL, what is computed of NULL is NULL, and a
row counts only where the whole is true. A field of several values equals no single value: ``mvindex`` takes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.vendors.expressions import SIGNS, Expression, Parser, Row, plain

Value = Any
"""A text, a number, a list of texts (several values), a truth, or None (NULL)."""
_TOKENS = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|\"((?:[^\"\\]|\\.)*)\"|'([^']+)'|([A-Za-z_][\w.:@]*)|"
                     r"(==|!=|<=|>=|[-=<>(),+*/]))")


class SearchError(Exception):
    """A search that Splunk would refuse."""


def compiled(text: str) -> Expression:
    """Return the function of a row that an expression is; raises SearchError."""
    parser = _Parser(text)
    found = parser.any_of()
    if parser.tokens:
        raise SearchError(f"The expression is malformed. The factor '{parser.tokens[0][1]}' was not expected.")
    return found


def number(value: Value) -> float | None:
    """Return a value as a number; None where it is none."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


class _Parser(Parser):
    TOKENS = _TOKENS
    KINDS = ("number", "text", "field", "word", "sign")

    def spelled(self, word: str) -> str:
        return word.upper()

    def any_of(self) -> Expression:
        parts = [self._all_of()]
        while self.next("OR"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda row: _or([part(row) for part in parts])

    def _all_of(self) -> Expression:
        parts = [self._not()]
        while self.next("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda row: _and([part(row) for part in parts])

    def _not(self) -> Expression:
        if not self.next("NOT"):
            return self._compared()
        inner = self._not()
        return lambda row: None if (value := inner(row)) is None else not value

    def _compared(self) -> Expression:
        left = self.sum()
        sign = self.next(*SIGNS)
        if not sign:
            return left
        right = self.sum()
        return lambda row: _compare(sign, left(row), right(row))

    def calculated(self, sign: str, left: Expression, right: Expression) -> Expression:
        return _calculated(sign, left, right)

    def function(self, name: str, given: list[Expression]) -> Expression:
        return _function(name, given)

    def unreadable(self, text: str) -> SearchError:
        return SearchError(f"The expression is malformed at '{text}'.")

    def unexpected(self, text: str) -> SearchError:
        return SearchError(f"The expression is malformed. '{text}' was not expected.")

    def ended(self) -> SearchError:
        return SearchError("The expression is malformed. An expected value is missing.")

    def unclosed(self) -> SearchError:
        return SearchError("The expression is malformed. Expected ).")


def _null(row: Row) -> Value:
    return None


def _or(values: list[Value]) -> Value:
    return True if any(value is True for value in values) else None if None in values else False


def _and(values: list[Value]) -> Value:
    return False if any(value is False for value in values) else None if None in values else True


def _compare(sign: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        return sign == "!="
    first, second = number(left), number(right)
    if first is None or second is None:
        return SIGNS[sign](str(left), str(right))
    return SIGNS[sign](first, second)


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    def value(row: Row) -> Value:
        first, second = number(left(row)), number(right(row))
        if first is None or second is None or (sign == "/" and not second):
            return None
        return plain({"+": first + second, "-": first - second, "*": first * second,
                      "/": first / second if second else 0.0}[sign])
    return value


def _function(name: str, given: list[Expression]) -> Expression:
    # Each row asks: what is given is taken once, and not looked up for each.
    first, second, third = [*given, *[_null] * 3][:3]

    def text(change: Callable[[str], str]) -> Expression:
        # A text function of a field with several values gives NULL.
        return lambda row: None if (value := first(row)) is None or isinstance(value, list) else change(str(value))

    known: dict[str, tuple[int, Expression]] = {
        "lower": (1, text(str.lower)), "upper": (1, text(str.upper)), "tostring": (1, text(str)),
        "tonumber": (1, lambda row: plain(number(first(row)))),
        "mvindex": (2, lambda row: _mvindex(first(row), second(row))),
        "mvcount": (1, lambda row: len(value) if isinstance(value := first(row), list) else value and 1),
        "isnull": (1, lambda row: first(row) is None), "isnotnull": (1, lambda row: first(row) is not None),
        "coalesce": (0, lambda row: _coalesced(given, row)),
        "if": (3, lambda row: second(row) if first(row) is True else third(row)),
        "round": (1, lambda row: None if (value := number(first(row))) is None else plain(float(round(value)))),
        "floor": (1, lambda row: None if (value := number(first(row))) is None else int(value // 1)),
        "substr": (3, lambda row: None if (value := first(row)) is None else
                   str(value)[int(second(row)) - 1:int(second(row)) - 1 + int(third(row))])}
    if name.lower() not in known:
        raise SearchError(f"The '{name}' function is unsupported or undefined.")
    count, function = known[name.lower()]
    if count and len(given) != count:
        raise SearchError(f"The arguments to the '{name}' function are invalid.")
    return function


def _mvindex(value: Value, place: Value) -> Value:
    if not isinstance(value, list):
        return value if int(place) in (0, -1) else None
    return value[int(place)] if -len(value) <= int(place) < len(value) else None


def _coalesced(given: list[Expression], row: Row) -> Value:
    for part in given:
        value = part(row)
        if value is not None:
            return value
    return None
