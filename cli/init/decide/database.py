"""The database: the RDS instance, cluster or proxy that a component's calls lead to, and why this one of several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cli.init.decide.calls import Edge, Graph
from cli.init.decide.components import Chosen
from cli.init.facts import Cluster, DatabaseCluster, DatabaseProxy, Databases, Facts, Instance, Secrets
from responder.model.service import Component, Database
from responder.model.service.hosts import Parties

_RDS = re.compile(r"[a-z0-9-]+\.(?:cluster-ro-|cluster-custom-|cluster-|proxy-)?[a-z0-9]+\.[a-z0-9-]+\.rds\."
                  r"amazonaws\.com(?:\.cn)?")
_SCHEMES = ("postgres", "postgresql", "mysql", "mariadb", "sqlserver", "oracle")
_PORTS = (5432, 3306, 1433, 1521)
_VARIABLE = re.compile(r"(?:^|_)(?:DB|DATABASE|PG|POSTGRES|MYSQL|JDBC|DATASOURCE)", re.I)
_DEFAULT = re.compile(r"default[.:]")
"""Parameter groups that AWS made: nobody can change their values."""


@dataclass(frozen=True)
class Candidate:
    """One database that components call."""

    host: str
    edges: tuple[Edge, ...]
    instance: Instance | None = None
    cluster: DatabaseCluster | None = None
    proxy: DatabaseProxy | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """What it is called among the components' ``calls``: by what AWS calls it, else by its host."""
        known = self.cluster or self.instance
        return known.identifier if known else self.host.partition(".")[0]


@dataclass(frozen=True)
class ChosenDatabase:
    """The database of the configuration, if there is one, and what else was there."""

    candidate: Candidate | None = None
    others: tuple[Candidate, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    """Field to where its value comes from."""
    database: Database | None = None
    outside_rds: tuple[Candidate, ...] = ()
    """Databases that are called, and not in RDS as far as it could be read."""
    secrets: tuple[str, ...] = ()
    """Names of secrets that may hold its password, where it is not clear which."""


def chosen_database(facts: Facts, graph: Graph, chosen: Chosen) -> ChosenDatabase:
    """Return the database: of several, the one that most components call, and most often."""
    found = list(_candidates(facts, graph, chosen))
    known = [one for one in found if one.instance or one.cluster]
    elsewhere = tuple(one for one in found if not (one.instance or one.cluster))
    if not known:
        return ChosenDatabase(outside_rds=elsewhere)
    ranked = sorted(_joined(known), key=lambda one: (
        -len({edge.caller for edge in one.edges}), -sum(edge.count for edge in one.edges), one.name))
    first = ranked[0]
    database, notes, unsure = _made(first, facts)
    return ChosenDatabase(first, tuple(ranked[1:]), notes, database, elsewhere, unsure)


def _candidates(facts: Facts, graph: Graph, chosen: Chosen) -> Iterator[Candidate]:
    edges: dict[str, list[Edge]] = {}
    for name in chosen.names:
        for edge in [*graph.of(name), *graph.unseen(name)]:
            if not edge.callee or edge.callee not in chosen.names:
                edges.setdefault(edge.host, []).append(edge)
    aliases = {front.name: front.external_name for front in facts.of(Cluster).services if front.external_name}
    for host, found in edges.items():
        real = aliases.get(host.partition(".")[0], host)
        matched = _matched(facts.of(Databases), host, real, tuple(found))
        if matched:
            yield matched
        elif _is_database(real, found):
            yield _unmatched(facts, host, real, tuple(found))


def _matched(databases: Databases, host: str, real: str, edges: tuple[Edge, ...]) -> Candidate | None:
    for proxy in databases.proxies:
        if real == proxy.host:
            behind = set(proxy.targets)
            cluster = next((one for one in databases.clusters if one.identifier in behind), None)
            instance = next((one for one in databases.instances if one.identifier in behind), None)
            return Candidate(host, edges, instance, cluster, proxy, f"seen: {real} is the endpoint of its proxy")
    for cluster in databases.clusters:
        if real in cluster.hosts:
            return Candidate(host, edges, _member(databases, cluster), cluster, None,
                             f"seen: {real} is an endpoint of the DB cluster")
    for instance in databases.instances:
        how = f"seen: {real} is its endpoint" if real == instance.host else (
            f"likely: {host} is its identifier" if real.partition(".")[0] == instance.identifier and (
                "." not in real or ".svc" in real) else "")
        if how:
            cluster_of = next((one for one in databases.clusters if one.identifier == instance.cluster), None)
            return Candidate(host, edges, instance, cluster_of, None, how)
    return None


def _member(databases: Databases, cluster: DatabaseCluster) -> Instance | None:
    writer = next(iter(cluster.members), "")
    return next((one for one in databases.instances if one.identifier == writer), None) or (
        Instance(writer, cluster=cluster.identifier) if writer else None)


def _unmatched(facts: Facts, host: str, real: str, edges: tuple[Edge, ...]) -> Candidate:
    """A database that RDS does not list: where RDS could not be asked, its endpoint tells the identifier."""
    if not facts.read(Databases) and _RDS.fullmatch(real):
        identifier, _, rest = real.partition(".")
        if rest.startswith("cluster-"):
            return Candidate(host, edges, None, DatabaseCluster(identifier, (real,)), None,
                             f"likely: by its endpoint {real}; RDS could not be asked")
        if not rest.startswith("proxy-"):
            return Candidate(host, edges, Instance(identifier, real), None, None,
                             f"likely: by its endpoint {real}; RDS could not be asked")
    return Candidate(host, edges, why="no instance, cluster or proxy of RDS has this address")


def _is_database(host: str, edges: Iterable[Edge]) -> bool:
    if _RDS.fullmatch(host):
        return True
    addresses = [edge.address for edge in edges if edge.address]
    return any(one.scheme in _SCHEMES or one.port in _PORTS for one in addresses) or any(
        _VARIABLE.search(one.name) and one.scheme not in ("http", "https") for one in addresses)


def _joined(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One database may have several hosts: writer, reader and proxy are one."""
    found: dict[str, Candidate] = {}
    for one in candidates:
        before = found.get(one.name)
        found[one.name] = one if before is None else Candidate(
            before.host, (*before.edges, *one.edges), before.instance or one.instance, before.cluster or one.cluster,
            before.proxy or one.proxy, before.why)
    return list(found.values())


def _made(one: Candidate, facts: Facts) -> tuple[Database, dict[str, str], tuple[str, ...]]:
    instance, cluster = one.instance, one.cluster
    callers = sorted({edge.caller for edge in one.edges})
    users = sorted({user for workload in facts.of(Cluster).workloads if workload.name in callers
                    for user in workload.users})
    groups = [group if group and not _DEFAULT.match(group) else "" for group in (
        instance.parameter_group if instance else "", cluster.parameter_group if cluster else "")]
    secret, unsure, why_secret = _secret(one, facts)
    mentions = [edge.address.where for edge in one.edges if edge.address] or [edge.by for edge in one.edges]
    hosts = sorted({edge.host for edge in one.edges} - {one.host, *_derived(one)})
    database = Database(
        name=one.name, instance=instance.identifier if instance else "", host=one.host, hosts=tuple(hosts),
        cluster=cluster.identifier if cluster else "", proxy=one.proxy.name if one.proxy else "",
        users=tuple(users), performance_insights=instance.performance_insights if instance else False,
        parameter_group=groups[0], cluster_parameter_group=groups[1], secret=secret)
    return database, {
        "name": f"{', '.join(callers)} calls it ({mentions[0]})", "instance": one.why,
        "host": f"seen: {mentions[0]}", "secret": why_secret, "users": "seen: the workloads' environment"}, unsure


def _derived(one: Candidate) -> set[str]:
    """The endpoints that the responder knows from the first one (``model/service/hosts.py``)."""
    known = Parties((), Database(one.name, one.instance.identifier if one.instance else "", one.host,
                                 cluster=one.cluster.identifier if one.cluster else ""), (), "")
    return {edge.host for edge in one.edges if known.called(edge.host)}


def _secret(one: Candidate, facts: Facts) -> tuple[str, tuple[str, ...], str]:
    """Return the secret with the service's password, candidates where it is not clear, and why it is this one."""
    names = facts.of(Secrets).names
    taken = [name for name in facts.of(Cluster).remote_secrets if name in names or not facts.read(Secrets)]
    identifiers = [known.identifier for known in (one.instance, one.cluster) if known]
    close = [name for name in names if not name.startswith("rds!") and any(
        re.search(rf"(?:^|[^a-z0-9]){re.escape(identifier)}(?:[^a-z0-9]|$)", name, re.I) for identifier in identifiers)]
    of_callers = [name for name in close if any(edge.caller in name for edge in one.edges)]
    for found, why in (([name for name in taken if name in close], "seen: an ExternalSecret of the namespace takes it"),
                       (of_callers, "likely: its name has the database and the component"),
                       (close, "likely: its name has the database")):
        if len(found) == 1:
            return found[0], (), why
    managed = next((known.secret for known in (one.cluster, one.instance) if known and known.secret), "")
    if managed and not close:
        return managed, (), "likely: the secret that RDS manages for it"
    return "", tuple(close), ""


def by_name(facts: Facts, words: Iterable[str]) -> list[str]:
    """Return the identifiers of RDS that resemble a word: a hint, where no address leads to one."""
    wanted = [word.lower() for word in words if word]
    every = [*(one.identifier for one in facts.of(Databases).clusters),
             *(one.identifier for one in facts.of(Databases).instances)]
    return [name for name in every if any(word in name.lower() or name.lower() in word for word in wanted)]


def own_parties(chosen: Chosen, database: Database | None, namespace: str) -> Parties:
    """Return whose hosts are known once components and database are chosen."""
    components: tuple[Component, ...] = chosen.components
    return Parties(components, database, (), namespace)
