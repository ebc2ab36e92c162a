"""Where a component's failures arise: in itself, before it, or in something that it calls.

A location is kept as a text (``text``): ``own``, ``reach``, ``database``, ``declined``, ``provider:NAME``,
``dependency:NAME``, or what is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self, TypeAlias

from responder.model.codec import Malformed
from responder.model.frozen import dataclass

_OWN, _UNREACHED, _DATABASE, _DECLINED = "own", "reach", "database", "declined"
_PROVIDER, _DEPENDENCY = "provider:", "dependency:"


class _Location(ABC):
    @property
    @abstractmethod
    def text(self) -> str:
        """The location as it is kept, compared and sorted."""

    def to_wire(self) -> str:
        """Return it as plain JSON."""
        return self.text

    @classmethod
    def from_wire(cls, value: object, place: str) -> Self:
        """Return what ``to_wire`` wrote; raises Malformed."""
        found = location_of(value) if isinstance(value, str) else None
        if not isinstance(found, cls):
            raise Malformed(place, f"a fault location ({cls.__name__})", value)
        return found


@dataclass(frozen=True)
class Own(_Location):
    """In the component itself."""

    @property
    def text(self) -> str:
        """``own``."""
        return _OWN


@dataclass(frozen=True)
class Unreached(_Location):
    """Before the component: its callers do not get through to it."""

    @property
    def text(self) -> str:
        """``reach``."""
        return _UNREACHED


@dataclass(frozen=True)
class Database(_Location):
    """In the component's calls of the service's database."""

    @property
    def text(self) -> str:
        """``database``."""
        return _DATABASE


@dataclass(frozen=True)
class Declined(_Location):
    """Behind the providers: payments are answered, and declined."""

    @property
    def text(self) -> str:
        """``declined``."""
        return _DECLINED


@dataclass(frozen=True)
class Provider(_Location):
    """In the component's calls of a provider outside."""

    name: str

    @property
    def text(self) -> str:
        """``provider:NAME``."""
        return _PROVIDER + self.name


@dataclass(frozen=True)
class Dependency(_Location):
    """In the component's calls of a cache, a queue, a check or the like."""

    name: str

    @property
    def text(self) -> str:
        """``dependency:NAME``."""
        return _DEPENDENCY + self.name


@dataclass(frozen=True)
class Callee(_Location):
    """On the way to another component, or to a host that the configuration does not know."""

    name: str

    @property
    def text(self) -> str:
        """The component's name, or the host's."""
        return self.name


FaultLocation: TypeAlias = Own | Unreached | Database | Declined | Provider | Dependency | Callee

OWN, UNREACHED, DATABASE, DECLINED = Own(), Unreached(), Database(), Declined()


def location_of(text: str) -> FaultLocation | None:
    """Return the location that a text stands for; None for an empty text."""
    if text.startswith(_PROVIDER):
        return Provider(text.removeprefix(_PROVIDER))
    if text.startswith(_DEPENDENCY):
        return Dependency(text.removeprefix(_DEPENDENCY))
    known: dict[str, FaultLocation] = {location.text: location for location in (OWN, UNREACHED, DATABASE, DECLINED)}
    return known.get(text) or (Callee(text) if text else None)
