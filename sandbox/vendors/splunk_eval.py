"""Splunk's expressions in ``eval``, ``where`` and ``count(eval(…))``, as strict as Splunk is.

Format: Splunk's "Search Reference": "eval", "where", "Comparison and Conditional functions", "Multivalue eval
functions". A comparison of texts minds case. A field that is not there is NULL, what is computed of NULL is NULL, and a
row counts only where the whole is true. A field of several values equals no single value: ``mvindex`` takes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Value = Any
"""A text, a number, a list of texts (several values), a truth, or None (NULL)."""
Expression = Callable[[Row], Value]
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


def plain(value: Value) -> Value:
    """Return a number without a fraction as a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKENS.match(text, at)
            if not found:
                raise SearchError(f"The expression is malformed at '{text[at:at + 20]}'.")
            kind = ("number", "text", "field", "word", "sign")[next(
                place for place, group in enumerate(found.groups()) if group is not None)]
            self.tokens.append((kind, next(group for group in found.groups() if group is not None)))
            at = found.end()

    def _next(self, *words: str) -> str:
        """Take the next token where it is one of these words or signs; else an empty text."""
        if self.tokens and self.tokens[0][0] in ("word", "sign") and self.tokens[0][1].upper() in words:
            return self.tokens.pop(0)[1].upper()
        return ""

    def any_of(self) -> Expression:
        parts = [self._all_of()]
        while self._next("OR"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda row: _or([part(row) for part in parts])

    def _all_of(self) -> Expression:
        parts = [self._not()]
        while self._next("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda row: _and([part(row) for part in parts])

    def _not(self) -> Expression:
        if not self._next("NOT"):
            return self._compared()
        inner = self._not()
        return lambda row: None if (value := inner(row)) is None else not value

    def _compared(self) -> Expression:
        left = self._sum()
        sign = self._next("=", "==", "!=", "<", ">", "<=", ">=")
        if not sign:
            return left
        right = self._sum()
        return lambda row: _compare(sign, left(row), right(row))

    def _sum(self) -> Expression:
        left = self._value()
        while sign := self._next("+", "-", "*", "/"):
            left = _calculated(sign, left, self._value())
        return left

    def _value(self) -> Expression:
        if not self.tokens:
            raise SearchError("The expression is malformed. An expected value is missing.")
        kind, text = self.tokens.pop(0)
        if kind == "number":
            constant = plain(float(text))
            return lambda row: constant
        if kind == "text":
            return lambda row: text
        if kind == "field":
            return lambda row: row.get(text)
        if text == "(":
            inner = self.any_of()
            self._closed()
            return inner
        if kind == "sign":
            raise SearchError(f"The expression is malformed. '{text}' was not expected.")
        if self._next("("):
            given: list[Expression] = []
            while not self._next(")"):
                given.append(self.any_of())
                if not self._next(","):
                    self._closed()
                    break
            return _function(text, given)
        return lambda row: row.get(text)

    def _closed(self) -> None:
        if not self._next(")"):
            raise SearchError("The expression is malformed. Expected ).")


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
        first, second = str(left), str(right)  # type: ignore[assignment]  # texts are compared as texts
    return {"=": first == second, "==": first == second, "!=": first != second, "<": first < second,  # type: ignore[operator]
            ">": first > second, "<=": first <= second, ">=": first >= second}[sign]  # type: ignore[operator]


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    def value(row: Row) -> Value:
        first, second = number(left(row)), number(right(row))
        if first is None or second is None or (sign == "/" and not second):
            return None
        return plain({"+": first + second, "-": first - second, "*": first * second,
                      "/": first / second if second else 0.0}[sign])
    return value


def _function(name: str, given: list[Expression]) -> Expression:
    def at(row: Row, place: int) -> Value:
        return given[place](row)

    def text(change: Callable[[str], str]) -> Expression:
        # A text function of a field with several values gives NULL.
        return lambda row: None if (value := at(row, 0)) is None or isinstance(value, list) else change(str(value))

    known: dict[str, tuple[int, Expression]] = {
        "lower": (1, text(str.lower)), "upper": (1, text(str.upper)), "tostring": (1, text(str)),
        "tonumber": (1, lambda row: plain(number(at(row, 0)))),
        "mvindex": (2, lambda row: _mvindex(at(row, 0), at(row, 1))),
        "mvcount": (1, lambda row: len(value) if isinstance(value := at(row, 0), list) else value and 1),
        "isnull": (1, lambda row: at(row, 0) is None), "isnotnull": (1, lambda row: at(row, 0) is not None),
        "coalesce": (0, lambda row: next((value for part in given if (value := part(row)) is not None), None)),
        "if": (3, lambda row: at(row, 1) if at(row, 0) is True else at(row, 2)),
        "round": (1, lambda row: None if (value := number(at(row, 0))) is None else plain(float(round(value)))),
        "floor": (1, lambda row: None if (value := number(at(row, 0))) is None else int(value // 1)),
        "substr": (3, lambda row: None if (value := at(row, 0)) is None else
                   str(value)[int(at(row, 1)) - 1:int(at(row, 1)) - 1 + int(at(row, 2))])}
    if name.lower() not in known:
        raise SearchError(f"The '{name}' function is unsupported or undefined.")
    count, function = known[name.lower()]
    if count and len(given) != count:
        raise SearchError(f"The arguments to the '{name}' function are invalid.")
    return function


def _mvindex(value: Value, place: Value) -> Value:
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    return values[int(place)] if -len(values) <= int(place) < len(values) else None
