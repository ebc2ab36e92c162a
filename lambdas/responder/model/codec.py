"""Dataclasses as plain JSON, and back: the one place where the project's own records turn into types.

A misspelt, renamed or unknown key is an error that names the place and what was expected, so that the two sides of a
wire cannot drift apart in silence. Written here, because a function starts with it: most libraries that do the same
(pydantic, cattrs, mashumaro, msgspec) cost more at each cold start (measured in ``docs/dependencies.md``).
"""

from __future__ import annotations

import inspect  # Which dataclasses imports anyway.
import reprlib
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from responder.model.frozen import maker
from responder.model.plain_json import MOST_INTEGER, MOST_NUMBER, whole

T = TypeVar("T")
Read = Callable[[Any, str], Any]
"""Turns plain JSON into a value; the text is the place, for errors."""

Json = Any
"""JSON of somebody else's making (a Kubernetes object, a vendor's event), kept as it came."""


class Foreign:
    """Base of the dataclasses that read JSON of somebody else's making: what they do not know is left out.

    A field is read from the key of its name in camel case (``user_arn`` from ``userArn``), or from the one that
    ``KEYS`` has for it.
    """

    KEYS: ClassVar[Mapping[str, str]] = {}


class Malformed(ValueError):
    """Plain data that is not of the type that was expected; the message names the place and both."""

    def __init__(self, place: str, expected: str, found: object) -> None:
        shown = _SHOWN.repr(found)
        shown = shown if len(shown) <= 60 else shown[:57] + "…"
        super().__init__(f"{place[:_PLACE] or 'value'}: expected {expected}, found {shown}")


_PLACE = 200
_SHOWN = reprlib.Repr()
"""For errors: what is deep or long is shown by its beginning, and never walked through."""
_SHOWN.maxlevel = _SHOWN.maxdict = _SHOWN.maxlist = _SHOWN.maxtuple = 20
_SHOWN.maxstring = _SHOWN.maxother = 1000


def decode(kind: type[T], value: Any, place: str = "") -> T:
    """Return plain JSON as ``kind``: a dataclass, named tuple, tuple, mapping, optional, literal, enum or plain type.

    Keys that ``kind`` does not know, missing keys without a default and values of another type raise Malformed.
    """
    return cast(T, _reader(cast(Any, kind))(value, place))


def decode_known(kind: type[T], value: Mapping[str, object], place: str = "") -> T:
    """Return what a dataclass knows of an object with further keys, which are left out; raises Malformed."""
    known = names_of(cast(Any, kind))
    return decode(kind, {key: item for key, item in value.items() if key in known}, place)


def encode(value: Any) -> Any:
    """Return a dataclass, and all that is in it, as plain JSON; fields that are None are left out.

    A class with ``to_wire()`` says itself what it is as plain JSON, and with ``from_wire(value, place)`` reads it.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if type(value) is list or isinstance(value, tuple):
        return [item if type(item) in _AS_THEY_ARE else encode(item) for item in value]
    if hasattr(value, "to_wire") and not isinstance(value, type):
        return value.to_wire()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: encode(item) for name in names_of(type(value)) if (item := getattr(value, name)) is not None}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | frozenset):
        return [encode(item) for item in value]
    return value.value if isinstance(value, Enum) else value


_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})
"""Told first, for a series has thousands of numbers."""


@cache
def names_of(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass' fields."""
    return tuple(field.name for field in fields(kind))


@cache
def _reader(kind: Any) -> Read:
    if kind is Any or kind is object:
        return lambda value, place: value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _either(arguments)
    if origin is typing.Literal:
        return _one_of(arguments)
    if origin is tuple:
        return _row(arguments) if arguments[-1] is not ... else _list(arguments[0])
    if origin in (dict, Mapping):
        return _mapping(arguments[1])
    if isinstance(kind, type):
        if hasattr(kind, "from_wire"):
            return cast(Read, kind.from_wire)
        if is_dataclass(kind):
            return _object(kind)
        if issubclass(kind, tuple):
            return _row(tuple(_hints(kind).values()), kind)
        if issubclass(kind, Enum):
            return _enum(kind)
        if kind in _PLAIN:
            return _plain(kind)
    raise TypeError(f"the codec knows no {kind}")


_PLAIN: dict[type, tuple[str, tuple[type, ...]]] = {
    str: ("a text", (str,)), bool: ("true or false", (bool,)), int: ("a whole number", (int,)),
    float: ("a number", (int, float))}


def _plain(kind: type) -> Read:
    expected, taken = _PLAIN[kind]

    def read(value: Any, place: str) -> Any:
        if type(value) in taken:
            if kind is str:
                return value if value.isascii() else whole(value)
            if kind is float and -MOST_NUMBER <= value <= MOST_NUMBER:
                return float(value)
            if kind is bool or (kind is int and -MOST_INTEGER <= value <= MOST_INTEGER):
                return value
        # DynamoDB gives whole numbers as int, JSON of elsewhere as float.
        if kind is int and isinstance(value, float) and value.is_integer() and abs(value) <= MOST_INTEGER:
            return int(value)
        raise Malformed(place, expected, value)

    return read


def _either(arguments: tuple[Any, ...]) -> Read:
    readers = tuple(_reader(argument) for argument in arguments if argument is not type(None))
    optional = type(None) in arguments

    def read(value: Any, place: str) -> Any:
        if value is None and optional:
            return None
        for place_of, reader in enumerate(readers):
            try:
                return reader(value, place)
            except Malformed:
                if place_of == len(readers) - 1:
                    raise
        raise Malformed(place, "something", value)

    return read


def _one_of(allowed: tuple[Any, ...]) -> Read:
    expected = "one of " + ", ".join(repr(item) for item in allowed)

    def read(value: Any, place: str) -> Any:
        if value not in allowed:
            raise Malformed(place, expected, value)
        return value

    return read


def _enum(kind: type[Enum]) -> Read:
    known = {member.value: member for member in kind}
    expected = "one of " + ", ".join(repr(value) for value in known)

    def read(value: Any, place: str) -> Any:
        if value not in known:
            raise Malformed(place, expected, value)
        return known[value]

    return read


def _list(part: Any) -> Read:
    reader = _reader(part)

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list | tuple):
            raise Malformed(place, "a list", value)
        try:
            return tuple([reader(item, place) for item in value])
        except Malformed:
            # The place is worked out for an error alone: a series has thousands of rows.
            return tuple(reader(item, f"{place}[{number}]") for number, item in enumerate(value))

    return read


_NUMBERS = frozenset({int, float})


def _row(parts: tuple[Any, ...], kind: type[tuple[Any, ...]] | None = None) -> Read:
    readers = tuple(_reader(part) for part in parts)
    numbers = set(parts) == {float}
    made: type[tuple[Any, ...]] = kind or tuple

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list | tuple) or len(value) != len(readers):
            raise Malformed(place, f"a list of {len(readers)}", value)
        if numbers and _NUMBERS.issuperset(map(type, value)) and all(
                -MOST_NUMBER <= number <= MOST_NUMBER for number in value):
            # The rows of a series, of which there are thousands.
            return tuple.__new__(made, map(float, value))
        return tuple.__new__(made, [reader(item, place) for reader, item in zip(readers, value, strict=True)])

    return read


def _mapping(part: Any) -> Read:
    reader = _reader(part)

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            raise Malformed(place, "an object", value)
        try:
            return {whole(str(key)): reader(item, place) for key, item in value.items()}
        except Malformed:
            return {whole(str(key)): reader(item, f"{place}.{key}") for key, item in value.items()}

    return read


def _object(kind: type) -> Read:
    foreign = issubclass(kind, Foreign)
    needed = frozenset(field.name for field in fields(kind)
                       if field.default is MISSING and field.default_factory is MISSING)
    make: Callable[[Mapping[str, object]], object] = maker(kind)

    @cache
    def known() -> dict[str, tuple[str, Read]]:
        # Not before it is used: a type may name itself.
        hints = _hints(kind)
        return {_key(kind, name): (name, _reader(hints[name])) for name in names_of(kind)}

    def taken(value: Mapping[Any, Any], place: str, *, exactly: bool) -> dict[str, object]:
        given, found = known(), {}
        for key, item in value.items():
            field = given.get(key)
            if field is not None:
                name, reader = field
                found[name] = reader(item, f"{place}.{key}".lstrip(".") if exactly else place)
            elif not foreign:
                raise _unknown(kind, given, key, item, place)
        return found

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            raise Malformed(place, f"an object ({kind.__name__})", value)
        try:
            found = taken(value, place, exactly=False)
        except Malformed:
            # The place of a field is worked out for an error alone.
            found = taken(value, place, exactly=True)
        if not needed <= found.keys():
            name = next(name for name in names_of(kind) if name in needed and name not in found)
            raise Malformed(f"{place}.{name}".lstrip("."), f"a value ({kind.__name__} needs it)", None)
        return make(found)

    return read


def _unknown(kind: type, given: Mapping[str, object], key: object, item: object, place: str) -> Malformed:
    return Malformed(f"{place}.{key}".lstrip("."), f"a field of {kind.__name__}" + (
        nearest(str(key)[:60], given) or f" ({', '.join(given)})"), item)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " such as" and the known name that is nearest, for an error's message; empty where none is near."""
    from difflib import get_close_matches  # Needed for an error alone.

    return "".join(f" such as {near}" for near in get_close_matches(name, list(known), 1))


def _hints(kind: type) -> dict[str, object]:
    """Return ``typing.get_type_hints``, in a fraction of its time where all annotations of a class are texts."""
    hints: dict[str, object] = {}
    for part in reversed(kind.__mro__):
        own = inspect.get_annotations(part)
        if not all(isinstance(text, str) for text in own.values()):
            return typing.get_type_hints(kind)
        if own:
            # Annotations are the project's own source, nothing from outside; typing evaluates them one by one.
            kinds = eval(f"({','.join(own.values())},)", vars(sys.modules[part.__module__]))  # noqa: S307 - see above
            hints.update(zip(own, kinds, strict=True))
    return hints


def _key(kind: type, name: str) -> str:
    """Return the key that a field is read from."""
    if not issubclass(kind, Foreign):
        return name
    first, *rest = name.split("_")
    return kind.KEYS.get(name) or first + "".join(word.capitalize() for word in rest)
