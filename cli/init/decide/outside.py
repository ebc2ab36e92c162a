"""What else the components call: providers, and dependencies by their kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cli.init.decide.calls import Edge, Graph
from cli.init.decide.components import Chosen
from cli.init.decide.database import ChosenDatabase, own_parties
from cli.init.facts import Caches, Cluster, Facts, Setting
from cli.init.readers import Asked
from responder.model.service import Dependency, Provider, ProviderSwitch
from responder.model.service.dependencies import DependencyKind

_AWS = re.compile(r"(?P<service>[a-z0-9-]+)\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?$")
_CACHE = re.compile(r"\.cache\.amazonaws\.com(\.cn)?$")
_WORDS: tuple[tuple[str, DependencyKind], ...] = (
    (r"fraud|risk|sift|signifyd", "fraud_check"), (r"3ds|three-?d-?s|\bacs\b", "three_d_secure"),
    (r"vault|tokeni[sz]", "token_vault"), (r"consul|eureka|etcd|discovery", "discovery"),
    (r"redis|memcache|valkey|cache", "cache"), (r"sqs|kafka|rabbit|amqp|queue|nats", "queue"))
_GENERAL = frozenset({"www", "api", "apis", "gateway", "secure", "checkout", "live", "prod", "com", "net", "org", "io"})
"""Parts of a host that name nobody."""
_SWITCH = re.compile(r"provider|psp|acquirer|processor", re.I)
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Outside:
    """What is called and is neither a component nor the database."""

    providers: tuple[Provider, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """Name to where it comes from, and how certain it is."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Host to name."""
    switch: ProviderSwitch | None = None
    current: str = ""
    """What the switch says now: a provider's name."""


def outside(asked: Asked, facts: Facts, graph: Graph, chosen: Chosen, database: ChosenDatabase) -> Outside:
    """Return the providers and dependencies of a service."""
    parties = own_parties(chosen, database.database, asked.namespace)
    edges: dict[str, list[Edge]] = {}
    for name in chosen.names:
        for edge in graph.of(name):
            if not parties.called(edge.host):
                edges.setdefault(edge.host, []).append(edge)
    setting, current_host = _switch(facts.of(Cluster).settings, edges)
    providers: dict[str, Provider] = {}
    dependencies: dict[str, Dependency] = {}
    notes: dict[str, str] = {}
    hosts: dict[str, str] = {}
    taken = {*chosen.names, *([database.database.name] if database.database else [])}
    for host, found in sorted(edges.items()):
        kind, why = _kind(host, found, host == current_host, database)
        name = setting.value.lower() if setting and host == current_host else _free(_called(host, kind, found), taken)
        taken.add(name)
        hosts[host] = name
        notes[name] = f"{_seen(found)}; {why}"
        if kind == "provider":
            providers[name] = Provider(name, host=host)
        else:
            dependencies[name] = _dependency(name, kind, host, found, facts)
    return Outside(tuple(providers.values()), tuple(dependencies.values()), notes, hosts,
                   ProviderSwitch(config_map=setting.config_map, key=setting.key) if setting else None,
                   setting.value if setting else "")


def _switch(settings: Sequence[Setting], hosts: Iterable[str]) -> tuple[Setting | None, str]:
    """Return the key that says which provider is used, and that provider's host, of which its value is a part."""
    fits = [(setting, host) for setting in settings for host in hosts
            if setting.value.lower() in set(host.split(".")) - _GENERAL]
    named = [pair for pair in fits if _SWITCH.search(pair[0].key)]
    return named[0] if len({pair[0] for pair in named}) == 1 else (None, "")


def _kind(host: str, edges: Sequence[Edge], switched: bool, database: ChosenDatabase) -> tuple[str, str]:
    """Return a kind of dependency, or ``provider``, and why."""
    if switched:
        return "provider", "seen: a ConfigMap says that this provider is used"
    if host in {one.host for one in (*database.others, *database.outside_rds)}:
        return "other", "a database beside the first one, or outside of RDS"
    if _CACHE.search(host):
        return "cache", "seen: an endpoint of ElastiCache"
    aws = _AWS.search(host)
    if aws:
        return ("queue", "seen: SQS") if aws["service"] == "sqs" else ("other", f"seen: AWS's {aws['service']}")
    words = " ".join((host, *(edge.address.name for edge in edges if edge.address)))
    for pattern, kind in _WORDS:
        if re.search(pattern, words, re.I):
            return kind, "a guess by its name"
    if "." not in host or host.endswith((".svc", ".local", ".internal")) or any(edge.callee for edge in edges):
        return "other", "likely: a service of another team"
    return "provider", ("a guess: a host outside of AWS; if it is no payment provider, move it to `dependencies`")


def _called(host: str, kind: str, edges: Sequence[Edge]) -> str:
    """Return a short name for a host: the first part that names somebody."""
    queue = next((edge.address.path for edge in edges if edge.address and edge.address.path), "")
    if kind == "queue" and queue:
        return _plain(queue.rpartition("/")[2])
    aws = _AWS.search(host)
    if aws and not _CACHE.search(host):
        return _plain(aws["service"])
    parts = host.split(".")
    return _plain(next((part for part in parts if part not in _GENERAL), parts[0]))


def _plain(text: str) -> str:
    return _NAME.sub("-", text.lower()).strip("-") or "unnamed"


def _free(name: str, taken: Iterable[str]) -> str:
    """Return the name, or one with a number, that nobody else has."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _dependency(name: str, kind: str, host: str, edges: Sequence[Edge], facts: Facts) -> Dependency:
    nodes = tuple(sorted(node.identifier for node in facts.of(Caches).nodes if host in node.hosts))
    queue = next((edge.address.path.rpartition("/")[2] for edge in edges if edge.address and edge.address.path), "")
    known: DependencyKind = next((one for _, one in _WORDS if one == kind), "other")
    return Dependency(name, known, host, elasticache=nodes, sqs=queue if known == "queue" else "")


def _seen(edges: Sequence[Edge]) -> str:
    callers = ", ".join(sorted({edge.caller for edge in edges}))
    count = sum(edge.count for edge in edges)
    if count:
        return f"seen: {callers} called it {count} times ({edges[0].by})"
    return f"likely: {edges[0].by} names it"


def called_by(component: str, graph: Graph, chosen: Chosen, database: ChosenDatabase, others: Outside,
              namespace: str) -> Iterator[tuple[str, Edge]]:
    """Yield what a component calls, by the names that the configuration gives, each once."""
    parties = own_parties(chosen, database.database, namespace)
    given: set[str] = set()
    edges = [*graph.of(component), *(edge for edge in graph.unseen(component)
                                     if parties.called(edge.host) == "database")]
    for edge in edges:
        party = parties.called(edge.host)
        name = (database.database.name if party == "database" and database.database else party) or others.hosts.get(
            edge.host, "")
        if name and name != component and name not in given:
            given.add(name)
            yield name, edge
