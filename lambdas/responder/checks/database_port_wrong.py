"""A workload is told a port at which its database does not listen.

The Service, or the database's pods, have other ports than the variables say. What is read:
``responder/state/misaddressed.py`` and ``responder/state/databases.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.databases import uses
from responder.state.misaddressed import sentence, written, wrong
from responder.state.sayings import by_owner, sayings

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


CHECK = Check(id="database_port_wrong", family="runtime", sign="definition", find=find)
