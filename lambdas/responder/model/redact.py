"""What of a configuration people are shown: whether a value changed, and the value itself where that is harmless.

The value of an environment variable, of a ConfigMap's key, of an argument or an annotation may be a secret whatever its
name is. It is shown where its name and its form say that it is none: a flag, a small number, a quantity or a duration,
an image, a host, a port; or where the configuration allows the name (``shown_keys``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from responder.model.masking import mask
from responder.model.masking.names import kind, parts, random_looking
from responder.model.shown import Shown, is_hidden, shown

NOT_SHOWN = "(not shown)"
_MISSING: Any = object()
_FOREIGN = frozenset({"env", "data", "binaryData", "stringData", "args", "command", "annotations", "variables",
                      "Variables", "environment", "parameters", "exec", "httpHeaders"})
"""Below these stands what the system's own people wrote, and not words of Kubernetes or AWS."""
_PLAIN = re.compile(r"true|false|on|off|yes|no|enabled|disabled|[+-]?[0-9]{1,5}(?:\.[0-9]{1,4})?"
                    r"|[0-9]{1,8}(?:\.[0-9]{1,3})?(?:m|k|[KMGTP]i?|[KMG]i?B|ns|us|ms|s|min|h|d|%)", re.IGNORECASE)
"""A flag, a small number, a quantity (Kubernetes: "Quantity"), a duration, a share."""
_LEVEL = re.compile(r"trace|debug|info|notice|warn|warning|error|fatal|critical|off", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z][a-z0-9+]{1,12}://)?[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.){0,9}[A-Za-z0-9\-]{1,62}(?::[0-9]{1,5})?/?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:\-]{0,250}(?:@sha256:[0-9a-f]{64})?")
_WORDS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:/*+\- ]{0,119}")
_HOSTS = frozenset({"host", "hostname", "hosts", "server", "endpoint", "addr", "address", "url", "uri", "upstream",
                    "domain", "servicename", "externalname"})
_NUMBERS = frozenset({"port", "replicas", "timeout", "seconds", "ms", "limit", "size", "count", "max", "min", "retries",
                      "interval", "ttl", "threads", "workers", "connections"})
_SECRETS = frozenset({"", "identifier", "quantity"})


def harmless(path: Sequence[Any], value: Any, allowed: Sequence[str] = ()) -> bool:
    """Whether a value at a path may be shown; ``allowed`` are patterns (``*``, ``?``) of names, or of dotted paths."""
    if value is None or isinstance(value, bool):
        return True
    if is_hidden(value) or isinstance(value, dict | list | tuple):
        return False
    name, text = _name(path), str(value)
    if mask(text) != text or len(text) > 2000:
        return False
    if any(fnmatchcase(name, pattern) or fnmatchcase(".".join(map(str, path)), pattern) for pattern in allowed):
        return True
    if kind(name) not in _SECRETS:
        return False
    if not _FOREIGN & set(map(str, path[:-1])):
        return isinstance(value, int | float) or _structural(name, text)
    return _told(name, text)


def _name(path: Sequence[Any]) -> str:
    """Return the name that a value has: of a variable the variable's."""
    names = [part for part in path if isinstance(part, str)]
    return (names[-2] if len(names) > 1 and names[-1] == "value" else names[-1]) if names else ""


def _structural(name: str, text: str) -> bool:
    if name == "image":
        return bool(_IMAGE.fullmatch(text))
    return text == "" or (bool(_WORDS.fullmatch(text)) and not random_looking(text))


def _told(name: str, text: str) -> bool:
    """Whether name and form of a foreign value say that it is no secret."""
    if _PLAIN.fullmatch(text):
        return True
    words = parts(name)
    last = words[-1] if words else ""
    if last in _HOSTS:
        return bool(_HOST.fullmatch(text)) and not any(
            random_looking(part) for part in re.split(r"[./:]", text))
    if last in _NUMBERS:
        return text.isdigit() and len(text) <= 10
    if last == "image":
        return bool(_IMAGE.fullmatch(text))
    return last in ("level", "loglevel") and bool(_LEVEL.fullmatch(text))


def decision(name: str, value: Any) -> bool:
    """Whether the value of a flag or a parameter, which is what is decided upon, may be shown: words and numbers."""
    text = str(value)
    return (not is_hidden(value) and kind(name) in _SECRETS and mask(text) == text
            and (text == "" or (bool(_WORDS.fullmatch(text)) and not random_looking(text))))


def redacted_diff(before: Any, after: Any, allowed: Sequence[str] = (), path: Sequence[Any] = ()) -> Shown:
    """Return what differs between two plain values, one line a side and leaf, as a person reads a diff.

    ``path`` is where the two stand. A value that is not harmless is told to have changed, and not what it is.
    """
    return shown("\n".join(lines(before, after, allowed, path)))


def lines(before: Any, after: Any, allowed: Sequence[str] = (), path: Sequence[Any] = ()) -> list[str]:
    """Return the lines of ``redacted_diff``; ``MISSING`` of this module on a side: there is nothing."""
    old, new = dict(leaves(before, tuple(path))), dict(leaves(after, tuple(path)))
    found: list[str] = []
    for place in dict.fromkeys((*old, *new)):
        was, becomes = old.get(place, _MISSING), new.get(place, _MISSING)
        if was is not _MISSING and becomes is not _MISSING and was == becomes:
            continue
        name = ".".join(str(part) for part in place)
        sides = [(sign, value) for sign, value in (("-", was), ("+", becomes)) if value is not _MISSING]
        if all(harmless(place, value, allowed) for _, value in sides):
            found += [f"{sign} {name}: {json.dumps(value, ensure_ascii=False)}" for sign, value in sides]
        elif len(sides) == 2:
            found.append(f"~ {name} changed {NOT_SHOWN}")
        else:
            found.append(f"{sides[0][0]} {name} {NOT_SHOWN}")
    return found


MISSING = _MISSING


def decided(fields: Iterable[tuple[str, str, str]], between: str = ": ") -> Shown:
    """Return the lines of a diff of flags or parameters: (name, value now, value then).

    A value that begins with a bracket is a word of ours: ``(the engine's default)``.
    """
    found: list[str] = []
    for name, now, then in fields:
        for sign, value in (("-", now), ("+", then)):
            told = value if value.startswith("(") or decision(name, value) else NOT_SHOWN
            found.append(f"{sign} {name}{between}{told}")
    return shown("\n".join(found))


def leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield path and value of each leaf; items of a list that have names are told by them."""
    if value is _MISSING:
        return
    if isinstance(value, dict) and value and not is_hidden(value):
        for name in sorted(value, key=str):
            yield from leaves(value[name], (*path, name))
    elif isinstance(value, list | tuple) and value:
        names = [item.get("name") if isinstance(item, dict) else None for item in value]
        named = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        for place, item in enumerate(value):
            if named:
                rest = {key: part for key, part in item.items() if key != "name"}
                yield from leaves(rest or {"name": names[place]}, (*path, names[place]))
            else:
                yield from leaves(item, (*path, place))
    else:
        yield path, value if value not in ({}, []) else None


# --- answers --------------------------------------------------------------------------------------------------------

_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_VALUES = frozenset({"data", "binaryData", "stringData", "Variables", "variables"})
_LISTS = frozenset({"args", "command"})
_VARIABLES = frozenset({"env", "environment", "Environment"})
_COPIES = "last-applied-configuration"
"""kubectl keeps the whole object in an annotation, variables and all."""


def redacted_json(text: str, allowed: Sequence[str] = ()) -> str:
    """Return JSON, also where it was cut, without the values of variables, ConfigMaps and arguments, by their place.

    One pass over the text, whatever it is; what is no JSON comes out as it went in, and is masked by its caller.
    """
    kept: list[str] = []
    past = 0
    for start, end, path, sibling in _strings(text):
        raw = text[start:end]
        value = _text(raw)
        place = [*path[:-1], sibling, "value"] if sibling else path
        if not harmless(place, value, allowed):
            kept += (text[past:start], f'"{NOT_SHOWN}"')
            past = end
    return "".join(kept) + text[past:]


def _text(raw: str) -> str:
    try:
        value = json.loads(raw)
    except ValueError:
        return raw[1:]
    return value if isinstance(value, str) else raw


class _Open:
    """An object or a list that is open."""

    __slots__ = ("key", "name", "of", "rank")

    def __init__(self, of: str, rank: str) -> None:
        self.of, self.rank, self.key, self.name = of, rank, "", ""


def _strings(text: str) -> Iterator[tuple[int, int, list[str], str]]:
    """Yield where a string stands that may be a variable's value: start, end, path, and the variable's name."""
    stack: list[_Open] = []
    waits = False  # a colon was read, so a value comes
    last = ""
    for found in _PIECE.finditer(text):
        piece = found[0]
        top = stack[-1] if stack else None
        if piece in "{[":
            if len(stack) > 200:
                return
            key = top.key if top else ""
            stack.append(_Open(piece, key if top is None or top.of == "{" else top.rank))
            waits = False
        elif piece in "}]":
            if stack:
                stack.pop()
            waits = False
        elif piece == ":":
            waits = True
            if top and top.of == "{":
                top.key = last
        elif piece == ",":
            waits = False
        elif piece[0] == '"':
            last = piece[1:-1]
            if top and (waits or top.of == "["):
                yield from _candidate(found.start(), found.end(), top, last)
            waits = False
        else:
            waits = False


def _candidate(start: int, end: int, top: _Open, value: str) -> Iterator[tuple[int, int, list[str], str]]:
    if top.of == "[":
        if top.rank in _LISTS:
            yield start, end, [top.rank, "0"], ""
        return
    if _COPIES in top.key:
        yield start, end, ["annotations", top.key], ""
    elif top.rank in _VALUES:
        yield start, end, [top.rank, top.key], ""
    elif top.rank in _VARIABLES:
        if top.key == "name":
            top.name = value
        elif top.key == "value":
            yield start, end, [top.rank, "value"], top.name or "value"
        elif top.key not in ("valueFrom", "key") and top.rank != "env":
            yield start, end, [top.rank, top.key], ""
