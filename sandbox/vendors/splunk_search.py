"""Splunk's search commands over rows: those that its "Search Reference" describes and the responder uses.

What they do with fields of several values is Splunk's way: ``stats … by`` counts an event once for each value,
equal ones too ("Evaluate and manipulate fields with multiple values"); ``search`` ignores case and looks at each value.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sandbox.vendors.expressions import Row, percentile, plain
from sandbox.vendors.splunk_eval import SearchError, compiled, number

COUNT = "\0count"
"""Not a field: how many equal events a row stands for."""
Table = list[Row]


def commands(search: str) -> list[str]:
    """Return the parts of a search; a pipe within quotes parts nothing."""
    return [part.strip() for part in re.split(r"\|(?=(?:[^\"]|\"[^\"]*\")*$)", search)]


def wanted(text: str) -> Callable[[Row], bool]:
    """Return whether a row is found by the terms of a search: ``index=x (level=A OR level=B) NOT "text"``."""
    return _Terms(text).parse()


def run(command: str, rows: Table) -> Table:
    """Run one command; raises SearchError."""
    name, _, rest = command.partition(" ")
    known: dict[str, Callable[[str, Table], Table]] = {
        "bin": _bin, "bucket": _bin, "stats": _stats, "eventstats": _eventstats, "rex": _rex, "sort": _sort,
        "head": _head, "fields": _fields, "table": _fields, "eval": _eval, "where": _where, "fillnull": _fillnull,
        "fieldsummary": _fieldsummary}
    if name not in known:
        raise SearchError(f"Unknown search command '{name}'.")
    return known[name](rest.strip(), rows)


def each(rows: Table) -> Table:
    """Return the events one by one, where equal ones are kept as one row."""
    return [row for row in rows for _ in range(int(row.get(COUNT, 1)))]


def _bin(rest: str, rows: Table) -> Table:
    found = re.fullmatch(r"_time\s+span=(\d+)(s|m|h)", rest)
    if not found:
        raise SearchError(f"Error in 'bin' command: cannot read '{rest}'")
    span = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
    return [row | {"_time": row["_time"] // span * span} for row in rows]


def _names(text: str) -> list[str]:
    return [key.strip('"') for key in re.findall(r'"[^"]+"|[^,\s]+', text)]


def _stats(rest: str, rows: Table) -> Table:
    given, _, by = rest.partition(" by ")
    keys, made = _names(by), [_aggregate(part) for part in _parts(given)]
    if not keys:
        raise SearchError(f"Error in 'stats' command: cannot read '{rest}'")
    groups: dict[tuple[Any, ...], Table] = {}
    for row in rows:
        for group in _groups(row, keys):
            groups.setdefault(group, []).append(row)
    return [dict(zip(keys, group, strict=True)) | {name: value(found) for name, value in made}
            for group, found in sorted(groups.items(), key=lambda item: str(item[0]))]


def _groups(row: Row, keys: list[str]) -> list[tuple[Any, ...]]:
    """Return the groups that a row belongs to: none where a field is not there, several where one has more values."""
    values = [row.get(key) for key in keys]
    if any(value is None for value in values):
        return []
    return list(itertools.product(*(value if isinstance(value, list) else [value] for value in values)))


def _eventstats(rest: str, rows: Table) -> Table:
    given, _, by = rest.partition(" by ")
    key, made = by.strip().strip('"'), [_aggregate(part) for part in _parts(given)]
    groups: dict[Any, Table] = {}
    for row in rows:
        groups.setdefault(str(row.get(key)), []).append(row)
    totals = {key: {name: value(group) for name, value in made} for key, group in groups.items()}
    return [row | {name: total for name, total in totals[key].items() if total is not None}
            for key, group in groups.items() for row in group]


def _rex(rest: str, rows: Table) -> Table:
    found = re.fullmatch(r'field=("[^"]+"|\S+)\s+"(.*)"', rest)
    if not found:
        raise SearchError(f"Error in 'rex' command: cannot read '{rest}'")
    name, pattern = found[1].strip('"'), re.compile(found[2].replace("(?<", "(?P<"))
    return [row | (match.groupdict() if (match := pattern.search(_text(row.get(name)))) else {}) for row in rows]


def _sort(rest: str, rows: Table) -> Table:
    found = re.fullmatch(r"([-+]?)\s*(\w+)", rest)
    if not found:
        raise SearchError(f"Error in 'sort' command: cannot read '{rest}'")
    return sorted(rows, key=lambda row: number(row.get(found[2])) or 0.0, reverse=found[1] == "-")


def _head(rest: str, rows: Table) -> Table:
    return each(rows)[:int(rest or 10)]


def _fields(rest: str, rows: Table) -> Table:
    if rest.startswith("-"):
        without = _names(rest[1:])
        return [{key: value for key, value in row.items() if key not in without} for row in rows]
    # Internal fields stay unless they are taken away by name.
    keys = [*_names(rest.removeprefix("+")), "_time", "_raw", COUNT]
    return [{key: row[key] for key in keys if key in row} for row in rows]


def _eval(rest: str, rows: Table) -> Table:
    made = []
    for part in _parts(rest):
        found = re.fullmatch(r'(?:"([^"]+)"|([\w.]+))\s*=\s*(.+)', part.strip(), re.S)
        if not found:
            raise SearchError(f"Error in 'eval' command: cannot read '{part}'")
        made.append((found[1] or found[2], compiled(found[3])))
    for row in (rows := [dict(row) for row in rows]):
        for name, value in made:
            row[name] = value(row)
            if row[name] is None:
                del row[name]
    return rows


def _where(rest: str, rows: Table) -> Table:
    test = compiled(rest)
    return [row for row in rows if test(row) is True]


def _fillnull(rest: str, rows: Table) -> Table:
    found = re.fullmatch(r'value=("[^"]*"|\S+)\s+(.+)', rest)
    if not found:
        raise SearchError(f"Error in 'fillnull' command: cannot read '{rest}'")
    return [{name: found[1].strip('"') for name in _names(found[2])} | row for row in rows]


def _fieldsummary(rest: str, rows: Table) -> Table:
    """Summarise all fields but the internal ones; ``values`` is JSON, the most frequent value first.

    A row counts once: it is asked of a sample by ``head``, after which equal events are rows of their own.
    """
    found = re.fullmatch(r"(?:maxvals=(\d+))?", rest)
    if not found:
        raise SearchError(f"Error in 'fieldsummary' command: cannot read '{rest}'")
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.items():
            if not name.startswith("_") and name != COUNT:
                for one in value if isinstance(value, list) else [value]:
                    counts.setdefault(name, Counter())[str(one)] += 1
    most = int(found[1] or 100)
    return [{"field": name, "count": sum(values.values()), "distinct_count": len(values),
             "is_exact": int(len(values) <= most), "values": json.dumps([
                 {"value": value, "count": count} for value, count in values.most_common(most or None)])}
            for name, values in sorted(counts.items())]


def _parts(text: str) -> list[str]:
    """Return what commas part, but for those within parentheses or quotes."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _aggregate(text: str) -> tuple[str, Callable[[Table], Any]]:
    """Return the name of a column of ``stats``, and the function that computes it from a group's events."""
    function, _, named = text.partition(" as ")
    function, name = function.strip(), named.strip() or text.strip()
    if function in ("count", "c"):
        return name, lambda rows: sum(int(row.get(COUNT, 1)) for row in rows)
    found = re.fullmatch(r"(\w+)\((.+)\)", function, re.S)
    if not found:
        raise SearchError(f"Error in 'stats' command: The argument '{text}' is invalid.")
    kind, field = found[1].lower(), found[2].strip()
    inner = re.fullmatch(r"eval\((.+)\)", field, re.S)
    if inner and kind in ("count", "c"):
        test = compiled(inner[1])
        return name, lambda rows: sum(int(row.get(COUNT, 1)) for row in rows if test(row) is True)
    field = field.strip("\"'")
    percent = re.fullmatch(r"p(?:erc)?(\d+)", kind)
    if percent:
        return name, lambda rows: plain(percentile(_numbers(rows, field), int(percent[1]) / 100))
    known: dict[str, Callable[[Table], Any]] = {
        "count": lambda rows: sum(int(row.get(COUNT, 1)) for row in rows if field in row),
        "sum": lambda rows: plain(sum(value * count for value, count in _numbers(rows, field))),
        "max": lambda rows: plain(max((value for value, _ in _numbers(rows, field)), default=None)),
        "min": lambda rows: plain(min((value for value, _ in _numbers(rows, field)), default=None)),
        "dc": lambda rows: len({_text(row[field]) for row in rows if field in row})}
    if kind not in known:
        raise SearchError(f"Error in 'stats' command: The argument '{text}' is invalid.")
    return name, known[kind]


def _numbers(rows: Table, field: str) -> list[tuple[float, int]]:
    return [(found, int(row.get(COUNT, 1))) for row in rows
            for value in (row[field] if isinstance(row.get(field), list) else [row.get(field)])
            if (found := number(value)) is not None]


def _text(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


class _Terms:
    """``index=payments (level=ERROR OR level=FATAL) NOT component=x "text"``."""

    def __init__(self, text: str) -> None:
        self._tokens = re.findall(
            r'\(|\)|(?:[\w.]+|"[^"]+")\s*(?:!=|<=|>=|=|<|>)\s*(?:"(?:[^"\\]|\\.)*"|[^\s()]+)|"(?:[^"\\]|\\.)*"|[^\s()]+',
            text)

    def parse(self) -> Callable[[Row], bool]:
        result = self._any()
        if self._tokens:
            raise SearchError("Error in 'search' command: Unable to parse the search: unbalanced parentheses.")
        return result

    def _any(self) -> Callable[[Row], bool]:
        options = [self._all()]
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            options.append(self._all())
        return options[0] if len(options) == 1 else _decided(True, options)

    def _all(self) -> Callable[[Row], bool]:
        parts: list[Callable[[Row], bool]] = []
        while self._tokens and self._tokens[0] not in (")", "OR"):
            token = self._tokens.pop(0)
            if token == "AND":  # noqa: S105 - a word of the search language
                continue
            negated = token == "NOT"  # noqa: S105 - a word of the search language
            if negated:
                token = self._tokens.pop(0)
            test = self._one(token)
            parts.append((lambda test: lambda row: not test(row))(test) if negated else test)
        return parts[0] if len(parts) == 1 else _decided(False, parts)

    def _one(self, token: str) -> Callable[[Row], bool]:
        if token == "(":  # noqa: S105 - a word of the search language
            inner = self._any()
            if not self._tokens or self._tokens.pop(0) != ")":
                raise SearchError("Error in 'search' command: Unable to parse the search: unbalanced parentheses.")
            return inner
        field = re.fullmatch(r'("[^"]+"|[\w.]+)\s*(!=|<=|>=|=|<|>)\s*(.+)', token, re.S)
        if field:
            return _compared(field[1].strip('"'), field[2], field[3].strip('"'))
        word = token.strip('"').lower()
        return (lambda row: True) if word == "*" else (lambda row: word in str(row["_raw"]).lower())


def _decided(answer: bool, parts: list[Callable[[Row], bool]]) -> Callable[[Row], bool]:
    """The first part that gives this answer decides: of ``OR`` one that fits, of ``AND`` one that does not.

    Each search asks every line, and any() and all() of a generator take longer.
    """
    def fits(row: Row) -> bool:
        for part in parts:
            if part(row) is answer:
                return answer
        return not answer

    return fits


def _compared(name: str, sign: str, value: str) -> Callable[[Row], bool]:
    """A term about a field: any of its values fits, whatever its case; numbers are compared as numbers."""
    if sign in ("=", "!="):
        pattern = re.compile(re.escape(value).replace(r"\*", ".*"), re.I | re.S)

        @lru_cache(maxsize=1_000)
        def same(one: str) -> bool:
            return pattern.fullmatch(one) is not None

        def fits(row: Row) -> bool:
            found = row.get(name)
            if isinstance(found, list):
                return any(same(str(one)) for one in found)
            return found is not None and same(str(found))

        return fits if sign == "=" else lambda row: name in row and not fits(row)
    limit = number(value)

    def beyond(row: Row) -> bool:
        found = number(row[name][0] if isinstance(row.get(name), list) else row.get(name))
        return found is not None and limit is not None and {
            "<": found < limit, ">": found > limit, "<=": found <= limit, ">=": found >= limit}[sign]

    return beyond
