"""A workload is told a port at which its database does not listen.

The Service, or the database's pods, have other ports than the variables say. What is read:
``responder/state/misaddressed.py`` and ``responder/state/databases.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.called import unoffered
from responder.state.databases import engine, has_own_port, runs_here, uses
from responder.state.misaddressed import sentence, written, wrong
from responder.state.sayings import by_owner, sayings, serves_nobody

_REFUSED = re.compile(r"Communications link failure|Can't connect to MySQL server|MongoSocketOpenException|"
                      r"PSQLException: Connection to \S+ refused|MongoServerSelectionError", re.IGNORECASE)
"""Words of databases' drivers alone; a time-out may have many causes."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose database has another port than they are told, or than they say that they call."""
    databases = {(use.given.owner, use.given.address) for use in uses(state) if has_own_port(use)}
    said = {(one.caller, one.target.ref): one for one in unoffered(state)}
    told = set()
    for one in wrong(state):
        owner, address, ref = one.given.owner, one.given.address, one.given.target.ref
        if one.fault == "port" and not one.at_service and (owner, address) in databases:
            told.add((owner, ref))
            text = said[owner, ref].text if (owner, ref) in said else ""
            yield Found(str(owner), sentence(one), "stops", "said" if text else "seen", (owner.name,),
                        text or written(one),
                        f"set {address.port_variable or address.variable} of {owner} to port {one.right}")
    for key, call in sorted(said.items(), key=lambda one: one[0]):
        service = call.target.service
        if key in told or service is None or not any(runs_here(state, one.ref) for one in state.behind(service)):
            continue
        ports = ", ".join(str(port.number) for port in service.ports)
        yield Found(str(call.caller), f"{call.caller} calls {service.ref.name} at port {call.port}, which has {ports}",
                    "stops", "said", (call.caller.name,), call.text,
                    f"let {call.caller} call {service.ref.name} at port {ports}")
    found = {owner for owner, _ in told} | {call.caller for call in said.values()}
    yield from (each for owner, each in _unsaid(state) if owner not in found)


def _unsaid(state: State) -> Iterator[tuple[Ref, Found]]:
    """Yield who alone is refused by a kind of database that is well, where no port is said."""
    refused = by_owner(sayings(state, _REFUSED))
    kinds = {owner: engine(one.text) or "mysql" for owner, one in refused.items()}
    for owner, one in refused.items():
        servers = [each for each in state.apps if runs_here(state, each.ref) == kinds[owner]]
        if servers and list(kinds.values()).count(kinds[owner]) == 1 and not runs_here(state, owner) and not any(
                serves_nobody(state, each.ref) for each in servers):
            yield owner, Found(str(owner), f"{owner} does not reach its database, which is well", "stops", "guessed",
                               (owner.name,), one.text, f"compare the address that {owner} is told with its database's")


CHECK = Check(id="database_port_wrong", family="runtime", sign="definition", find=find)
