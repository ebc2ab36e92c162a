"""Logs Insights QL over rows: the commands and functions that the responder uses, as strict as AWS documents them.

Format: Amazon CloudWatch Logs user guide, "Logs Insights QL": "fields", "filter", "stats", "sort", "limit", "parse",
"display", "Supported operations and functions". Comparisons mind case, and none holds for a field that is not there;
``bin(10s)`` names the field of its result, whose times are in UTC; an event without a field that ``stats`` groups by
is in a group without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.vendors.expressions import SIGNS, Expression, Parser, Row, percentile, plain

COUNT = "\0count"
"""Not a field: how many equal events a row stands for."""
_REGEX = r"/(?:[^/\\]|\\.)*/"
_PART = re.compile(rf"""(?:like|=~)\s*{_REGEX}|parse\s+\S+\s+{_REGEX}|"(?:[^"\\]|\\.)*"|`[^`]*`|[^|]""", re.S)
_TOKENS = re.compile(r"""\s*(?:(\d+(?:\.\d+)?)(?![\w.])|"((?:[^"\\]|\\.)*)"|`([^`]+)`|(@?[A-Za-z_][\w.]*)|"""
                     r"""(/(?:[^/\\]|\\.)*/)(?=\s*(?:$|[)|]|and\b|or\b))|(!=|<=|>=|=~|[-=<>(),+*/\[\]%]))""", re.S)


class QueryError(Exception):
    """A query that AWS would refuse as malformed."""


def run(query: str, rows: list[Row]) -> list[Row]:
    """Run a query over events, the newest first; raises QueryError."""
    for command in _commands(query):
        name, _, rest = command.partition(" ")
        known: dict[str, Callable[[str, list[Row]], list[Row]]] = {
            "fields": _fields, "filter": _filter, "parse": _parse, "stats": _stats, "sort": _sort, "limit": _limit,
            "display": _display}
        if name not in known:
            raise QueryError(f"unexpected symbol found {name} at line 1 and position 0")
        rows = known[name](rest.strip(), rows)
    return rows


def shown(row: Row) -> list[dict[str, str]]:
    """Return a row as GetQueryResults has it: fields that it lacks are left out, and all values are texts."""
    return [{"field": name, "value": time_text(value) if name == "@timestamp" else _text(value)}
            for name, value in row.items() if value is not None and name != COUNT and not name.startswith("\0")]


def time_text(seconds: float) -> str:
    """Return a time as results have it, in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def _commands(query: str) -> list[str]:
    """Return the commands; a bar within quotes or a regular expression parts nothing."""
    parts = [""]
    for found in re.finditer(rf"{_PART.pattern}|\|", query, re.S):
        if found[0] == "|":
            parts.append("")
        else:
            parts[-1] += found[0]
    return [part.strip() for part in parts]


def _fields(rest: str, rows: list[Row]) -> list[Row]:
    made = [_named(part) for part in _parts(rest)]
    return [row | {name: value(row) for name, value in made} | {"\0shown": [name for name, _ in made]} for row in rows]


def _named(part: str) -> tuple[str, Expression]:
    text, sign, name = part.rpartition(" as ")
    return (name.strip(" `"), _compiled(text)) if sign else (part.strip(" `"), _compiled(part))


def _filter(rest: str, rows: list[Row]) -> list[Row]:
    test = _compiled(rest)
    return [row for row in rows if test(row) is True]


def _parse(rest: str, rows: list[Row]) -> list[Row]:
    found = re.fullmatch(r"(\S+)\s+/(.*)/", rest, re.S)
    if not found:
        raise QueryError(f"cannot read 'parse {rest}'")
    name, pattern = found[1].strip("`"), re.compile(found[2].replace("(?<", "(?P<").replace(r"\/", "/"))
    return [row | (match.groupdict() if (match := pattern.search(_text(row.get(name)))) else {}) for row in rows]


def _stats(rest: str, rows: list[Row]) -> list[Row]:
    given, _, by = rest.partition(" by ")
    made, keys = [_aggregate(part) for part in _parts(given)], [_key(part) for part in _parts(by)] if by else []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(value(row) for _, value in keys), []).append(row)
    return [dict(zip((name for name, _ in keys), group, strict=True)) | {name: value(found) for name, value in made}
            for group, found in groups.items()]


def _key(part: str) -> tuple[str, Expression]:
    found = re.fullmatch(r"bin\((\d+)(s|m|h)\)", part)
    if not found:
        return _named(part)
    span = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
    return part, lambda row: time_text(row["@timestamp"] // span * span)


def _aggregate(part: str) -> tuple[str, Callable[[list[Row]], Any]]:
    text, sign, name = part.rpartition(" as ")
    name, text = (name.strip(), text.strip()) if sign else (part, part)
    whole = re.fullmatch(r"(count\(\*\)) - sum\((\w+)\)", text)
    if whole:
        return name, lambda rows: plain(
            _weights(rows) - sum(_number(row.get(whole[2])) * _weight(row) for row in rows))
    found = re.fullmatch(r"(count|sum|max|min|pct)\((.+)\)", text)
    if not found:
        raise QueryError(f"cannot read the aggregation '{text}'")
    kind, inner = found[1], found[2]
    if inner == "*":
        return name, _weights
    expression, _, percent = inner.partition(",")
    value = _compiled(expression)

    def values(rows: list[Row]) -> list[tuple[float, int]]:
        return [(_number(one), _weight(row)) for row in rows if (one := value(row)) is not None]

    known: dict[str, Callable[[list[Row]], Any]] = {
        "count": lambda rows: sum(weight for _, weight in values(rows)),
        "sum": lambda rows: plain(sum(one * weight for one, weight in values(rows))),
        "max": lambda rows: max((one for one, _ in values(rows)), default=None),
        "min": lambda rows: min((one for one, _ in values(rows)), default=None),
        "pct": lambda rows: percentile(values(rows), float(percent or 50) / 100)}
    return name, known[kind]


def _weights(rows: list[Row]) -> int:
    return sum(map(_weight, rows))


def _weight(row: Row) -> int:
    return int(row.get(COUNT, 1))


def _sort(rest: str, rows: list[Row]) -> list[Row]:
    name, _, way = rest.partition(" ")
    return sorted(rows, key=lambda row: _number(row.get(name.strip("`"))), reverse=way.strip() == "desc")


def _limit(rest: str, rows: list[Row]) -> list[Row]:
    if not rest.isdecimal() or not 1 <= int(rest) <= 10_000:
        raise QueryError("limit must be between 1 and 10000")
    return [row for row in rows for _ in range(_weight(row))][:int(rest)]


def _display(rest: str, rows: list[Row]) -> list[Row]:
    names = [part.strip(" `") for part in _parts(rest)]
    return [{name: row.get(name) for name in names} | {COUNT: row.get(COUNT, 1)} for row in rows]


def _parts(text: str) -> list[str]:
    """Return what commas part, but for those within parentheses or quotes."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign in "([") - (sign in ")]")
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _text(value: Any) -> str:
    return "" if value is None else str(plain(value)) if isinstance(value, float) else str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _compiled(text: str) -> Expression:
    parser = _Parser(text)
    found = parser.any_of()
    if parser.tokens:
        raise QueryError(f"unexpected symbol found {parser.tokens[0][1]} in '{text}'")
    return found


class _Parser(Parser):
    TOKENS = _TOKENS
    KINDS = ("number", "text", "field", "word", "regex", "sign")

    def any_of(self) -> Expression:
        parts = [self._all_of()]
        while self.next("or"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) is True for part in parts)

    def _all_of(self) -> Expression:
        parts = [self._compared()]
        while self.next("and"):
            parts.append(self._compared())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) is True for part in parts)

    def _compared(self) -> Expression:
        if self.next("not"):
            inner = self._compared()
            return lambda row: inner(row) is not True
        left = self.sum()
        negated = bool(self.next("not"))
        sign = self.next("=", "!=", "<", ">", "<=", ">=", "like", "=~", "in")
        if not sign:
            return left
        test = self._listed(left) if sign == "in" else self._like(left) if sign in ("like", "=~") else _compare(
            sign, left, self.sum())
        return (lambda row: not test(row)) if negated else test

    def _like(self, left: Expression) -> Expression:
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind not in ("regex", "text"):
            raise QueryError("like needs a text or a regular expression")
        words = re.fullmatch(r"/\(\?i\)\(([\w |-]+)\)/", text)
        if words:
            # The same as the expression, many times as fast.
            wanted = words[1].lower().split("|")
            return lambda row: (value := left(row)) is not None and any(
                map(str(value).lower().__contains__, wanted))
        pattern = re.compile(re.escape(text) if kind == "text" else text[1:-1].replace(r"\/", "/"))
        return lambda row: (value := left(row)) is not None and bool(pattern.search(str(value)))

    def _listed(self, left: Expression) -> Expression:
        if not self.next("["):
            raise QueryError("in needs a list")
        values = []
        while not self.next("]"):
            values.append(self.tokens.pop(0)[1])
            self.next(",")
        return lambda row: _text(left(row)) in values

    def calculated(self, sign: str, left: Expression, right: Expression) -> Expression:
        return _calculated(sign, left, right)

    def function(self, name: str, given: list[Expression]) -> Expression:
        return _function(name, given)

    def unreadable(self, text: str) -> QueryError:
        return QueryError(f"unexpected symbol found in '{text}'")

    def unexpected(self, text: str) -> QueryError:
        return QueryError(f"unexpected symbol found {text}")

    def ended(self) -> QueryError:
        return QueryError("unexpected end of the query")

    def unclosed(self) -> QueryError:
        return QueryError("missing )")


def _compare(sign: str, left: Expression, right: Expression) -> Expression:
    def value(row: Row) -> bool:
        first, second = left(row), right(row)
        if first is None or second is None:
            return False
        try:
            first, second = float(first), float(second)
        except ValueError:
            first, second = str(first), str(second)
        return SIGNS[sign](first, second)
    return value


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    def value(row: Row) -> Any:
        first, second = left(row), right(row)
        if first is None or second is None or (sign == "/" and not _number(second)):
            return None
        return {"+": _number(first) + _number(second), "-": _number(first) - _number(second),
                "*": _number(first) * _number(second), "/": _number(first) / (_number(second) or 1.0)}[sign]
    return value


def _function(name: str, given: list[Expression]) -> Expression:
    def whole(change: Callable[..., Any]) -> Expression:
        return lambda row: None if None in (values := [part(row) for part in given]) else change(*values)

    known: dict[str, Expression] = {
        "toupper": whole(lambda value: str(value).upper()), "tolower": whole(lambda value: str(value).lower()),
        "strcontains": whole(lambda value, wanted: int(str(wanted) in str(value))),
        "concat": whole(lambda *values: "".join(map(_text, values))),
        "coalesce": lambda row: next((value for part in given if (value := part(row)) is not None), None),
        "ispresent": lambda row: given[0](row) is not None,
        "floor": whole(lambda value: math.floor(_number(value))),
        "least": whole(lambda *values: min(map(_number, values))),
        "greatest": whole(lambda *values: max(map(_number, values))),
        "toMillis": whole(lambda value: round(_number(value) * 1000))}
    if name not in known:
        raise QueryError(f"unknown function {name}")
    return known[name]
