"""The events of drills, one module each.

A module is an event by being here: it sets ``EVENT``. The contract of drill files is put together from their schemas
(``sandbox/drill/contract.py``), and the sandbox's control brings them about by name. ``docs/extending.md`` says how to
add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from sandbox.events.event import Event

_NO_EVENTS = frozenset({"calling", "event", "change"})
"""Modules that only serve the others."""


@cache
def every() -> dict[str, Event[Any, Any]]:
    """All kinds of events by name, in the order of their names."""
    found: dict[str, Event[Any, Any]] = {}
    for module in sorted(item.name for item in pkgutil.iter_modules(__path__) if item.name not in _NO_EVENTS):
        event: Event[Any, Any] = importlib.import_module(f"{__name__}.{module}").EVENT
        if event.name != module:
            raise ValueError(f"{module}.py has the event {event.name!r}: the file has the event's name")
        found[event.name] = event
    return found
