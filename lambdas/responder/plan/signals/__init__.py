"""What the evidence amounts to: signals, each one thing that was seen and that bears on the causes.

One file here is one reader of evidence. It declares each kind of signal that it emits beside the function that emits
it, and is registered by being here: its ``read`` is called with a ``Context`` and yields signals. A kind is a function
that says the signal as a person would; its parameters are the facts that the sentence needs, so that a missing or
superfluous fact is an error for mypy, and a TypeError when it is emitted. How much a kind weighs for or against a
mechanism stands in the mechanism's file (``plan/mechanisms``).

The small types here and in ``plan/mechanisms`` are named tuples, for a function starts with all of them: a frozen
dataclass takes 0.8 ms to make, a named tuple 0.2 ms.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Generic, NamedTuple, ParamSpec, Protocol, TypeAlias

from responder.model.evidence import Evidence
from responder.model.evidence.pods import Pods
from responder.model.fault_location import DATABASE, OWN, UNREACHED, Callee, Dependency, FaultLocation, Provider
from responder.model.service import Service
from responder.plan.failure_modes import FailureMode
from responder.plan.kinds import REACH, ErrorKind

P = ParamSpec("P")
_MOSTLY = 0.5


class Origin(Protocol):
    """Where a signal comes from; a finding is one."""

    @property
    def source(self) -> str:
        """The source that saw it."""

    @property
    def name(self) -> str:
        """The kind of finding that shows it."""


class Seen(NamedTuple):
    """An origin without a finding at hand."""

    source: str
    name: str


class Signal(NamedTuple):
    """One thing that was seen and that bears on the causes; ordered by its kind."""

    id: str
    """The id of its kind."""
    source: str
    """The source that saw it."""
    finding: str
    """The kind of finding that shows it."""
    sentence: str = ""
    """What was seen, as a person would say it, with the facts filled in."""


class SignalKind(Generic[P]):
    """A kind of signal. Kinds are compared by identity: each is declared once."""

    def __init__(self, sentence: Callable[P, str], reason: str) -> None:
        self.id = sentence.__name__
        """Its name in weights files and tests: the name of the function that says it."""
        self.reason = reason
        """Why it weighs what it weighs, for or against the mechanisms that name it."""
        self._sentence = sentence

    def emit(self, origin: Origin, /, *facts: P.args, **named: P.kwargs) -> Signal:
        """Return a signal of this kind; ``facts`` are what its sentence needs."""
        return Signal(self.id, origin.source, origin.name, self._sentence(*facts, **named))

    def __repr__(self) -> str:
        """Return its id."""
        return f"<signal {self.id}>"


AnySignalKind: TypeAlias = SignalKind[...]


def signal(reason: str) -> Callable[[Callable[P, str]], SignalKind[P]]:
    """Make a kind of signal of a function that says it; ``reason`` is why it weighs what it weighs."""

    def kind(sentence: Callable[P, str]) -> SignalKind[P]:
        return SignalKind(sentence, reason)

    return kind


class Context(NamedTuple):
    """What a reader is given: one failure mode of one component, and all that is known of the incident."""

    service: Service
    mode: FailureMode
    """The failure mode: the component, and where its failures arise."""
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC); None: not known."""
    evidence: Evidence

    @property
    def component(self) -> str:
        """The component that fails."""
        return self.mode.component

    @property
    def deployment(self) -> str:
        """The workload of the component that fails, by name: as it was found, else as it is configured."""
        found = self.evidence.one(Pods, self.component)
        return (found.detail.workload.partition("/")[2] if found else "") or self.service.component(
            self.component).deployment

    @property
    def workloads(self) -> frozenset[str]:
        """Names by which changes of the component's workload go: as it was found, and as it is configured.

        The template of an Argo Rollout may stand in a Deployment of the component's name.
        """
        return frozenset({self.component, self.deployment, self.service.component(self.component).deployment})

    @property
    def location(self) -> FaultLocation:
        """Where the failures arise."""
        return self.mode.location

    @property
    def in_itself(self) -> bool:
        """Whether the failures arise in the component itself."""
        return self.location == OWN

    @property
    def unreached(self) -> bool:
        """Whether the component's callers do not get through to it."""
        return self.location == UNREACHED

    @property
    def in_database(self) -> bool:
        """Whether the failures arise in calls of the database."""
        return self.location == DATABASE

    @property
    def provider(self) -> str:
        """The provider in whose calls the failures arise; empty: in none."""
        return self.location.name if isinstance(self.location, Provider) else ""

    @property
    def dependency(self) -> str:
        """The cache, queue, check or the like in whose calls the failures arise; empty: in none."""
        return self.location.name if isinstance(self.location, Dependency) else ""

    @property
    def callee(self) -> str:
        """The other component that this one does not get through to; empty: none."""
        location = self.location
        return location.name if isinstance(location, Callee) and location.name in self.service.graph else ""

    @property
    def place(self) -> str:
        """What the failing calls are of, as people know it; else where the failures arise."""
        if self.in_database and self.service.database:
            return self.service.database.name
        return self.provider or self.dependency or self.mode.where

    def mostly(self, kind: ErrorKind) -> bool:
        """Whether at least half of the failures are errors of a kind."""
        return self.mode.kinds.get(kind, 0.0) >= _MOSTLY

    @property
    def main_kinds(self) -> tuple[ErrorKind, ...]:
        """The kinds of errors that make up at least half of the failures."""
        return tuple(kind for kind in self.mode.kinds if self.mostly(kind))

    @property
    def mostly_unreached(self) -> bool:
        """Whether at least half of the failures say that the other side was not reached."""
        return sum(share for kind, share in self.mode.kinds.items() if kind in REACH) >= _MOSTLY


def read(context: Context) -> list[Signal]:
    """Return all signals that bear on one failure mode, in a fixed order; the findings' order changes nothing."""
    return sorted({signal for reader in readers() for signal in reader(context)})


@cache
def readers() -> tuple[Callable[[Context], Iterator[Signal]], ...]:
    """Return the readers of all modules, by the modules' names."""
    return tuple(module.read for module in _modules())


@cache
def kinds() -> dict[str, AnySignalKind]:
    """Return all kinds of signals by id; raises ValueError where two have the same."""
    found: dict[str, AnySignalKind] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, SignalKind) and found.setdefault(value.id, value) is not value:
                raise ValueError(f"{module.__name__}: there is another kind of signal called {value.id}")
    return found


def _modules() -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]
