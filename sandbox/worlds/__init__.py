"""How the sandbox speaks in a drill: ``start.world`` and ``--world KEY=VALUE[,KEY=VALUE…]``; one module a key.

A module is a key by being here: it sets ``KEY``. The contract names more keys than the sandbox can do (``PLANNED``):
those are refused with a word that says so, and so is what the contract does not know. docs/drills.md describes them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from sandbox.events.event import known
from sandbox.platform.state import World

PLANNED = ("newrelic", "splunk", "database", "workloads", "mesh", "images", "account")
"""All keys of the contract."""
FOLDER = "worlds"
"""Where records of other worlds than the default one lie, one folder a world."""


@dataclass(frozen=True)
class Key:
    """One key of a world."""

    name: str
    values: tuple[str, ...]
    """The default first."""
    apply: Callable[[World, str, str], None]
    """Gives a world that begins the value; the last argument is the drill's seed."""
    lacks: Callable[[str, str, Mapping[str, object]], bool] = lambda value, kind, fields: False
    """Whether an event (its kind and fields in the drill) cannot happen in a value's world."""


@cache
def every() -> dict[str, Key]:
    """All keys that the sandbox can do, by name."""
    found: dict[str, Key] = {}
    for module in sorted(item.name for item in pkgutil.iter_modules(__path__)):
        key: Key = importlib.import_module(f"{__name__}.{module}").KEY
        if key.name != module:
            raise ValueError(f"{module}.py has the key {key.name!r}: the file has the key's name")
        found[key.name] = key
    return found


def checked(key: str, value: str) -> str:
    """Return the value of a key; raises ValueError with what is expected."""
    known(key, PLANNED, f"one of {', '.join(PLANNED)}")
    if key not in every():
        raise ValueError(f"one of {', '.join(every())}: the sandbox does not have {key!r} yet")
    values = every()[key].values
    return known(value, values, f"{key}: one of {', '.join(values)}")


def parsed(text: str) -> dict[str, str]:
    """Return what ``--world`` gives; raises ValueError with what is expected."""
    found: dict[str, str] = {}
    for pair in text.split(","):
        key, sign, value = (part.strip() for part in pair.partition("="))
        if not sign:
            raise ValueError(f"KEY=VALUE[,KEY=VALUE…], such as account=quiet, not {pair!r}")
        if key in found:
            raise ValueError(f"each key once, not {key!r} twice")
        found[key] = checked(key, value)
    return found


def whole(given: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every key: the given one, or the default."""
    return {name: given.get(name, key.values[0]) for name, key in every().items()}


def lack(given: Mapping[str, str], kind: str, fields: Mapping[str, object]) -> bool:
    """Whether an event cannot happen in a world."""
    return any(every()[name].lacks(value, kind, fields) for name, value in whole(given).items())


def label(world: Mapping[str, str]) -> str:
    """Name a world by what differs from the defaults, as ``--world`` takes it; empty for the default world."""
    return ",".join(f"{name}={value}" for name, value in sorted(world.items())
                    if name in every() and value != every()[name].values[0])


def apply(world: World, given: Mapping[str, str], seed: str) -> None:
    """Let a world that begins speak as given."""
    for name, value in whole(given).items():
        every()[name].apply(world, value, seed)
