"""What an adapter of a set of outages that others recorded is made of.

An adapter is a module of ``bench/external`` that has what ``Adapter`` names; it is found by being there. It turns a
recording into the responder's own types and asks the responder's own code, so that what is measured is what is
deployed. What is particular to a set (names of files, a vocabulary of root causes) stays in its adapter.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

NONE = "none"
"""The object of an answer, or of the truth, that says: nothing of what is offered is at fault. Silence is no answer."""


class BadInput(Exception):
    """A set cannot be read; the message names the file and what was expected."""


@dataclass(frozen=True)
class Answer:
    """What is said to be at fault."""

    object: str
    """In the set's own words: a component, ``node/NAME``, a commit; ``none``: nothing is."""
    root_cause: str = ""
    """In the set's own words; empty where the set has none, or where only the object is known."""
    confidence: float = 1.0
    """How sure, 0 to 1: of answers with 0.8, four of five should be right."""


@dataclass(frozen=True)
class Truth:
    """What is at fault."""

    object: str
    root_cause: str = ""
    """Empty: the set does not ask for it."""
    decoys: tuple[str, ...] = ()
    """Objects that were put there to mislead: to name one is worse than to be silent."""


@dataclass(frozen=True)
class Case:
    """One outage."""

    id: str
    kind: str
    """What the figures are told apart by; empty: not known."""
    truth: Truth | None
    """None: the label is missing; the case is answered, not scored."""
    data: Any
    """What the adapter reads; it does not hold the truth."""


class Adapter(Protocol):
    """A module of ``bench/external``. ``matches(answer, truth)`` may be there too, see ``matcher``; and
    ``prepared(case)``, which returns the case with its data in the responder's own types: that is reading, and is not
    timed.
    """

    NAME: str
    """The set's, and its folder's."""

    def cases(self, folder: Path) -> Iterator[Case]:
        """Yield the cases of a folder, in a steady order; raise ``BadInput`` where it cannot be read."""

    def answer(self, case: Case, always: bool = False) -> list[Answer]:
        """Return what the responder says, the likeliest first; empty: it abstains. ``always``: it must not abstain
        where it can name anything at all.
        """

    def baselines(self) -> Mapping[str, Callable[[Case], list[Answer]]]:
        """Return simple methods to be beside it, by name."""


Matches = Callable[[Answer, Truth], tuple[bool, bool]]
"""Whether an answer's object is right, and whether object and root cause are."""


def same(answer: Answer, truth: Truth) -> tuple[bool, bool]:
    """Compare word for word; where the truth has no root cause, the object decides."""
    named = answer.object == truth.object
    return named, named and truth.root_cause in ("", answer.root_cause)


def matcher(adapter: Adapter) -> Matches:
    """Return how a set compares an answer with the truth."""
    found: Matches = getattr(adapter, "matches", same)
    return found


def prepared(adapter: Adapter, case: Case) -> Case:
    """Return a case as the responder is given it."""
    read: Callable[[Case], Case] | None = getattr(adapter, "prepared", None)
    return read(case) if read else case


def adapters() -> dict[str, Adapter]:
    """Return all adapters by the name of their set."""
    package = importlib.import_module("bench.external")
    found: dict[str, Adapter] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if name != "__main__":
            module: Any = importlib.import_module(f"{package.__name__}.{name}")
            if hasattr(module, "NAME") and hasattr(module, "answer"):
                found[module.NAME] = module
    return found


def folders(given: Sequence[str], names: Sequence[str], usual: Path) -> dict[str, Path]:
    """Return the folder of each set: ``SET=FOLDER``, or a folder that has the sets' folders; else in ``usual``.

    Where folders are given, only sets that are in them are run. A folder with the name of a set counts as that set's.
    """
    found: dict[str, Path] = {}
    for one in given:
        name, equals, folder = one.partition("=")
        if equals and name not in names:
            raise BadInput(f"{one}: no set is called {name}; expected one of {', '.join(names)}")
        path = Path(folder if equals else one)
        if not path.is_dir():
            raise BadInput(f"{path}: expected a folder")
        if equals or path.resolve().name in names:
            found[name if equals else path.resolve().name] = path
            continue
        inside = {each: path / each for each in names if (path / each).is_dir()}
        if not inside:
            raise BadInput(f"{path}: expected a folder that has one of {', '.join(names)}, or SET=FOLDER")
        found |= inside
    return found if given else {name: usual / name for name in names if (usual / name).is_dir()}
