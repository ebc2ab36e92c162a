"""A workload is told a port at which its database does not listen.

The Service, or the database's pods, have other ports than the variables say. What is read:
``responder/state/misaddressed.py`` and ``responder/state/databases.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.databases import engine, runs_here, uses
from responder.state.misaddressed import sentence, written, wrong
from responder.state.sayings import by_owner, sayings, serves_nobody

_REFUSED = re.compile(r"refused|ECONNREFUSED|Can't connect to|Communications link failure|could not connect to server|"
                      r"timed? ?out|ETIMEDOUT|connection attempt failed|Unable to connect to|Error \d+ connecting to",
                      re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose database has another port than they are told."""
    databases = {(use.given.owner, use.given.address) for use in uses(state)}
    said = {owner: one.text for owner, one in by_owner(sayings(state, _REFUSED)).items()}
    for one in wrong(state):
        owner, address = one.given.owner, one.given.address
        if one.fault == "port" and not one.at_service and (owner, address) in databases:
            text = said.get(owner, "")
            told = bool(text) and (str(address.port) in text or address.host in text)
            yield Found(str(owner), sentence(one), "stops", "said" if told else "seen", (owner.name,),
                        text if told else written(one),
                        f"set {address.port_variable or address.variable} of {owner} to port {one.right}")
    told_of = {one.given.owner for one in wrong(state)}
    for owner, text in said.items():
        if owner not in told_of and _alone(state, owner, said):
            yield Found(str(owner), f"{owner} does not reach its database, which is well", "stops", "guessed",
                        (owner.name,), text, f"compare the address that {owner} is told with its database's")


def _kind(text: str) -> str:
    return engine(text) or ("mysql" if "Communications link failure" in text else "")


def _alone(state: State, owner: Ref, said: Mapping[Ref, str]) -> bool:
    """Whether a workload is refused by a kind of database all of which are well, and of which others say nothing."""
    kind = _kind(said[owner])
    refused = [text for text in said.values() if kind and _kind(text) == kind]
    servers = [one for one in state.apps if kind and runs_here(state, one.ref) == kind]
    return bool(servers) and owner not in {one.ref for one in servers} and len(refused) == 1 and not any(
        serves_nobody(state, one.ref) for one in servers)


CHECK = Check(id="database_port_wrong", family="runtime", sign="definition", find=find)
