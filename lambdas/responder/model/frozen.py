"""Frozen dataclasses that cost little at a cold start: ``dataclass`` here is the standard library's, made by need.

The standard library compiles up to six methods for each frozen class when its module is imported, about 0.7 ms a class,
and a function imports a hundred classes and more. Here the classes share those methods; ``__init__`` alone is
compiled, when a class is first called. What is left out: ``slots``, ``order``, and anything but ``frozen=True``; for
those few classes that need it there is the standard library. Type checkers see the standard library's decorator.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, cast

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    def dataclass(*, frozen: bool, kw_only: bool = False):
        """Return a decorator that makes a class a frozen dataclass, comparable and hashable by its fields."""
        if not frozen:
            raise TypeError("dataclasses.dataclass makes those that change")

        def made(kind: type) -> type:
            kind.__doc__ = kind.__doc__ or kind.__name__  # Otherwise its signature would be written there, at once.
            dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(kind)
            for name, method in _SHARED.items():
                if name not in vars(kind):
                    setattr(kind, name, method)
            kind.__init__ = _Init(kind)
            return kind

        return made


def maker(kind: type[T]) -> Callable[[Mapping[str, object]], T]:
    """Return a function that makes a dataclass of its fields by name, and refuses unknown or missing fields.

    It takes no ``__init__``, which need not be compiled then. For a class of the standard library it is the class.
    """
    if kind.__setattr__ is not _set:
        return lambda given: kind(**given)
    fields = dataclasses.fields(cast(Any, kind))
    plain = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    made_new = {field.name: field.default_factory for field in fields
                if field.default_factory is not dataclasses.MISSING}
    after = getattr(kind, "__post_init__", None)

    def make(given: Mapping[str, object]) -> T:
        made = object.__new__(kind)
        values = vars(made)
        values.update(plain)
        for name, factory in made_new.items():
            if name not in given:
                values[name] = factory()
        values.update(given)
        if after is not None:
            after(made)
        return made

    return make


class _Init:
    """Stands for a class's ``__init__`` until somebody looks at it: the first call, or its signature."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        made = _init(self._kind)
        type.__setattr__(self._kind, "__init__", made)
        return made.__get__(instance, owner)


def _init(kind: type) -> Any:
    """Return a class's ``__init__``, as the standard library makes it."""
    given = sorted((field for field in dataclasses.fields(kind) if field.init), key=lambda field: field.kw_only is True)
    scope: dict[str, object] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    parameters, lines = ["self"], []
    for field in given:
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
        name, value = field.name, field.name
        if field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            parameters.append(f"{name}=_default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default_factory
            parameters.append(f"{name}=_absent")
            value = f"_default_{name}() if {name} is _absent else {name}"
        else:
            parameters.append(name)
        lines.append(f"_set(self, {name!r}, {value})")
    if hasattr(kind, "__post_init__"):
        lines.append("self.__post_init__()")
    source = "\n  ".join([f"def make({', '.join(scope)}):\n def __init__({', '.join(parameters)}):",
                          *(lines or ["pass"])]) + "\n return __init__"
    made: dict[str, Callable[..., Any]] = {}
    # The text is made of the names of fields alone, which Python has read as names before.
    exec(source, vars(sys.modules[kind.__module__]), made)  # noqa: S102 - see above
    [make] = made.values()
    init = make(**scope)
    init.__qualname__ = f"{kind.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in given} | {"return": None}
    return init


@cache
def _compared(kind: type) -> Any:
    """Return what takes from an instance the values by which it is compared."""
    names = [field.name for field in dataclasses.fields(kind) if field.compare]
    return attrgetter(*names) if names else lambda value: ()


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    kind: Any = type(self)
    return bool(_compared(kind)(self) == _compared(kind)(other))


def _hash(self: Any) -> int:
    kind: Any = type(self)
    return hash(_compared(kind)(self))


def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED = {"__eq__": _eq, "__hash__": _hash, "__repr__": _repr, "__setattr__": _set, "__delattr__": _delete}
