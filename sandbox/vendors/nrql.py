"""NRQL, as far as the stand-in knows it; what it does not know is a syntax error, as New Relic gives.

Formats: New Relic's pages "NRQL reference" (clauses and functions; FACET leaves out rows whose value is null; comparing
with null is never true; ``IS true`` is true of nothing but true) and "Set a query's time range".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_CHARACTERS = 4096
_MAX_BUCKETS = 366
_DEFAULT_FACETS = 10
_MAX_FACETS_BY = 5


class NrqlError(Exception):
    """A query that New Relic would refuse."""


@dataclass(frozen=True)
class Row:
    """A number of events with the same attributes."""

    at: float
    attributes: Mapping[str, Any]
    count: int
    latencies_ms: tuple[float, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    """The attributes that hold how long it took, each with what a millisecond is in it."""


Value = Callable[[Mapping[str, Any]], Any]
Condition = Callable[[Mapping[str, Any]], bool]
Measure = Callable[[list[Row]], Any]


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    event: str
    raw: bool
    """Whether events are listed and not aggregated."""
    select: dict[str, Measure]
    where: Condition
    facets: list[Value]
    since: float
    until: float
    bucket: float
    limit: int

    def buckets(self, by_clock: bool = False) -> list[float]:
        """When its periods begin: laid from the end, where one that is not whole is left out, or by the clock."""
        if not self.bucket:
            return [self.since]
        if by_clock:
            first = self.since // self.bucket * self.bucket
            return [first + n * self.bucket for n in range(int((self.until - first - 1e-3) // self.bucket) + 1)]
        whole = int((self.until - self.since + 1e-3) // self.bucket)
        return [self.until - n * self.bucket for n in range(whole, 0, -1)]

    def answer(self, rows: Iterable[Row], by_clock: bool = False) -> list[dict[str, Any]]:
        """Return the results over the rows of its event type and time range."""
        # Many rows share their attributes, and those of one query do not change: each is looked at once.
        fits: dict[int, bool] = {}
        kept = list(rows)
        found = [row for row in kept if (
            fits[id(row.attributes)] if id(row.attributes) in fits
            else fits.setdefault(id(row.attributes), self.where(row.attributes)))]
        if self.raw:
            return [{"timestamp": int(row.at * 1000), **row.attributes}
                    for row in sorted(found, key=lambda row: -row.at)[:self.limit]]
        starts = self.buckets(by_clock)
        groups: dict[tuple[Any, ...], list[Row]] = {}
        sizes: dict[tuple[Any, ...], float] = {}
        known: dict[int, tuple[Any, ...]] = {}
        for row in found:
            facet = known.get(id(row.attributes))
            if facet is None:
                facet = known[id(row.attributes)] = tuple(value(row.attributes) for value in self.facets)
            start = self._start(row.at, starts)
            if None not in facet and start is not None:
                groups.setdefault((facet, start), []).append(row)
                sizes[facet] = sizes.get(facet, 0) + row.count
        if not self.facets and not self.bucket and "keyset" in self.select:
            return [{"allKeys": sorted({key for row in found for key in row.attributes})}]
        if not self.facets and not self.bucket:
            return [{name: measure(groups.get(((), self.since), [])) for name, measure in self.select.items()}]
        facets = sorted(sizes, key=lambda facet: -sizes[facet])[:self.limit]
        return list(self._results(facets or ([()] if not self.facets else []), starts, groups))

    def _start(self, at: float, starts: list[float]) -> float | None:
        if not self.bucket:
            return self.since
        if not starts or at < starts[0]:
            return None
        return starts[min(len(starts) - 1, int((at - starts[0]) // self.bucket))]

    def _results(self, facets: list[tuple[Any, ...]], starts: list[float],
                 groups: Mapping[tuple[Any, ...], list[Row]]) -> Iterator[dict[str, Any]]:
        for facet in facets:
            for start in starts:
                matching = groups.get((facet, start), [])
                result: dict[str, Any] = {name: measure(matching) for name, measure in self.select.items()}
                if self.facets:
                    result |= {"facet": list(facet) if len(facet) > 1 else facet[0]}
                if self.bucket:
                    result |= {"beginTimeSeconds": int(start), "endTimeSeconds": int(start + self.bucket)}
                yield result


_CLAUSES = re.compile(
    r"\b(SELECT|FROM|WHERE|FACET|SINCE|UNTIL|TIMESERIES|LIMIT)\b(?=(?:[^'`]|'(?:[^'\\]|\\.)*'|`[^`]*`)*$)")
_FUNCTION = re.compile(r"^(.*?)(?:\s+AS\s+[`']?(\w+)[`']?)?$", re.I | re.S)


def parse(nrql: str) -> Query:
    """Parse a query; raises NrqlError."""
    if len(nrql) > MAX_CHARACTERS:
        raise NrqlError(f"NRQL Syntax Error: a query has {MAX_CHARACTERS} characters at most")
    marks = [(found.start(), found.end(), found[1].upper()) for found in _CLAUSES.finditer(_outside(nrql))]
    if not marks or {"SELECT", "FROM"} - {mark[2] for mark in marks}:
        raise NrqlError("NRQL Syntax Error: Error at line 1 position 1, expected SELECT and FROM")
    clauses = {mark[2]: nrql[mark[1]:following[0]].strip()
               for mark, following in zip(marks, [*marks[1:], (len(nrql), 0, "")], strict=True)}
    now = time.time()
    since, until = _moment(clauses.get("SINCE", "1 hour ago"), now), _moment(clauses.get("UNTIL", "now"), now)
    bucket = 0.0
    if "TIMESERIES" in clauses:
        bucket = _span(clauses["TIMESERIES"] or "1 minute")
        if (until - since) / bucket > _MAX_BUCKETS:
            raise NrqlError(f"NRQL Syntax Error: TIMESERIES has more than {_MAX_BUCKETS} buckets")
    limit = clauses.get("LIMIT", str(_DEFAULT_FACETS))
    where = condition(clauses["WHERE"]) if "WHERE" in clauses else (lambda row: True)
    raw = "(" not in clauses["SELECT"]
    facets = [_value(part) for part in split(clauses.get("FACET", ""), ",") if part.strip()]
    if len(facets) > _MAX_FACETS_BY:
        raise NrqlError(f"NRQL Syntax Error: FACET takes {_MAX_FACETS_BY} attributes at most")
    return Query(clauses["FROM"].split()[0].strip("`"), raw, {} if raw else _select(clauses["SELECT"]), where, facets,
                 since, until, bucket, 5000 if limit.upper() == "MAX" else int(limit))


def _outside(nrql: str) -> str:
    """Return the query with what stands in parentheses blotted out: filter(count(*), WHERE …)."""
    depth, plain = 0, []
    for character in nrql:
        depth += (character == "(") - (character == ")")
        plain.append("\0" if depth > 0 and character != "(" else character)
    return "".join(plain)


def _select(text: str) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for part in split(text, ","):
        match = _FUNCTION.match(part.strip())
        assert match
        call, alias = match[1].strip(), match[2]
        found[alias or re.sub(r"\(.*", "", call)] = _measure(call)
    return found


def _measure(call: str) -> Measure:
    name, _, rest = call.partition("(")
    arguments = [part.strip() for part in split(rest[:-1], ",")] if rest else []
    match name.strip().lower():
        case "keyset":
            return lambda rows: None
        case "count":
            return lambda rows: sum(row.count for row in rows)
        case "filter":
            inner, wanted = _measure(arguments[0]), condition(arguments[1].strip().removeprefix("WHERE").strip())
            return lambda rows: inner([row for row in rows if wanted(row.attributes)])
        case "average":
            measured = arguments[0].strip("`")

            def average(rows: list[Row]) -> float | None:
                values = _values(rows, measured)
                return sum(values) / len(values) if values else None

            return average
        case "percentile":
            attribute, share = arguments[0].strip("`"), float(arguments[1])

            def percentile(rows: list[Row]) -> dict[str, float | None]:
                values = sorted(_values(rows, attribute))
                place = min(len(values) - 1, int(len(values) * share / 100)) if values else 0
                return {f"{share:g}": values[place] if values else None}

            return percentile
    raise NrqlError(f"NRQL Syntax Error: unknown function {call!r}")


def _values(rows: list[Row], attribute: str) -> list[float]:
    return [latency * row.units[attribute] for row in rows if attribute in row.units for latency in row.latencies_ms]


_TOKEN = re.compile(r"""\s*(?:(?P<text>r?'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)
                    |(?P<name>`[^`]+`|[A-Za-z_][\w.]*)|(?P<sign>!=|<=|>=|[=<>(),]))""", re.X)


def condition(text: str) -> Condition:
    """Parse what stands after WHERE; raises NrqlError."""
    reader = _Reader(text)
    found = reader.either()
    reader.end()
    return found


def _value(text: str) -> Value:
    reader = _Reader(text)
    found = reader.value()
    reader.end()
    return found


class _Reader:
    """Reads conditions and values, token by token."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, place = text, [], 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if not found:
                raise self._wrong()
            self._tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
            place = found.end()

    _tokens: list[tuple[str, str]]

    def _wrong(self) -> NrqlError:
        return NrqlError(f"NRQL Syntax Error: cannot read {self._text!r}")

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise self._wrong()
        return self._tokens.pop(0)

    def _taken(self, *words: str) -> str:
        """Take the next token if it is one of these words or signs."""
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1].upper() in words:
            return self._tokens.pop(0)[1].upper()
        return ""

    def _must(self, word: str) -> None:
        if not self._taken(word):
            raise self._wrong()

    def end(self) -> None:
        """Raise where something is left."""
        if self._tokens:
            raise self._wrong()

    def either(self) -> Condition:
        """Read conditions joined by OR."""
        found = [self._all()]
        while self._taken("OR"):
            found.append(self._all())
        return found[0] if len(found) == 1 else lambda row: any(test(row) for test in found)

    def _all(self) -> Condition:
        found = [self._one()]
        while self._taken("AND"):
            found.append(self._one())
        return found[0] if len(found) == 1 else lambda row: all(test(row) for test in found)

    def _one(self) -> Condition:
        if self._taken("NOT"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._taken("("):
            within = self.either()
            self._must(")")
            return within
        value = self.value()
        if self._taken("IS"):
            return self._is(value)
        negated = bool(self._taken("NOT"))
        if self._taken("IN"):
            values = set(self._list())
            return lambda row: (given := value(row)) is not None and (given in values) is not negated
        if self._taken("LIKE"):
            pattern = re.compile(".*".join(map(re.escape, self._literal().split("%"))), re.I | re.S)
            return lambda row: (given := value(row)) is not None and bool(
                pattern.fullmatch(str(given))) is not negated
        return self._compared(value)

    def _is(self, value: Value) -> Condition:
        negated = bool(self._taken("NOT"))
        word = self._taken("NULL", "TRUE", "FALSE")
        if not word:
            raise self._wrong()
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}[word]
        return lambda row: (value(row) is wanted) is not negated

    def _compared(self, value: Value) -> Condition:
        sign = self._taken("=", "!=", "<", ">", "<=", ">=")
        if not sign:
            raise self._wrong()
        other = self.value()

        def compare(row: Mapping[str, Any]) -> bool:
            left, right = value(row), other(row)
            if left is None or right is None or isinstance(left, str) is not isinstance(right, str):
                return False
            return {"=": left == right, "!=": left != right}[sign] if sign in ("=", "!=") else bool(
                {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])

        return compare

    def value(self) -> Value:
        """Read an attribute, a constant, or a function of them."""
        kind, token = self._next()
        if kind == "text":
            text = _text(token)
            return lambda row: text
        if kind == "number":
            number = float(token) if "." in token else int(token)
            return lambda row: number
        if kind == "name" and self._taken("("):
            return self._called(token.lower())
        if kind == "name" and token.upper() in ("TRUE", "FALSE"):
            return lambda row: token.upper() == "TRUE"
        if kind == "name":
            name = token.strip("`")
            return lambda row: row.get(name)
        raise self._wrong()

    def _called(self, function: str) -> Value:
        if function == "if":
            test = self.either()
            self._must(",")
            then = self.value()
            otherwise: Value = self.value() if self._taken(",") else lambda row: None
            self._must(")")
            return lambda row: then(row) if test(row) else otherwise(row)
        inner = self.value()
        if function == "numeric":
            self._must(")")
            return lambda row: _number(inner(row))
        if function == "capture":
            self._must(",")
            pattern = re.compile(self._literal())
            self._must(")")
            return lambda row: found[1] if (found := pattern.fullmatch(str(inner(row) or ""))) else None
        raise NrqlError(f"NRQL Syntax Error: unknown function {function!r}")

    def _literal(self) -> str:
        kind, token = self._next()
        if kind != "text":
            raise self._wrong()
        return _text(token)

    def _list(self) -> list[Any]:
        self._must("(")
        found = [self.value()({})]
        while self._taken(","):
            found.append(self.value()({}))
        self._must(")")
        return found


def _text(token: str) -> str:
    return token[2:-1] if token.startswith("r") else re.sub(r"\\(.)", r"\1", token[1:-1])


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _moment(text: str, now: float) -> float:
    text = text.strip()
    if text.lower() == "now":
        return now
    if re.fullmatch(r"\d{10,}", text):
        return int(text) / 1000 if len(text) >= 13 else int(text)
    ago = re.fullmatch(r"(.*)\s+ago", text, re.I)
    if ago:
        return now - _span(ago[1])
    raise NrqlError(f"NRQL Syntax Error: cannot read the time {text!r}")


def _span(text: str) -> float:
    found = re.fullmatch(r"(\d+)\s*(second|minute|hour|day)s?", text.strip(), re.I)
    if not found:
        raise NrqlError(f"NRQL Syntax Error: cannot read the span {text!r}")
    return int(found[1]) * {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[found[2].lower()]


def split(text: str, separator: str) -> list[str]:
    """Split at a separator outside parentheses and quotes."""
    parts, depth, current, quoted = [], 0, "", False
    for character in text:
        quoted ^= character == "'"
        depth += 0 if quoted else (character == "(") - (character == ")")
        if character == separator and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]
