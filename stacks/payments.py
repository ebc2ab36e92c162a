"""Checks of how payments are counted: what queries are made of, and what is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from responder.plan.payment_tables import VERSION
from stacks.nearest import Found, nearest

_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_VALUE = re.compile(r"[a-z0-9_. -]{1,60}")
_MOST = 9
"""Attributes: New Relic groups by five at once, and two tables are asked for."""


def payments(service: Service) -> Iterator[Found]:
    """Find what of the payments' attributes no query could ask for, or no remedy could hide."""
    counted = service.payments
    if counted is None:
        return
    if counted.component not in service.graph:
        yield ("payments", "component"), repr(counted.component), "a component" + nearest(
            counted.component, service.graph)
    if not 0 < len(counted.attributes) <= _MOST or len(set(counted.attributes)) != len(counted.attributes):
        yield ("payments", "attributes"), f"{len(counted.attributes)} attributes", f"1 to {_MOST}, each once"
    for index, name in enumerate(counted.attributes):
        if not _ATTRIBUTE.fullmatch(name) or name == VERSION:
            yield (("payments", "attributes", index), repr(name),
                   "letters, digits, dots and underscores; the version is known by itself")
    if not _ATTRIBUTE.fullmatch(counted.outcome):
        yield ("payments", "outcome"), repr(counted.outcome), "letters, digits, dots and underscores"
    for index, value in enumerate(counted.declined):
        if not _VALUE.fullmatch(value):
            yield ("payments", "declined", index), repr(value), "small letters, digits, dots, hyphens and spaces"
    if counted.hide and counted.method not in counted.attributes:
        yield ("payments", "method"), repr(counted.method), "one of the attributes" + nearest(
            counted.method, counted.attributes)
    for name in counted.parties:
        if name not in counted.attributes:
            yield ("payments", "parties", name), repr(name), "one of the attributes" + nearest(
                name, counted.attributes)
