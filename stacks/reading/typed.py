"""Plain data as a dataclass, with every value that is of another type; what is well can be checked all the same.

A value that could not be read becomes ``Damaged``: whatever looks at it stops with ``Unread``, so that no check judges
what is not known. pydantic says what does not fit, as strictly as JSON: nothing is made of another type.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stacks.nearest import Found
from stacks.reading import descriptions
from stacks.reading.problem import Mistake, Path
from stacks.reading.values import Plain, Values
from stacks.reading.wording import expected, shown

T = TypeVar("T")


class Unread(Exception):
    """A check looked at a value that could not be read."""


class Damaged:
    """Stands for a value that could not be read."""

    def _stop(self, *_: object) -> NoReturn:
        raise Unread

    __getattr__ = __bool__ = __iter__ = __len__ = __contains__ = __getitem__ = __hash__ = __str__ = __repr__ = _stop
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __format__ = _stop
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __float__ = __int__ = __index__ = _stop


DAMAGED: Any = Damaged()


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def typed(kind: type[T], found: Values, known_damage: Collection[Path], complete: bool
          ) -> tuple[T, list[Mistake], set[Path]]:
    """Return a file's fields as a dataclass, what is of another type, and the fields that are damaged.

    ``known_damage``: what has been told of already. ``complete``: whether a field that is missing is missing indeed.
    """
    mistakes: list[Mistake] = []
    damage = set(known_damage)
    value = _without_numbers_that_are_none(found.value, ())
    try:
        _adapter(cast(Hashable, kind)).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            path = _field_of(item)
            if not _within(path, known_damage) and (complete or item["type"] != "missing"):
                wanted = expected(item, path, found, is_dataclass(_item(kind_at(kind, path))))
                mistakes.append(Mistake(path, shown(item, path, found), wanted + (
                    _what(kind, path) if item["type"] == "missing" else "")))
            damage.add(path)
    for path, odd in found.odd.items():
        if _within(path, damage):
            continue
        if odd.is_number:
            octal = " (octal)" if odd.text.lstrip("+-").isdecimal() else ""
            mistakes.append(Mistake(path, f"{odd.text}, which YAML reads as {odd.meaning}{octal}",
                                    _written_out(path, odd.text)))
            damage.add(path)
        else:
            mistakes.append(Mistake(path, f"{odd.text}, which not every reader of YAML takes for {odd.meaning}",
                                    odd.meaning, level="warning"))
    return cast(T, _built(kind, found.value, (), damage)), mistakes, damage


def _what(kind: Any, path: Path) -> str:
    """Return what a field that is missing would say, by its docstring; empty where it has none."""
    said = descriptions.of_field(kind_at(kind, path[:-1]), str(path[-1]))
    return f": {descriptions.first_sentence(said)}" if said else ""


def _written_out(path: Path, text: str) -> str:
    digits = text.lstrip("+-")
    if digits.isdecimal():
        return f"it without a 0 before it: {digits.lstrip('0')}"
    if ":" in text and str(path[-1]).endswith("_seconds"):
        return "seconds as a number, such as 900 for 15 minutes"
    return "a number in digits, such as 1000"


def _field_of(item: ErrorDetails) -> Path:
    return tuple(part for part in item["loc"] if part != "[key]")


def _within(path: Path, damage: Collection[Path]) -> bool:
    """Whether a path, or what it is in, is damaged."""
    return any(path[:length] in damage for length in range(len(path) + 1)) if damage else False


def _without_numbers_that_are_none(value: Plain, path: Path) -> Plain:
    """Return data that JSON can hold: ``.nan`` and ``.inf`` become texts, which no number is."""
    if isinstance(value, dict):
        return {name: _without_numbers_that_are_none(item, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_numbers_that_are_none(item, (*path, place)) for place, item in enumerate(value)]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _plainly(kind: Any) -> Any:
    """Return a type without None beside it."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def hints(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass' fields, by their names."""
    return _hints(kind)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def kind_at(kind: Any, path: Path) -> Any:
    """Return the type of the field at a path, without None beside it; None where there is no such field."""
    for part in path:
        kind = _plainly(kind)
        kind = hints(kind).get(str(part)) if is_dataclass(kind) else _item(kind)
    return _plainly(kind)


def _item(kind: Any) -> Any:
    """Return the type of a list's items, or of a mapping's values; None for what is neither."""
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _built(kind: Any, value: Plain, path: Path, damage: Collection[Path]) -> Any:
    """Return a value as its type, with what is damaged in it; the rest is known to fit."""
    if path in damage:
        return DAMAGED
    if value is None:
        return None
    kind = _plainly(kind)
    if is_dataclass(kind) and isinstance(value, dict):
        made = {}
        for one in fields(kind):
            if one.name in value:
                made[one.name] = _built(hints(kind)[one.name], value[one.name], (*path, one.name), damage)
            elif (one.default is MISSING and one.default_factory is MISSING) or (*path, one.name) in damage:
                made[one.name] = DAMAGED
        return cast(Callable[..., Any], kind)(**made)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_built(get_args(kind)[0], item, (*path, place), damage) for place, item in enumerate(value))
    if get_origin(kind) is dict and isinstance(value, dict):
        return {name: _built(get_args(kind)[1], item, (*path, name), damage) for name, item in value.items()}
    return float(value) if kind is float and isinstance(value, int) else value


def judged(check: Callable[[T], Iterator[Found]], made: T, is_damaged: bool) -> Iterator[Found]:
    """Yield what a check finds before it comes to something that could not be read."""
    try:
        yield from check(made)
    except Unread:
        return
    except TypeError:
        # What is written in C, such as ``re``, looks at the type alone.
        if not is_damaged:
            raise
