"""Which workloads are databases, who uses them, and by which addresses."""

from __future__ import annotations

import re
from typing import NamedTuple

from responder.state.addresses import Given, given
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.pods import PodSpec
from responder.state.state import State

_ENGINES = {
    "mysql": r"mysql|mariadb|percona|vitess|tidb|aurora",
    "postgresql": r"postgres|postgis|pgbouncer|timescale|cockroach",
    "redis": r"redis|valkey|keydb|dragonfly", "mongodb": r"mongo", "cassandra": r"cassandra|scylla",
    "sqlserver": r"mssql|sqlserver", "oracle": r"oracle", "memcached": r"memcached",
    "elasticsearch": r"elasticsearch|opensearch", "clickhouse": r"clickhouse", "rabbitmq": r"rabbitmq|amqp"}
_ENGINE = {name: re.compile(rf"(?:^|[^a-z])(?:{words})", re.IGNORECASE) for name, words in _ENGINES.items()}
_PORTS = {3306: "mysql", 5432: "postgresql", 6379: "redis", 27017: "mongodb", 9042: "cassandra", 1433: "sqlserver",
          1521: "oracle", 11211: "memcached"}
"""Ports that IANA, or the engine's own documentation, gives each."""
_GENERIC = re.compile(r"(?:^|[_.-])(?:DB|DATABASE|DATASOURCE|JDBC|SQL|CACHE)(?:[_.-]|$)", re.IGNORECASE)


def engine(text: str) -> str:
    """Return which kind of database a name, an image or a message speaks of; empty: none."""
    return next((name for name, words in _ENGINE.items() if words.search(text)), "")


def is_database(spec: PodSpec) -> str:
    """Return the kind of database that a pod runs, by its containers' images; empty: none. An exporter of its numbers
    or a tool that looks at it is none.
    """
    for container in spec.containers:
        image = container.image.partition("@")[0].rpartition("/")[2]
        found = engine(image)
        if found and not re.search(r"exporter|commander|admin|insight|express|operator|backup|init", image):
            return found
    return ""


def has_own_port(use: Use) -> bool:
    """Whether a client is told its database's port as such: by a variable of its own, or in a URL of that database.
    What is written as one address, as any other Service's is, is wrong as an address.
    """
    return bool(use.given.address.port_variable or use.given.address.scheme)


class Use(NamedTuple):
    """A database's address that a workload is given."""

    client: Ref
    given: Given
    engine: str
    """Empty: a database whose kind is not said."""


@once
def uses(state: State) -> tuple[Use, ...]:
    """Return the addresses of databases that workloads are given."""
    found = []
    for one in given(state):
        service, address = one.target.service, one.address
        kind = (next((kind for workload in state.behind(service) if (kind := is_database(workload.template))), "")
                if service else "")
        kind = kind or engine(address.scheme) or engine(address.host) or engine(address.variable) or (
            _PORTS.get(address.port, ""))
        if (kind or _GENERIC.search(address.variable)) and not is_web(address.scheme):
            found.append(Use(one.owner, one, kind))
    return tuple(found)


def is_web(scheme: str) -> bool:
    """Whether a URL's scheme is one of a web server: what is asked so is no database."""
    return scheme in ("http", "https", "grpc", "grpcs")


def server(state: State, client: Ref, text: str, known: tuple[Use, ...] | None = None) -> Ref | None:
    """Return the database that a client's message is about, as its workload or, without one, its Service; None where it
    cannot be told.
    """
    candidates = [one for one in (uses(state) if known is None else known) if one.client == client]
    named = [one for one in candidates if re.search(rf"\b{re.escape(one.given.address.host)}\b", text)]
    kind = engine(text)
    alike = [one for one in candidates if kind and one.engine == kind]
    found = {_workload(state, one) for one in named or alike or candidates}
    return min(found) if len(found) == 1 else None


def _workload(state: State, use: Use) -> Ref:
    service = use.given.target.service
    behind = state.behind(service) if service else ()
    return behind[0].ref if behind else use.given.target.ref


def runs_here(state: State, ref: Ref) -> str:
    """Return the kind of database that a workload is; empty: none, or it is not here."""
    found = state.workload(ref)
    if found is not None:
        return is_database(found.template)
    return next((kind for pod in state.pods if state.owner(pod) == ref and (kind := is_database(pod.spec))), "")


def clients(known: tuple[Use, ...], state: State, database: Ref) -> frozenset[Ref]:
    """Return who is given a database's address."""
    return frozenset(one.client for one in known if _workload(state, one) == database)
