"""Which component, database or provider a host names.

A host is compared in lower case, without scheme, user, port, path and trailing dot. A name that the configuration
gives in full is asked first, then the patterns that it gives, then the names that follow from these. Where two parties
have the same claim to a host, it is nobody's: unknown stays unknown.

- A component is called ``NAME``, and by the name of its Service or workload: ``SERVICE``, ``SERVICE.NAMESPACE``,
  ``SERVICE.NAMESPACE.svc`` and ``SERVICE.NAMESPACE.svc.DOMAIN`` (Kubernetes: "DNS for Services and Pods"), and so are
  the pods of a StatefulSet, ``WORKLOAD-0.SERVICE.…``. A component for which the configuration gives no namespace of its
  own may be in any, where the whole name (``….svc``) says so.
- A database in RDS has one id and one hash in several endpoints: writer, reader, instances and proxy (Amazon Aurora:
  "Types of Aurora endpoints"; Amazon RDS: "Multi-AZ DB cluster endpoints").
- A provider's hosts may bear a prefix that is the customer's: ``acme-checkout-live.provider.example`` and
  ``acme-pal-live.provider.example`` are of one provider (Adyen: "Live endpoints structure").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from responder.model.frozen import dataclass
from responder.model.service.dependencies import Dependency
from responder.model.service.platform import Component, Database, Provider

DATABASE, PROVIDER, DEPENDENCY = "database", "provider:", "dependency:"
_PLACEHOLDER = re.compile(r"<[^<>]*>|\*+")
"""What stands for any text: ``*``, ``<prefix>`` in a configuration, ``<n>`` in a signature of log lines."""
_NUMBERS = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{10,}\b|\d+(\.\d+)*")
"""What a signature of log lines has a placeholder for: ids and numbers."""
_PORT = re.compile(r":\d*$")
_SERVICE = re.compile(r"\.svc(\.[a-z0-9.-]+)?$")
_ORDINAL = re.compile(r"[a-z0-9-]+-\d+\.(?=.)")
_RDS = re.compile(r"(?P<id>[a-z0-9-]+)\.(?P<kind>cluster-ro-|cluster-custom-|cluster-|proxy-)?(?P<hash>[a-z0-9]+)\."
                  r"(?P<rest>[a-z0-9-]+\.rds\.amazonaws\.com|rds\.[a-z0-9-]+\.amazonaws\.com\.cn)")
_RDS_KINDS = ("", "cluster-", "cluster-ro-", "cluster-custom-", "proxy-", "endpoint.proxy-")
_RDS_DOMAINS = ("rds.amazonaws.com", "amazonaws.com.cn")
_MOST_INSTANCES = 16
"""An Aurora cluster has up to 15 replicas besides its writer."""
_WORD = re.compile(r"[\w<>*.-]+")
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Claim:
    """One text by which hosts are a party's."""

    host: str
    """In lower case; ``*`` stands for one or more characters of any kind."""
    party: str
    """A component's name, ``database``, ``provider:NAME`` or ``dependency:NAME``."""
    strength: int
    """0: a name in full, 1: a pattern of the configuration, 2: what follows from these."""


@dataclass(frozen=True)
class Parties:
    """Whose hosts there are."""

    components: tuple[Component, ...]
    database: Database | None
    providers: tuple[Provider, ...]
    namespace: str
    """The namespace of the components that are given none of their own."""
    dependencies: tuple[Dependency, ...] = ()

    def called(self, host: str) -> str:
        """Return what a host is: a component's name, ``database``, ``provider:NAME``, ``dependency:NAME`` or an empty
        text.
        """
        if host not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[host] = _index(self, bool(_PLACEHOLDER.search(host))).party(bare(host, "0"))
        return self._known[host]

    @cached_property
    def _known(self) -> dict[str, str]:
        """Whose hosts are that were asked for before: each line of a log has words that others have too."""
        return {}

    def named(self, component: str, text: str) -> str:
        """Return what a component's log line names by its host, as ``called`` does; the longest host counts.

        Of components only those count that it calls, and a provider or a dependency by its hosts alone: its name may be
        a plain word.
        """
        calls = next((item.calls for item in self.components if item.name == component), ())
        outside: tuple[Provider | Dependency, ...] = (*self.providers, *self.dependencies)
        plain = {one.name.lower() for one in outside if one.host or one.hosts}
        for word in sorted(set(_WORD.findall(text)), key=lambda word: (-len(word), word)):
            found = self.called(word)
            if found in calls or found == DATABASE or (
                    found.startswith((PROVIDER, DEPENDENCY)) and bare(word) not in plain):
                return found
        return ""


def bare(host: str, placeholder: str = "*") -> str:
    """Return a host in the form in which it is compared: of an address, a URL or an Envoy cluster alike."""
    text = _PLACEHOLDER.sub(placeholder, host.strip().lower().rpartition("|")[2])
    text = re.split(r"[/?#]", text.rpartition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return (_PORT.sub("", text) if text.count(":") == 1 else text).strip(".")


def claims(parties: Parties) -> tuple[Claim, ...]:
    """Return all texts by which hosts belong to somebody, strongest first."""
    found = {*_of_components(parties), *_of_database(parties.database),
             *(claim for provider in parties.providers for claim in _of_provider(provider)),
             *(claim for dependency in parties.dependencies for claim in _of_dependency(dependency))}
    return tuple(sorted(found, key=lambda claim: (claim.strength, claim.host, claim.party)))


def overlap(one: str, other: str) -> bool:
    """Return whether a host can fit both of two patterns, whose ``*`` stands for one or more characters."""
    seen: set[tuple[int, int]] = set()
    ways = {(0, 0)}
    while ways:
        left, right = at = ways.pop()
        if at == (len(one), len(other)):
            return True
        seen.add(at)
        ways |= _steps(one[left:left + 1], other[right:right + 1], left, right) - seen
    return False


def _steps(one: str, other: str, left: int, right: int) -> set[tuple[int, int]]:
    """Return where one more character of a host leads; a ``*`` takes it and may take the next one."""
    if not one or not other or (one != other and "*" not in (one, other)):
        return set()
    return {(left + 1, right + 1), (left + (one != "*"), right + 1), (left + 1, right + (other != "*"))}


_Owners = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class _Index:
    """The claims, by how they are looked up."""

    masked: bool
    """Whether numbers are left out, as signatures of log lines leave them out."""
    full: _Owners
    derived: _Owners
    patterns: tuple[tuple[int, re.Pattern[str], str], ...]
    """Strength, pattern and party."""
    anywhere: _Owners
    """A Service's name to the components that may have it in any namespace."""

    def party(self, host: str) -> str:
        """Return whose a bare host is."""
        name = _NUMBERS.sub("0", host) if self.masked else host
        for spelled in _spellings(name):
            for owners in (self.full.get(spelled), self._fitting(spelled, 1), self.derived.get(spelled),
                           self._fitting(spelled, 2)):
                if owners:
                    return _only(owners)
        service, _, namespace = _SERVICE.sub("", name).rpartition(".")
        if not _SERVICE.search(name) or not namespace:
            return ""
        return _only(self.anywhere.get(service) or self.anywhere.get(_ORDINAL.sub("", service, count=1)) or frozenset())

    def _fitting(self, host: str, strength: int) -> frozenset[str]:
        return frozenset(party for level, pattern, party in self.patterns
                         if level == strength and pattern.fullmatch(host))


def _only(owners: frozenset[str]) -> str:
    """Return the one owner; an empty text where there are several."""
    return next(iter(owners)) if len(owners) == 1 else ""


@lru_cache(maxsize=64)
def _index(parties: Parties, masked: bool) -> _Index:
    def kept(host: str) -> str:
        return _NUMBERS.sub("0", host) if masked else host

    every = claims(parties)
    plain = [claim for claim in every if "*" not in claim.host]
    return _Index(
        masked, _owners((kept(claim.host), claim.party) for claim in plain if claim.strength == 0),
        _owners((kept(claim.host), claim.party) for claim in plain if claim.strength == 2),
        tuple((claim.strength, _fits(kept(claim.host)), claim.party) for claim in every if "*" in claim.host),
        _owners((kept(name), component.name) for component in parties.components if not component.namespace
                for name in _names(component)))


def _owners(found: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    hosts: dict[str, set[str]] = {}
    for host, party in found:
        hosts.setdefault(host, set()).add(party)
    return {host: frozenset(parties) for host, parties in hosts.items()}


def _fits(pattern: str) -> re.Pattern[str]:
    return re.compile(".+".join(map(re.escape, pattern.split("*"))))


def _spellings(host: str) -> Iterator[str]:
    """Yield a host as given, without the cluster's domain, and without the ordinal of a StatefulSet's pod."""
    yield host
    short = _SERVICE.sub("", host)
    if short != host:
        yield short
    if _ORDINAL.match(short):
        yield _ORDINAL.sub("", short, count=1)


def _names(component: Component) -> set[str]:
    return {name.lower() for name in (component.name, component.deployment, component.service) if name}


def _of_components(parties: Parties) -> Iterator[Claim]:
    for component in parties.components:
        namespace = (component.namespace or parties.namespace).lower()
        yield Claim(component.name.lower(), component.name, 0)
        for name in _names(component):
            # Two namespaces may have a Service of one name each: then the bare name says nothing.
            yield Claim(name, component.name, 2)
            yield Claim(f"{name}.{namespace}", component.name, 0)
        for host in component.hosts:
            yield _given(bare(host), component.name)


def _of_database(database: Database | None) -> Iterator[Claim]:
    if database is None:
        return
    given = [bare(host) for host in (database.name, database.address, *database.hosts)]
    known = [found for host in given if (found := _RDS.fullmatch(host))]
    named = {name.lower() for name in (database.instance, database.cluster, database.proxy) if name}
    for host in given:
        yield _given(host, DATABASE)
    for found in known:
        clustered = (found["kind"] or "").startswith("cluster")
        for name in named | {found["id"]}:
            yield from (Claim(f"{one}{found['hash']}.{found['rest']}", DATABASE, 2)
                        for one in _endpoints(name, clustered or name == database.cluster.lower()))
    for name in named if not known else ():
        for domain in _RDS_DOMAINS:
            yield Claim(f"{name}.*.{domain}", DATABASE, 2)


def _endpoints(name: str, clustered: bool) -> Iterator[str]:
    """Yield how the endpoints of an instance, cluster or proxy begin, up to the hash, and its instances' usual ones."""
    yield from (f"{name}.{kind}" for kind in _RDS_KINDS)
    for number in range(_MOST_INSTANCES) if clustered else ():
        yield f"{name}-{number}."
        yield f"{name}-instance-{number}."


def _of_provider(provider: Provider) -> Iterator[Claim]:
    party = PROVIDER + provider.name
    yield Claim(provider.name.lower(), party, 0)
    for host in map(bare, (provider.address, *provider.hosts)):
        yield _given(host, party)
        first, _, parent = host.partition(".")
        parts = first.split("-")
        if len(parts) > 2 and "." in parent and "*" not in parent + parts[-1]:
            yield Claim(f"{parts[0]}-*-{parts[-1]}.{parent}", party, 2)


def _of_dependency(dependency: Dependency) -> Iterator[Claim]:
    party = DEPENDENCY + dependency.name
    yield Claim(dependency.name.lower(), party, 0)
    for host in map(bare, (dependency.address, *dependency.hosts)):
        yield _given(host, party)


def _given(host: str, party: str) -> Claim:
    return Claim(host, party, 1 if "*" in host else 0)
