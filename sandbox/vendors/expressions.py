"""How vendors' expressions are read: what Splunk's and Logs Insights' languages have in common, by recursive descent.

Each language says what its tokens are, how it compares and calculates, and how it refuses.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

Row = dict[str, Any]
Expression = Callable[[Row], Any]
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le,
    ">=": operator.ge}
"""Comparisons of two numbers, or of two texts."""


def plain(value: Any) -> Any:
    """Return a number without a fraction as a whole one; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def percentile(values: Iterable[tuple[float, int]], share: float) -> float | None:
    """Return the value below which a share of the events lies; they come as (value, how many have it)."""
    ordered = sorted(values)
    left = share * sum(count for _, count in ordered)
    for value, count in ordered:
        left -= count
        if left <= 0:
            return value
    return None


class Parser(ABC):
    """Reads one expression; what is left of it in ``tokens`` at the end does not belong to it."""

    TOKENS: ClassVar[re.Pattern[str]]
    """One group for each of ``KINDS``."""
    KINDS: ClassVar[tuple[str, ...]]
    """Of ``number``, ``text``, ``field`` (in quotes of its own), ``word``, ``regex`` and ``sign``."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at, text = 0, text.strip()
        while at < len(text):
            found = self.TOKENS.match(text, at)
            if not found:
                raise self.unreadable(text[at:at + 20])
            place = next(place for place, group in enumerate(found.groups()) if group is not None)
            self.tokens.append((self.KINDS[place], found.groups()[place]))
            at = found.end()

    def next(self, *words: str) -> str:
        """Take the next token where it is one of these words or signs; else an empty text."""
        if self.tokens and self.tokens[0][0] in ("word", "sign") and self.spelled(self.tokens[0][1]) in words:
            return self.spelled(self.tokens.pop(0)[1])
        return ""

    def sum(self) -> Expression:
        """Read values that signs of calculation join."""
        left = self._value()
        while sign := self.next("+", "-", "*", "/"):
            left = self.calculated(sign, left, self._value())
        return left

    def _value(self) -> Expression:
        if not self.tokens:
            raise self.ended()
        kind, text = self.tokens.pop(0)
        if kind == "number":
            constant = plain(float(text))
            return lambda row: constant
        if kind == "text":
            return lambda row: text
        if text == "(":
            inner = self.any_of()
            self._closed()
            return inner
        if kind not in ("word", "field"):
            raise self.unexpected(text)
        if kind == "word" and self.next("("):
            given: list[Expression] = []
            while not self.next(")"):
                given.append(self.any_of())
                if not self.next(","):
                    self._closed()
                    break
            return self.function(text, given)
        return lambda row: row.get(text)

    def _closed(self) -> None:
        if not self.next(")"):
            raise self.unclosed()

    def spelled(self, word: str) -> str:
        """Return a word as the language's own are spelled."""
        return word

    @abstractmethod
    def any_of(self) -> Expression:
        """Read a whole expression."""

    @abstractmethod
    def calculated(self, sign: str, left: Expression, right: Expression) -> Expression:
        """Return what a sign of calculation makes of two values."""

    @abstractmethod
    def function(self, name: str, given: list[Expression]) -> Expression:
        """Return a function of what it is given."""

    @abstractmethod
    def unreadable(self, text: str) -> Exception:
        """Return the refusal of what is no token."""

    @abstractmethod
    def unexpected(self, text: str) -> Exception:
        """Return the refusal of a token that has no place here."""

    @abstractmethod
    def ended(self) -> Exception:
        """Return the refusal of an expression that ends too early."""

    @abstractmethod
    def unclosed(self) -> Exception:
        """Return the refusal of a parenthesis that is not closed."""
