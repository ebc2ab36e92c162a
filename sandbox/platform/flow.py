"""How requests flow, second by second, by what is really there.

A request goes from the customers to the frontend, the backend, the payment gateway, and from there to the database and
a provider. At each call the Service's endpoints decide who can answer, the NetworkPolicies and the DNS policy whether
the call gets there, the version that a pod runs how it answers, and its capacity how long that takes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Object
from sandbox.platform.objects import KINDS
from sandbox.platform.versions import Versions, component_of

TIMEOUT_MS = 5000.0
_QUEUE_SECONDS = 2.0
"""A pod holds this many seconds' worth of requests before those that come wait until they time out."""


@dataclass(frozen=True)
class Served:
    """What one pod did in one second."""

    component: str
    pod: str
    version: str
    requests: int
    errors: int
    latencies_ms: tuple[float, ...]
    """A sample of its requests' latencies."""
    kinds: Mapping[str, int]
    """Kind of error to its count."""


@dataclass
class Snapshot:
    """The objects that requests are decided by, as they are right now."""

    pods: Sequence[Object]
    endpoints: Mapping[str, Object]
    policies: Sequence[Object]
    config: Mapping[str, str]
    secret: Mapping[str, str]


@dataclass
class Database:
    """What is really so with the database."""

    host: str = "payments-db"
    user: str = "payments"
    password: str = "first-password"  # noqa: S105 - of a database that does not exist
    latency_ms: float = 4.0


@dataclass
class Provider:
    """What is really so with a payment provider."""

    error_rate: float = 0.002
    latency_ms: float = 90.0


@dataclass
class World:
    """The state behind the flow, apart from what Kubernetes holds."""

    requests_per_second: float = 40.0
    factor: float = 1.0
    background_error_rate: float = 0.004
    database: Database = field(default_factory=Database)
    providers: dict[str, Provider] = field(default_factory=lambda: {"primary": Provider(), "fallback": Provider()})


@dataclass
class _Outcome:
    """What came back from a number of calls to a component."""

    calls: int
    failed: int
    latency_ms: float
    kind: str


class Flow:
    """The flow of requests; ``second`` is called once a second."""

    def __init__(self, versions: Versions, rng: random.Random) -> None:
        self._versions, self._rng = versions, rng
        self._queues: dict[str, float] = {}

    def second(self, world: World, snapshot: Snapshot) -> list[Served]:
        """Let one second's requests through, and return what each pod did."""
        arrivals = self._poisson(world.requests_per_second * world.factor)
        served: list[Served] = []
        self._component("frontend", arrivals, None, world, snapshot, served)
        return served

    def _component(self, name: str, calls: int, callers: Sequence[Object] | None, world: World, snapshot: Snapshot,
                   served: list[Served]) -> _Outcome:
        """Let ``calls`` arrive at a component, from pods or (None) from outside."""
        pods, refused = _ready(name, snapshot)
        if callers is not None:
            reach = [self._share(caller, pods, snapshot) for caller in callers] or [0.0]
            through = self._binomial(calls, sum(reach) / len(reach)) if pods else 0
        else:
            through = calls if pods else 0
        blocked = calls - through
        failed, latency = blocked, 0.0
        kind = "" if not blocked else "connection refused" if refused or not pods else "connect timed out"
        waited = TIMEOUT_MS if blocked and pods and not refused else 1.0
        for pod, count in zip(pods, self._split(through, len(pods)), strict=True):
            result = self._pod(name, pod, count, world, snapshot, served)
            failed += result.failed
            latency += result.latency_ms * count
            kind = kind or result.kind
        mean = (latency + waited * blocked) / calls if calls else 0.0
        return _Outcome(calls, failed, mean, kind)

    def _pod(self, name: str, pod: Object, count: int, world: World, snapshot: Snapshot,
             served: list[Served]) -> _Outcome:
        kind = KINDS[name]
        image = pod["spec"]["containers"][0]["image"]
        version = component_of(image)[1]
        behaviour = self._versions.behaviour(image)
        uid = pod["metadata"]["uid"]
        capacity = behaviour.capacity or kind.capacity
        waiting = self._queues.get(uid, 0.0)
        room = max(0, math.floor(capacity * (1 + _QUEUE_SECONDS) - waiting))
        accepted = min(count, room)
        timed_out = count - accepted
        self._queues[uid] = max(0.0, waiting + accepted - capacity)
        errors: dict[str, int] = {}

        def fail(why: str, number: int) -> None:
            if number:
                errors[why] = errors.get(why, 0) + number

        fail("request timed out in queue", timed_out)
        own = self._binomial(accepted, behaviour.error_rate)
        fail("own", own)
        background = self._binomial(accepted - own, world.background_error_rate / len(KINDS))
        fail("background", background)
        left = accepted - own - background
        latency = kind.latency_ms + behaviour.latency_ms + 1000 * self._queues[uid] / capacity
        for called in kind.calls:
            if called == "database":
                outcome = self._database(left, pod, world, snapshot)
            elif called == "provider":
                outcome = self._provider(left, pod, world, snapshot)
            else:
                outcome = self._component(called, left, [pod], world, snapshot, served)
            fail(f"{called}: {outcome.kind}" if outcome.kind else called, outcome.failed)
            left -= outcome.failed
            latency += outcome.latency_ms
        total = sum(errors.values())
        sample = tuple(round(latency * self._rng.lognormvariate(0, 0.25), 1) for _ in range(min(accepted, 5)))
        sample += (TIMEOUT_MS,) * min(timed_out, 2)
        if count:
            served.append(Served(name, pod["metadata"]["name"], version, count, total, sample, errors))
        mean = (latency * accepted + TIMEOUT_MS * timed_out) / count if count else 0.0
        worst = max(errors, key=lambda why: errors[why]) if errors else ""
        return _Outcome(count, total, mean, _as_seen(name, worst))

    def _database(self, calls: int, pod: Object, world: World, snapshot: Snapshot) -> _Outcome:
        """Ask the database with the host, user and password that the pod was started with."""
        database = world.database
        environment = _environment(pod, snapshot)
        if not _allowed_outside(pod, snapshot):
            return _Outcome(calls, calls, TIMEOUT_MS, "connect timed out")
        if environment.get("DB_HOST") != database.host:
            return _Outcome(calls, calls, 20.0, f"could not translate host name \"{environment.get('DB_HOST')}\"")
        if (environment.get("DB_USER"), environment.get("DB_PASSWORD")) != (database.user, database.password):
            return _Outcome(calls, calls, 10.0, "password authentication failed")
        return _Outcome(calls, 0, database.latency_ms, "")

    def _provider(self, calls: int, pod: Object, world: World, snapshot: Snapshot) -> _Outcome:
        name = snapshot.config.get("PROVIDER", "primary")
        provider = world.providers.get(name)
        if provider is None:
            return _Outcome(calls, calls, 1.0, f"no provider called {name!r}")
        if not _allowed_outside(pod, snapshot):
            return _Outcome(calls, calls, TIMEOUT_MS, "connect timed out")
        return _Outcome(calls, self._binomial(calls, provider.error_rate), provider.latency_ms, f"{name} declined")

    def _share(self, caller: Object, pods: Sequence[Object], snapshot: Snapshot) -> float:
        """The share of a Service's pods that a caller's packets get to."""
        if not pods or not _resolves(caller):
            return 0.0
        return sum(_allowed(caller, pod, snapshot) for pod in pods) / len(pods)

    def _split(self, count: int, parts: int) -> list[int]:
        """Spread requests over pods, as a Service does: each by chance."""
        if not parts:
            return []
        shares = [0] * parts
        for _ in range(count):
            shares[self._rng.randrange(parts)] += 1
        return shares

    def _binomial(self, count: int, share: float) -> int:
        if share <= 0 or count <= 0:
            return 0
        return count if share >= 1 else sum(self._rng.random() < share for _ in range(count))

    def _poisson(self, mean: float) -> int:
        if mean > 60:
            return max(0, round(self._rng.gauss(mean, math.sqrt(mean))))
        limit, count, product = math.exp(-mean), 0, self._rng.random()
        while product > limit:
            count += 1
            product *= self._rng.random()
        return count


def _as_seen(component: str, why: str) -> str:
    """What a caller sees of a failure further on."""
    return "" if not why else f"{component} answered 504" if "timed out" in why else f"{component} answered 500"


def _ready(name: str, snapshot: Snapshot) -> tuple[list[Object], bool]:
    """The pods behind a Service that can answer, and whether it has addresses where nobody listens."""
    endpoints = snapshot.endpoints.get(name)
    if endpoints is None:
        return [], False
    by_name = {pod["metadata"]["name"]: pod for pod in snapshot.pods}
    found, refused = [], False
    for subset in endpoints.get("subsets") or []:
        ports = {port["port"] for port in subset.get("ports") or []}
        for address in subset.get("addresses") or []:
            pod = by_name.get((address.get("targetRef") or {}).get("name", ""))
            if pod is None or pod["metadata"].get("deletionTimestamp"):
                continue
            if 8080 in ports and component_of(pod["spec"]["containers"][0]["image"])[0] == name:
                found.append(pod)
            else:
                refused = True
    return found, refused


def _resolves(pod: Object) -> bool:
    """Whether a pod can look up the names of Services: not with a DNS policy that leaves the cluster's DNS out."""
    policy = pod["spec"].get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst":
        return True
    servers = (pod["spec"].get("dnsConfig") or {}).get("nameservers") or []
    return policy == "None" and any(server.startswith("10.0.0.") for server in servers)


def _environment(pod: Object, snapshot: Snapshot) -> dict[str, str]:
    """The values that a pod was started with; a reference is resolved as it was then (see ``remember``)."""
    remembered: dict[str, str] = pod.get("_environment") or {}
    return remembered or environment_of(pod, snapshot)


def environment_of(pod: Object, snapshot: Snapshot) -> dict[str, str]:
    """The values that a pod would be started with now."""
    found = {}
    for item in pod["spec"]["containers"][0].get("env") or []:
        source = item.get("valueFrom") or {}
        if "secretKeyRef" in source:
            found[item["name"]] = snapshot.secret.get(source["secretKeyRef"]["key"], "")
        elif "configMapKeyRef" in source:
            found[item["name"]] = snapshot.config.get(source["configMapKeyRef"]["key"], "")
        else:
            found[item["name"]] = item.get("value", "")
    return found


def _allowed(caller: Object, pod: Object, snapshot: Snapshot) -> bool:
    """Whether NetworkPolicies let a connection through, on both sides (Kubernetes: "Network Policies")."""
    return (_side(caller, pod, snapshot, "Egress", "egress", "to")
            and _side(pod, caller, snapshot, "Ingress", "ingress", "from"))


def _allowed_outside(pod: Object, snapshot: Snapshot) -> bool:
    return _side(pod, None, snapshot, "Egress", "egress", "to")


def _side(pod: Object, peer: Object | None, snapshot: Snapshot, kind: str, rules: str, peers: str) -> bool:
    selecting = []
    for policy in snapshot.policies:
        spec = policy["spec"]
        kinds = spec.get("policyTypes") or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        if kind in kinds and _matches(spec.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
            selecting.append(spec)
    if not selecting:
        return True
    for spec in selecting:
        for rule in spec.get(rules) or []:
            ports = [port.get("port") for port in rule.get("ports") or []]
            if ports and not any(port in (8080, "http", 443, 5432, None) for port in ports):
                continue
            if not rule.get(peers) or any(_is_peer(item, peer) for item in rule[peers]):
                return True
    return False


def _is_peer(item: dict[str, Any], peer: Object | None) -> bool:
    if "ipBlock" in item:
        return str(item["ipBlock"].get("cidr", "")).endswith("/0") and (
            peer is not None or not item["ipBlock"].get("except"))
    if peer is None:
        return False
    if "namespaceSelector" in item and not _matches(
            item["namespaceSelector"], {"kubernetes.io/metadata.name": NAMESPACE, "name": NAMESPACE}):
        return False
    return _matches(item.get("podSelector") or {}, peer["metadata"].get("labels") or {})


def _matches(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        value, values = labels.get(expression["key"]), expression.get("values") or []
        holds = {"In": value in values, "NotIn": value not in values, "Exists": value is not None,
                 "DoesNotExist": value is None}.get(expression["operator"], False)
        if not holds:
            return False
    return True
