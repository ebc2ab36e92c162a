"""How requests flow, second by second, through what is really there.

A request goes from the customers to the frontend, the backend, the payment gateway, and from there to the database and
a provider. At each call the Service's endpoints decide which pods can answer, NetworkPolicies and the DNS policy decide
whether the call arrives, the pod's version decides the answer, and its capacity the time that it takes.
"""

from __future__ import annotations

import math
import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.platform.cluster import Object
from sandbox.platform.database import PORT, Database
from sandbox.platform.mesh import worded
from sandbox.platform.objects import KINDS
from sandbox.platform.reach import Snapshot, allowed, allowed_outside, ready, resolves
from sandbox.platform.shape import Shape
from sandbox.platform.state import Setting, World
from sandbox.platform.versions import Behaviour, Versions, app_of, component_of

TIMEOUT_MS = 5000.0
_QUEUE_SECONDS = 2.0
"""A pod queues this many seconds' worth of requests; further requests time out."""
BALANCER = "load balancer"
ENTRY = "frontend"
NOT_CONNECTED = "target connection error"
"""What the load balancer counts if a target is registered and accepts no connection."""
_PROVIDER_SAYS = {
    "errors": "HTTP 502 Bad Gateway", "unauthorized": "HTTP 401 Unauthorized",
    "throttled": "HTTP 429 Too Many Requests",
    "tls": "certificate verify failed: unable to get local issuer certificate"}
_THROUGH = {"blocked": 0.0, "lossy": 0.5}
"""The share of connections that get through a broken path."""


@dataclass
class Calls:
    """What one pod asked of one callee in one second."""

    count: int = 0
    failed: int = 0
    milliseconds: float = 0.0
    """Total over all calls."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Failure, as the caller saw it, to its count."""


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
    """Kind of error, as the pod logs it, to its count."""
    calls: Mapping[str, Calls] = field(default_factory=dict)
    """Callee (a host, as the caller names it) to the calls and their results."""


@dataclass
class _Outcome:
    """What came back from a number of calls to a component."""

    calls: int
    failed: int
    latency_ms: float
    kind: str


PROVIDER_HOST = "api.{}.example"


class Flow:
    """The flow of requests; ``second`` is called once a second."""

    def __init__(self, versions: Versions, rng: random.Random) -> None:
        self._versions, self._rng = versions, rng
        self._queues: dict[str, float] = {}
        """Pod to the requests that it has taken and not yet served."""
        self._capacities: dict[str, float] = {}

    def second(self, world: World, snapshot: Snapshot) -> list[Served]:
        """Let one second's requests through, and return what each pod did.

        Only the load balancer sees requests that reach no pod: a row without a pod stands for them.
        """
        # Since the last second each pod has served a second's worth, however many callers its requests came from.
        self._queues = {uid: left for uid, taken in self._queues.items()
                        for left in [max(0.0, taken - self._capacities[uid])] if left}
        arrivals = self._poisson(world.requests_per_second * world.factor)
        served: list[Served] = []
        outcome = self._component(ENTRY, arrivals, None, world, snapshot, served)
        seen = sum(item.requests for item in served if item.component == ENTRY)
        if arrivals > seen:
            lost = arrivals - seen
            kind = NOT_CONNECTED if any(ready(ENTRY, snapshot)) else "no target"
            served.append(Served(BALANCER, "", "", lost, min(lost, outcome.failed), (), {kind: lost}))
        return served

    def _component(self, name: str, calls: int, caller: Object | None, world: World, snapshot: Snapshot,
                   served: list[Served], source: str = "") -> _Outcome:
        """Let ``calls`` arrive at a component, from a pod or (None) from outside."""
        pods, refused = ready(name, snapshot)
        alive = [pod for pod in pods if pod["spec"].get("nodeName") not in world.silent_nodes]
        fault = world.path(source, name)
        if caller is not None and (not resolves(caller) or fault == "dns"):
            return _Outcome(calls, calls, 20.0, f"could not resolve host: {name}")
        reach = len(alive) / len(pods) if pods else 0.0
        if caller is not None and alive:
            reach *= self._share(caller, alive, snapshot)
        reach *= _THROUGH.get(fault, 1.0)
        through = self._binomial(calls, reach) if alive else 0
        blocked = calls - through
        failed, latency = blocked, 0.0
        at_once = refused or not pods
        kind = "" if not blocked else "connection refused" if refused else "no address" if not pods else (
            "connection reset by peer" if fault == "lossy" else "connect timed out")
        kind = worded(world.shape if caller is not None else Shape(), kind)
        waited = 1.0 if at_once else TIMEOUT_MS
        for pod, count in zip(alive, self._split(through, len(alive)), strict=True):
            result = self._pod(name, pod, count, world, snapshot, served)
            failed += result.failed
            latency += result.latency_ms * count
            kind = kind or result.kind
        if fault == "lossy":
            latency += 800.0 * through
        mean = (latency + waited * blocked) / calls if calls else 0.0
        return _Outcome(calls, failed, mean, kind)

    def _pod(self, name: str, pod: Object, count: int, world: World, snapshot: Snapshot,
             served: list[Served]) -> _Outcome:
        """Let ``count`` requests arrive at one pod."""
        kind = KINDS[name]
        image = app_of(pod)["image"]
        behaviour = self._versions.behaviour(image)
        capacity = (behaviour.capacity or kind.capacity) * _cpu_share(pod, kind.cpu_limit)
        accepted, behind = self._queue(pod["metadata"]["uid"], count, capacity)
        timed_out = count - accepted
        errors: Counter[str] = Counter()
        errors["request timed out in queue"] += timed_out
        settings = _settings(name, world, snapshot)
        left = self._fail_inside(accepted, behaviour, settings, world, errors)
        own_ms = (kind.latency_ms + behaviour.latency_ms + sum(setting.latency_ms for setting in settings)
                  + 1000 * behind / capacity)
        calls, calls_ms = self._call(name, pod, left, world, snapshot, served, errors)
        latency = own_ms + calls_ms
        errors = +errors
        sample = tuple(round(latency * self._rng.lognormvariate(0, 0.25), 1) for _ in range(min(accepted, 5)))
        sample += (TIMEOUT_MS,) * min(timed_out, 2)
        if count:
            served.append(Served(name, pod["metadata"]["name"], component_of(image)[1], count, errors.total(), sample,
                                 errors, calls))
        mean = (latency * accepted + TIMEOUT_MS * timed_out) / count if count else 0.0
        worst = max(errors, key=lambda why: errors[why]) if errors else ""
        return _Outcome(count, errors.total(), mean, _as_seen(name, worst))

    def _queue(self, uid: str, count: int, capacity: float) -> tuple[int, float]:
        """Queue requests at a pod; returns how many have room, and how many then wait for a later second."""
        waiting = self._queues.get(uid, 0.0)
        accepted = min(count, max(0, math.floor(capacity * (1 + _QUEUE_SECONDS) - waiting)))
        self._queues[uid], self._capacities[uid] = waiting + accepted, capacity
        return accepted, max(0.0, self._queues[uid] - capacity)

    def _fail_inside(self, accepted: int, behaviour: Behaviour, settings: Sequence[Setting], world: World,
                     errors: Counter[str]) -> int:
        """Count the requests that fail in the pod itself; returns how many are left."""
        own = self._binomial(accepted, behaviour.error_rate)
        errors["own"] += own
        for setting in settings:
            wrong = self._binomial(accepted - own, setting.error_rate)
            errors[f"setting:{setting.log}"] += wrong
            own += wrong
        background = self._binomial(accepted - own, world.background_error_rate / len(KINDS))
        errors["background"] += background
        return accepted - own - background

    def _call(self, name: str, pod: Object, left: int, world: World, snapshot: Snapshot, served: list[Served],
              errors: Counter[str]) -> tuple[dict[str, Calls], float]:
        """Let a pod's requests call what the component calls, one after the other; a failed call ends its request.

        Returns the calls by host, and the milliseconds that they add to a request.
        """
        calls: dict[str, Calls] = {}
        latency = 0.0
        for called in KINDS[name].calls:
            if called == "database":
                host = _environment(pod, snapshot).get("DB_HOST", "")
                outcome = self._database(left, pod, world, snapshot)
            elif called == "provider":
                host = PROVIDER_HOST.format(snapshot.config.get("PROVIDER", "primary"))
                outcome = self._provider(left, pod, world, snapshot)
            else:
                host = called
                outcome = self._component(called, left, pod, world, snapshot, served, name)
            what = calls.setdefault(host, Calls())
            what.count, what.failed = outcome.calls, outcome.failed
            what.milliseconds = outcome.latency_ms * outcome.calls
            if outcome.failed:
                what.kinds[outcome.kind] = outcome.failed
            errors[f"call to {host} failed: {outcome.kind}"] += outcome.failed
            left -= outcome.failed
            latency += outcome.latency_ms
        return calls, latency

    def _database(self, calls: int, pod: Object, world: World, snapshot: Snapshot) -> _Outcome:
        """Ask the database with the host, user and password that the pod was started with."""
        database, now = world.database, time.time()
        environment = _environment(pod, snapshot)
        host, user = environment.get("DB_HOST", ""), environment.get("DB_USER", "")
        path, says = world.path("payment-gateway", "database"), database.speech.says
        if host != database.host or not resolves(pod) or path == "dns":
            return _Outcome(calls, calls, 20.0, says("name", host))
        if not allowed_outside(pod, snapshot, PORT) or path == "blocked":
            return _Outcome(calls, calls, TIMEOUT_MS, says("timed_out"))
        if database.down(now) or database.fault == "refuses_connections":
            return _Outcome(calls, calls, 3.0, says("refused"))
        if path == "lossy":
            return _Outcome(calls, self._binomial(calls, 0.5), 1500.0, says("lost"))
        if (user, environment.get("DB_PASSWORD")) != (database.user, database.password):
            failed = self._binomial(calls, 1.0 - database.old_pools_share(now))
            return _Outcome(calls, failed, 10.0, says("credentials", user=user))
        if database.exhausted(now):
            return _Outcome(calls, self._binomial(calls, 0.9), 15.0, says("exhausted"))
        return self._statements(calls, database, now)

    def _statements(self, calls: int, database: Database, now: float) -> _Outcome:
        """Let statements run, of clients that got in."""
        says = database.speech.says
        if database.fault == "storage_full":
            return _Outcome(calls, self._binomial(calls, 0.85), 6.0, says("space"))
        if database.fault == "slow":
            return _Outcome(calls, self._binomial(calls, 0.8), 4500.0, says("locked"))
        if database.on_old_writer(now) or database.in_effect.get(database.speech.read_only) in ("1", "on"):
            return _Outcome(calls, self._binomial(calls, 0.85), 5.0, says("read_only"))
        allowed_ms = float(database.in_effect.get(database.speech.statement_ms, "0"))
        # The time of statements is spread exponentially: a few take many times the mean.
        cut = math.exp(-allowed_ms / database.latency_ms) if allowed_ms else 0.0
        failed = self._binomial(calls, cut) if cut else 0
        return _Outcome(calls, failed, database.latency_ms, says("statement") if failed else "")

    def _provider(self, calls: int, pod: Object, world: World, snapshot: Snapshot) -> _Outcome:
        name = snapshot.config.get("PROVIDER", "primary")
        provider = world.providers.get(name)
        path = world.path("payment-gateway", "provider")
        if provider is None or not resolves(pod) or path == "dns":
            return _Outcome(calls, calls, 1.0, f"could not resolve host: {PROVIDER_HOST.format(name)}")
        if not allowed_outside(pod, snapshot, 443) or path == "blocked":
            return _Outcome(calls, calls, TIMEOUT_MS, "connect timed out")
        if path == "lossy":
            return _Outcome(calls, self._binomial(calls, 0.5), 1500.0, "connection reset by peer")
        if refusal := world.refusal(name):
            return _Outcome(calls, calls, 60.0, refusal)
        if provider.fault == "down":
            return _Outcome(calls, calls, 40.0, "HTTP 503 Service Unavailable")
        if provider.fault == "slow":
            limit = _milliseconds(snapshot.config.get("PROVIDER_TIMEOUT_MS", "2000"))
            return _Outcome(calls, self._binomial(calls, 0.7), limit, "read timed out")
        return _Outcome(calls, self._binomial(calls, provider.error_rate), provider.latency_ms,
                        _PROVIDER_SAYS.get(provider.fault, "HTTP 402 card declined"))

    def _share(self, caller: Object, pods: Sequence[Object], snapshot: Snapshot) -> float:
        """The share of a Service's pods that a caller's packets get to."""
        if not pods or not resolves(caller):
            return 0.0
        return sum(allowed(caller, pod, snapshot) for pod in pods) / len(pods)

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
    """A failure further down, as the caller sees it."""
    return "" if not why else f"{component} answered 504" if "timed out" in why else f"{component} answered 500"


def targets(world: World, snapshot: Snapshot) -> tuple[int, int]:
    """How many of the entry's pods the load balancer's health checks find healthy, and how many unhealthy.

    Its targets are the addresses of the entry's Service, as the AWS Load Balancer Controller registers them.
    """
    endpoints = snapshot.endpoints.get(ENTRY) or {}
    registered = sum(len(subset.get(kind) or []) for subset in endpoints.get("subsets") or []
                     for kind in ("addresses", "notReadyAddresses"))
    healthy = sum(pod["spec"].get("nodeName") not in world.silent_nodes for pod in ready(ENTRY, snapshot)[0])
    return healthy, max(0, registered - healthy)


def _settings(name: str, world: World, snapshot: Snapshot) -> list[Setting]:
    """What the values in the gateway's configuration do to a component."""
    if name != "payment-gateway":
        return []
    found = [world.setting(key, value) for key, value in snapshot.config.items()]
    return [setting for setting in found if setting is not None]


def _environment(pod: Object, snapshot: Snapshot) -> Mapping[str, str]:
    """The variables that a pod was started with; a reference keeps the value that it had then."""
    return snapshot.environments.get(pod["metadata"]["uid"]) or environment_of(pod, snapshot)


def environment_of(pod: Object, snapshot: Snapshot) -> dict[str, str]:
    """The values that a pod would be started with now."""
    found = {}
    for item in app_of(pod).get("env") or []:
        source = item.get("valueFrom") or {}
        if "secretKeyRef" in source:
            found[item["name"]] = snapshot.secret.get(source["secretKeyRef"]["key"], "")
        elif "configMapKeyRef" in source:
            found[item["name"]] = snapshot.config.get(source["configMapKeyRef"]["key"], "")
        else:
            found[item["name"]] = item.get("value", "")
    return found


def _cpu_share(pod: Object, usual: str) -> float:
    """How much of the usual CPU a pod's limit leaves it, at most all: a throttled pod serves less."""
    limit = str(((app_of(pod).get("resources") or {}).get("limits") or {}).get("cpu", usual))
    return min(1.0, _cpu(limit) / _cpu(usual))


def _cpu(text: str) -> float:
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def _milliseconds(text: str) -> float:
    return min(TIMEOUT_MS, float(text)) if re.fullmatch(r"\d+(\.\d+)?", text) else 2000.0
