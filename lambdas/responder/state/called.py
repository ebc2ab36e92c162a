"""At which addresses workloads say that they call others, and fail."""

from __future__ import annotations

import re
from typing import NamedTuple

from responder.model.plain_json import whole_number
from responder.state.addresses import Target, target
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.sayings import sayings
from responder.state.state import State

_FAILS = re.compile(
    r"refused|ECONNREFUSED|Can't connect|Communications link failure|could not connect|i/o timeout|timed? ?out|"
    r"ETIMEDOUT|Unable to connect|connection attempt failed|Error \d+ connecting to|no route to host|EHOSTUNREACH|"
    r"failed to connect|connect failed|Connection error", re.IGNORECASE)
_AT = re.compile(r"(?<![\w.-])(?P<host>[A-Za-z][\w-]*(?:\.[\w-]+)*|\d{1,3}(?:\.\d{1,3}){3}):"
                 r"(?P<port>\d{2,5})(?!\d|\.\d)")
_BY_WORDS = re.compile(r"(?:server (?:at|on) |host )['\"]?(?P<host>[A-Za-z][\w.-]*)['\"]?(?: \([\d.]+\))?,? port "
                       r"(?P<port>\d{2,5})")
"""libpq: ``connection to server at "db" (10.0.0.1), port 5433 failed: Connection refused``."""


class Called(NamedTuple):
    """A call that failed, as the caller says it."""

    caller: Ref
    target: Target
    port: int
    text: str


@once
def called(state: State) -> tuple[Called, ...]:
    """Return the calls that workloads say failed, at addresses that are Services' names or cluster addresses."""
    by_address = {service.address: service for service in state.services if service.address not in ("", "None")}
    found = []
    for one in sayings(state, _FAILS):
        for match in (*_AT.finditer(one.text), *_BY_WORDS.finditer(one.text)):
            service = by_address.get(match["host"])
            to = Target(service.ref, service, True) if service else target(state, one.owner.namespace, match["host"])
            if to is not None and to.service is not None:
                found.append(Called(one.owner, to, int(match["port"]), one.text))
    return tuple(found)


@once
def unoffered(state: State) -> tuple[Called, ...]:
    """Return the calls that failed at ports that the Service does not have, once a caller and Service."""
    found: dict[tuple[Ref, Ref, int], Called] = {}
    for one in called(state):
        service = one.target.service
        if service is None or service.address == "None" or service.kind == "ExternalName" or not service.ports:
            continue
        listened = {number for port in service.ports if (number := whole_number(port.target)) is not None}
        if one.port not in {port.number for port in service.ports} | listened:
            found.setdefault((one.caller, service.ref, one.port), one)
    return tuple(found[key] for key in sorted(found))
