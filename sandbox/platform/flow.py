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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.platform.calling import Calling, Pools, again, late, shed_share
from sandbox.platform.cluster import Object
from sandbox.platform.database import CPU_CREDITS, IO_CREDITS, PORT, Database
from sandbox.platform.dependencies import STATEMENTS_A_SECOND, Backlog, Dependency
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
    """Attempts, of which a request may make several."""
    failed: int = 0
    milliseconds: float = 0.0
    """Total over all calls."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Failure, as the caller saw it, to its count."""
    lost: int | None = None
    """Requests that ended here; None: as many as failed, for none was tried again."""

    @property
    def ended(self) -> int:
        """Requests that ended here."""
        return self.failed if self.lost is None else self.lost


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

    def and_lost(self, lost: int, why: str) -> _Outcome:
        """The same with calls beside them that got no answer in time."""
        calls = self.calls + lost
        if not lost:
            return self
        return _Outcome(calls, self.failed + lost, (self.latency_ms * self.calls + TIMEOUT_MS * lost) / calls,
                        why if lost > self.failed else self.kind)


NO_ANSWER = "connect timed out"
PROVIDER_HOST = "api.{}.example"


class Flow:
    """The flow of requests; ``second`` is called once a second."""

    def __init__(self, versions: Versions, rng: random.Random) -> None:
        self._versions, self._rng = versions, rng
        self._queues: dict[str, float] = {}
        """Pod to the requests that it has taken and not yet served."""
        self._capacities: dict[str, float] = {}
        self._pools, self._statements_waiting = Pools(), Backlog()

    def second(self, world: World, snapshot: Snapshot) -> list[Served]:
        """Let one second's requests through, and return what each pod did.

        Only the load balancer sees requests that reach no pod: a row without a pod stands for them.
        """
        self._pools.tick()
        self._statements_waiting.tick(STATEMENTS_A_SECOND)
        for dependency in world.dependencies.values():
            dependency.tick()
        # Since the last second each pod has served a second's worth, however many callers its requests came from.
        self._queues = {uid: left for uid, taken in self._queues.items()
                        for left in [max(0.0, taken - self._capacities[uid])] if left}
        world.behind = {uid: left / self._capacities[uid] for uid, left in self._queues.items()
                        if self._capacities[uid]}
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
                   served: list[Served], source: str = "", limit_ms: float = math.inf) -> _Outcome:
        """Let ``calls`` arrive at a component, from a pod or (None) from outside, which waits ``limit_ms``."""
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
            # What is lost in front of the pod's node reaches nobody there.
            arrived = count - self._binomial(count, world.loss_on(pod))
            result = self._pod(name, pod, arrived, world, snapshot, served, limit_ms).and_lost(
                count - arrived, NO_ANSWER)
            failed += result.failed
            latency += result.latency_ms * count
            kind = kind or result.kind
        if fault == "lossy":
            latency += 800.0 * through
        mean = (latency + waited * blocked) / calls if calls else 0.0
        return _Outcome(calls, failed, mean, kind)

    def _pod(self, name: str, pod: Object, count: int, world: World, snapshot: Snapshot,
             served: list[Served], limit_ms: float = math.inf) -> _Outcome:
        """Let ``count`` requests arrive at one pod, whose caller waits ``limit_ms`` for each."""
        kind = KINDS[name]
        image = app_of(pod)["image"]
        behaviour = world.behaviour_of(pod, self._versions.behaviour(image))
        capacity = (behaviour.capacity or kind.capacity) * _cpu_share(pod, kind.cpu_limit)
        calling, uid, errors = behaviour.calling, pod["metadata"]["uid"], Counter[str]()
        if name == "payment-gateway":
            calling = calling.limited(snapshot.config)
            errors["request shed by admission control"] += self._binomial(count, shed_share(snapshot.config))
        asked = count - errors.total()
        found = self._pools.admit(uid, calling.threads, asked)
        errors[f"task rejected from ThreadPoolExecutor[pool size = {calling.threads}]"] += asked - found
        accepted, behind = self._queue(uid, found, capacity)
        timed_out = found - accepted
        errors["request timed out in queue"] += timed_out
        settings = [*_settings(name, world, snapshot),
                    *world.foreign.settings(name, component_of(image)[1], running_versions(snapshot))]
        left = self._fail_inside(accepted, behaviour, settings, world, errors)
        own_ms = (kind.latency_ms + behaviour.latency_ms + sum(setting.latency_ms for setting in settings)
                  + 1000 * behind / capacity)
        calls, calls_ms = self._call(name, pod, left, world, snapshot, served, errors, calling)
        latency = own_ms + calls_ms
        self._pools.hold(uid, calling.threads, accepted, latency)
        errors = +errors
        sample = tuple(round(latency * self._rng.lognormvariate(0, 0.25), 1) for _ in range(min(accepted, 5)))
        sample += (TIMEOUT_MS,) * min(timed_out, 2)
        if count:
            served.append(Served(name, pod["metadata"]["name"], component_of(image)[1], count, errors.total(), sample,
                                 errors, calls))
        return self._answered(name, count, errors, (accepted, latency), timed_out, limit_ms)

    def _answered(self, name: str, count: int, errors: Counter[str], worked: tuple[int, float], timed_out: int,
                  limit_ms: float) -> _Outcome:
        """What the caller sees of a pod's answers; ``worked`` is how many it worked on, and for how long each.

        An answer that comes too late is none for who waits no longer; the pod has worked for it all the same.
        """
        accepted, latency = worked
        share = late(latency, limit_ms)
        missed = self._binomial(count - errors.total(), share)
        seen_ms = share * limit_ms + (1 - share) * min(latency, limit_ms) if share else latency
        mean = (seen_ms * accepted + min(TIMEOUT_MS, limit_ms) * timed_out) / count if count else 0.0
        worst = max(errors, key=lambda why: errors[why]) if errors else ""
        kind = "read timed out" if missed > errors.total() else _as_seen(name, worst)
        return _Outcome(count, errors.total() + missed, mean, kind)

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
              errors: Counter[str], calling: Calling) -> tuple[dict[str, Calls], float]:
        """Let a pod's requests call what the component calls, one after the other; a failed call ends its request.

        Returns the calls by host, and the milliseconds that they add to a request.
        """
        calls: dict[str, Calls] = {}
        latency, more = 0.0, 0
        for called in _called(name, world, snapshot):
            host, missed = _host(called, pod, world, snapshot), list[int]()

            def answered(count: int, called: str = called, missed: list[int] = missed) -> _Outcome:
                if called == "database":
                    return self._database(count, pod, world, snapshot)
                if called == "provider":
                    return self._provider(count, pod, world, snapshot)
                if called in world.dependencies:
                    return self._dependency(world.dependencies[called], count, calling.limit_ms, missed)
                return self._component(called, count, pod, world, snapshot, served, name, calling.limit_ms)

            def ask(count: int, called: str = called, host: str = host,
                    answered: Callable[[int], _Outcome] = answered) -> _Outcome:
                # Some lookups get no answer, and some packets are lost at the pod's own node.
                unresolved = self._binomial(count, world.unresolved(pod))
                lost = self._binomial(count - unresolved, world.loss_on(pod))
                return answered(count - unresolved - lost).and_lost(lost, NO_ANSWER).and_lost(
                    unresolved, _unresolved(called, host, world))

            # What a cache could not answer is asked of the database as well.
            asked = left + (more if called == "database" else 0)
            found, added = self._tried(f"{pod['metadata']['uid']} {host}", host, asked, calling, ask, errors)
            if called == "database" and more:
                _filled(world, more * (asked - found.ended) / asked)
                errors[f"call to {host} failed: {next(iter(found.kinds), '')}"] -= max(0, found.ended - left)
                found.lost = min(left, found.ended)
            more += sum(missed)
            calls[host] = found
            left -= found.ended
            latency += added
        return calls, latency

    def _dependency(self, dependency: Dependency, count: int, limit_ms: float, missed: list[int]) -> _Outcome:
        found = dependency.call(count, limit_ms, self._binomial)
        missed.append(found.missed)
        return _Outcome(count, found.failed, found.milliseconds, found.kind if found.failed else "")

    def _tried(self, pool: str, host: str, count: int, calling: Calling, ask: Callable[[int], _Outcome],
               errors: Counter[str]) -> tuple[Calls, float]:
        """Let requests call a host, and those that fail again as often as the caller tries.

        Returns the attempts together, and the milliseconds that they add to a request.
        """
        made, waiting, latency, last = Calls(), count, 0.0, _Outcome(0, 0, 0.0, "")
        for attempt in range(max(1, calling.attempts or 1)):
            found = self._pools.admit(pool, calling.connections, waiting)
            last = ask(found)
            self._pools.hold(pool, calling.connections, found, last.latency_ms)
            made.count += last.calls
            made.failed += last.failed
            made.milliseconds += last.latency_ms * last.calls
            if last.failed:
                made.kinds[last.kind] = made.kinds.get(last.kind, 0) + last.failed
            latency += last.latency_ms if not attempt else (
                (last.latency_ms + (calling.backoff_ms or 0.0)) * waiting / count if count else 0.0)
            none, waiting = waiting - found, waiting - found + last.failed
            if not waiting or not again(last.kind):
                break
        made.lost = waiting
        errors[f"call to {host} failed: {last.kind}"] += last.failed
        errors[f"call to {host} failed: Timeout waiting for connection from pool"] += none
        return made, latency

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
        found = self._statements(calls, database, now)
        return self._in_turn(found, database) if any(one.kind == "cache" for one in world.dependencies.values()) else (
            found)

    def _in_turn(self, found: _Outcome, database: Database) -> _Outcome:
        """Let statements wait for their turn, at a database that is made for what a cache before it lets through."""
        taken, waits = self._statements_waiting.take(found.calls, STATEMENTS_A_SECOND)
        database.busy_share = min(1.0, self._statements_waiting.waiting / STATEMENTS_A_SECOND)
        failed = max(found.failed, found.calls - taken)
        return _Outcome(found.calls, failed, found.latency_ms + 1000 * waits,
                        found.kind if found.failed or not failed else database.speech.says("statement"))

    def _statements(self, calls: int, database: Database, now: float) -> _Outcome:
        """Let statements run, of clients that got in."""
        says = database.speech.says
        if database.fault == "storage_full":
            return _Outcome(calls, self._binomial(calls, 0.85), 6.0, says("space"))
        if database.fault == "slow":
            return _Outcome(calls, self._binomial(calls, 0.8), 4500.0, says("locked"))
        if database.fault in (CPU_CREDITS, IO_CREDITS):
            return _Outcome(calls, self._binomial(calls, 0.45), 2600.0, says("statement"))
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


def _unresolved(called: str, host: str, world: World) -> str:
    """What a caller says whose lookup got no answer."""
    return world.database.speech.says("name", host) if called == "database" else f"could not resolve host: {host}"


def _called(name: str, world: World, snapshot: Snapshot) -> list[str]:
    """What a component calls, in its order: the gateway first what it asks before a payment, and in the end a queue."""
    wanted = [] if name != "payment-gateway" else [
        one for one in world.dependencies.values() if snapshot.config.get(one.mode_key, "required") != "skip"]
    return [*(one.name for one in wanted if one.kind != "queue"), *KINDS[name].calls,
            *(one.name for one in wanted if one.kind == "queue")]


def _filled(world: World, fetched: float) -> None:
    """Let the caches keep what was fetched from the database."""
    for dependency in world.dependencies.values():
        if dependency.kind == "cache":
            dependency.fill(fetched)


def _host(called: str, pod: Object, world: World, snapshot: Snapshot) -> str:
    """The host of what a component calls, as it names it."""
    if called == "database":
        return _environment(pod, snapshot).get("DB_HOST", "")
    if called in world.dependencies:
        return world.dependencies[called].host
    return PROVIDER_HOST.format(snapshot.config.get("PROVIDER", "primary")) if called == "provider" else called


def _as_seen(component: str, why: str) -> str:
    """A failure further down, as the caller sees it."""
    status = 504 if "timed out" in why else 503 if "rejected" in why or "shed" in why else 500
    return f"{component} answered {status}" if why else ""


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


def running_versions(snapshot: Snapshot) -> dict[str, set[str]]:
    """Component to the versions that its pods run."""
    found: dict[str, set[str]] = {}
    for pod in snapshot.pods:
        component, version = component_of(app_of(pod)["image"])
        found.setdefault(component, set()).add(version)
    return found


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
