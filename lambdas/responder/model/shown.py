"""What people are shown, and what the ledger keeps in the place of a value that it must not keep.

Three forms of a value that cannot be mixed. *Exact*: plain JSON, as the systems gave it; only this is compared with
what is there now, and applied. *Hidden*: ``{"$hidden": mark}``, an object and never a text, so that no real text can be
taken for it; the mark tells a changed value from an unchanged one, and nothing else. *Shown*: ``Shown``, masked, for
people and records; it is neither a text nor JSON, so that it cannot be applied.

A mark is HMAC-SHA-256 (RFC 2104) with a key of the deployment, 128 bits of it shown, behind 32 bits that say which key
and which rules it was made with. Without a key it is empty, and whether a hidden value changed cannot be told.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any, Final

from responder.model.masking import mask, mask_all, may_be_kept, unkept

HIDDEN: Final = "$hidden"
RULES: Final = "2"
"""Version of the rules by which values are hidden. Marks of another version are not compared; a ledger item of
another version is hidden again before it is compared."""
_OLD = re.compile(r"\[(?:masked|hidden)(?: [^\]\n]{0,20})?\]|\[card …[0-9]{4}\]")
"""The marks in texts by which older ledgers and records hid what was secret."""
_MADE = object()


class Shown:
    """A text fit for people. ``shown`` makes it, and nothing else."""

    __slots__ = ("text",)

    def __init__(self, text: str, made: object) -> None:
        if made is not _MADE:
            raise TypeError("only shown() makes what is shown")
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Shown({self.text!r})"


class NotExact(ValueError):
    """A value that a remedy needs is hidden; ``path`` says where."""

    def __init__(self, path: list[Any]) -> None:
        super().__init__(".".join(str(part) for part in path) or "the whole")
        self.path = path


def shown(value: Any) -> Shown:
    """Return a text, or plain JSON data, masked."""
    if isinstance(value, Shown):
        return value
    if isinstance(value, str):
        return Shown(mask(value), _MADE)
    return Shown(json.dumps(mask_all(value), ensure_ascii=False, sort_keys=True), _MADE)


def hide(value: Any, key: bytes | None) -> Any:
    """Return plain JSON data with each leaf hidden that must not be stored; what is hidden already stays as it is.

    ``key`` is the deployment's; None: marks are empty.
    """
    if isinstance(value, str) and _OLD.search(value):
        return value
    hidden = {tuple(path) for path in unkept(value)}
    return _hidden(value, hidden, (), key) if hidden else value


def _hidden(value: Any, paths: set[tuple[Any, ...]], path: tuple[Any, ...], key: bytes | None) -> Any:
    if isinstance(value, dict):
        if value.keys() == {HIDDEN} and isinstance(value[HIDDEN], str):
            return value
        if any((*path, name) in paths and not may_be_kept(name) for name in value if isinstance(name, str)):
            return {HIDDEN: mark(value, key)}
        return {name: _hidden(item, paths, (*path, name), key) for name, item in value.items()}
    if path in paths:
        return value if isinstance(value, str) and _OLD.search(value) else {HIDDEN: mark(value, key)}
    if isinstance(value, list | tuple):
        return [_hidden(item, paths, (*path, place), key) for place, item in enumerate(value)]
    return value


def mark(value: Any, key: bytes | None) -> str:
    """Return the mark of a value: the same for the same value and key; empty without a key."""
    if not key:
        return ""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"{_digest(key, 'rules', RULES)[:8]}.{_digest(key, 'value', text)[:32]}"


def _digest(key: bytes, *words: str) -> str:
    return hmac.new(key, "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_hidden(value: Any) -> bool:
    """Whether a value is a hidden one, by today's form or by the marks of older ledgers and records."""
    if isinstance(value, str):
        return bool(_OLD.search(value))
    return isinstance(value, dict) and value.keys() == {HIDDEN}


def hidden_path(value: Any, path: tuple[Any, ...] = ()) -> list[Any] | None:
    """Return where the first hidden value within a value is; None: all of it is exact."""
    if is_hidden(value) or isinstance(value, Shown):
        return list(path)
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, item in parts:
        if isinstance(name, str) and is_hidden(name):
            return [*path, name]
        found = hidden_path(item, (*path, name))
        if found is not None:
            return found
    return None


def exact(value: Any) -> Any:
    """Return a value that may be compared, stored as an operand and applied; raises NotExact where part of it is
    hidden."""
    path = hidden_path(value)
    if path is not None:
        raise NotExact(path)
    return value


def differ(before: Any, after: Any) -> bool:
    """Whether two values, of which one may be hidden, are known to differ."""
    if not is_hidden(before) and not is_hidden(after):
        return bool(before != after)
    if isinstance(before, dict) and isinstance(after, dict) and HIDDEN in before and HIDDEN in after:
        one, other = str(before[HIDDEN]), str(after[HIDDEN])
        return bool(one) and bool(other) and one[:9] == other[:9] and one != other
    # By the old marks it is not known what was there; by a mark of today an exact value beside it is another one.
    marked = next((value for value in (before, after) if isinstance(value, dict) and value.keys() == {HIDDEN}), None)
    return marked is not None and bool(marked[HIDDEN]) and not (is_hidden(before) and is_hidden(after))


def untold(before: Any, after: Any) -> bool:
    """Whether it cannot be told if two values differ: both are hidden, and their marks cannot be compared."""
    if not (is_hidden(before) and is_hidden(after)):
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        one, other = str(before[HIDDEN]), str(after[HIDDEN])
        return not one or not other or one[:9] != other[:9]
    return True
