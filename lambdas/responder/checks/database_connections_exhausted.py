"""A database has no connection left for who asks, or is set to have fewer than it has clients.

The wordings are those of the servers: MySQL's errors 1040 and 1203, PostgreSQL's 53300, Redis' and MongoDB's limits;
and of clients' pools, which tell of the client alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.databases import Use, clients, runs_here, server, uses
from responder.state.sayings import by_owner, sayings

_SERVER = re.compile(
    r"[Tt]oo many connections|ER_CON_COUNT_ERROR|too many clients already|remaining connection slots|53300|"
    r"max number of clients reached|too many open connections|no more connections allowed|max_connections|"
    r"[Dd]atabase connection limit|connection limit exceeded|maximum number of connections")
_CLIENT = re.compile(
    r"max_user_connections|too many connections for role|[Cc]onnection is not available, request timed out|"
    r"QueuePool limit of size|[Pp]ool (?:is )?exhausted|Could not get a resource from the pool|"
    r"[Tt]imeout waiting for idle object|[Cc]annot get a connection, pool error|"
    r"[Tt]imed out fetching a new connection from the connection pool|[Tt]imeout acquiring a connection")
_LIMIT = re.compile(r"max[-_]?(?:connections|clients|conns)[= ](\d+)")


def find(state: State) -> Iterator[Found]:
    """Yield databases that say they are full; clients whose pool is; databases that are set to be too small."""
    known, told = uses(state), set()
    said: dict[Ref, list[tuple[str, str]]] = defaultdict(list)
    for owner, one in by_owner(sayings(state, _SERVER)).items():
        its = owner if runs_here(state, owner) else server(state, owner, one.text, known) or owner
        said[its].append((one.text, owner.name))
    for its, found in sorted(said.items()):
        told |= {its.name, *(name for _, name in found)}
        limit = _limit(state, its)
        yield Found(str(its), f"{its} has no connection left" + (f" of {limit}" if limit else ""), "stops", "said",
                    (its.name, *(name for _, name in found)), max(found)[0],
                    f"raise max_connections of {its}, or let its clients keep fewer open")
    for owner, one in by_owner(sayings(state, _CLIENT)).items():
        if owner.name not in told:
            yield Found(str(owner), f"the connection pool of {owner} is exhausted", "lessens", "said", (owner.name,),
                        one.text, f"find what keeps the connections of {owner}, or enlarge its pool")
    yield from _too_small(state, known, set(said))


def _too_small(state: State, known: tuple[Use, ...], told: set[Ref]) -> Iterator[Found]:
    """Yield databases that may have fewer connections than pods use them: each pod keeps at least one."""
    for workload in state.apps:
        limit = _limit(state, workload.ref)
        if limit is None or workload.ref in told or not runs_here(state, workload.ref):
            continue
        using = clients(known, state, workload.ref)
        pods = sum(one.wanted or 0 for one in state.apps if one.ref in using)
        if limit < pods:
            yield Found(str(workload.ref), f"{workload.ref} may have {limit} connections, and {pods} pods use it",
                        "stops", "seen", (workload.ref.name,), f"max_connections {limit}", f"raise it above {pods}")


def _limit(state: State, ref: Ref) -> int | None:
    workload = state.workload(ref)
    for container in workload.template.containers if workload else ():
        match = _LIMIT.search(" ".join((*container.command, *container.args)))
        if match:
            return int(match[1])
        for variable in container.environment:
            if _LIMIT.match(f"{variable.name.lower()[-15:].lstrip('_')}={variable.value}"):
                return int(variable.value)
    return None


CHECK = Check(id="database_connections_exhausted", family="runtime", find=find)
