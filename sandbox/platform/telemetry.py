"""What the platform emits, kept as the vendors would keep it, after two healthy hours of history."""

from __future__ import annotations

import bisect
import copy
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.platform.dependencies import Dependency
from sandbox.platform.flow import BALANCER, ENTRY, NOT_CONNECTED, PROVIDER_HOST, Calls, Served
from sandbox.platform.objects import FIRST_VERSION, KINDS, image
from sandbox.platform.past import Past
from sandbox.platform.payments import GATEWAY, Disturbed, Paid, Payments
from sandbox.platform.versions import Versions

HISTORY_SECONDS = 7200 + 600
STEP_SECONDS = 10


@dataclass(frozen=True)
class Delays:
    """Seconds after which each source can show what happened."""

    newrelic: float
    splunk: float
    cloudwatch: float
    load_balancer: float
    cloudtrail: float

    @classmethod
    def read(cls, which: str = "sandbox") -> Delays:
        """Return the delays called ``sandbox`` or ``realistic`` in ``delays.yaml``."""
        text = Path(__file__).with_name("delays.yaml").read_text()
        return cls(**{source: float(item[which]) for source, item in yaml.safe_load(text).items()})


@dataclass(eq=False)
class Transactions:
    """Requests of one pod (or, in the history, one version) in a short stretch of time."""

    at: float
    component: str
    version: str
    host: str
    requests: int
    errors: int
    latencies_ms: tuple[float, ...]
    seconds: float = 1.0
    """How long the stretch is."""
    number: int = 0
    """Its place among all that were ever kept."""
    made: dict[str, Any] = field(default_factory=dict, repr=False)
    """What a vendor's stand-in makes of it, by what that is: made once."""


@dataclass(eq=False)
class Edge:
    """Calls of one pod (or, in the history, one version) to one callee in a short stretch of time."""

    at: float
    component: str
    version: str
    pod: str
    callee: str
    """The host, as the caller names it."""
    calls: Calls
    number: int = -1
    """Of which ``Transactions`` these calls are, by their number."""


@dataclass(frozen=True)
class Balanced:
    """What the load balancer in front saw in a short stretch of time."""

    at: float
    requests: int
    target_errors: int
    """Answers of the targets with a status of 5xx."""
    own_errors: int
    """Requests that no target took."""
    not_connected: int = 0
    """Those of them for which a target was registered and accepted no connection."""


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    at: float
    component: str
    level: str
    version: str
    pod: str
    text: str
    client: str = ""
    """The client's address, in a line about a request."""
    duration_ms: float = 0.0
    """How long the answer took, in a line about a request."""
    count: int = 1
    """Lines that differ in nothing else are kept as one."""


@dataclass(eq=False)
class Repeated:
    """A line that is written again and again."""

    component: str
    text: str
    every_seconds: float
    next_at: float = 0.0


@dataclass
class _Healthy:
    """The history while it is written."""

    until: float
    requests_per_second: float
    rng: random.Random


class Telemetry:
    """The stores behind New Relic and Splunk, and the counts that become CloudWatch metrics."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self.transactions: list[Transactions] = []
        self.edges: list[Edge] = []
        self.balanced: list[Balanced] = []
        self.lines: list[Line] = []
        self.payments = Payments()
        self.dependencies: tuple[Dependency, ...] = ()
        """What the gateway calls besides the database and the provider, for the history."""
        self._healthy: _Healthy | None = None
        self._past: Past[Telemetry] = Past()
        # Chance of its own: which client sends a request must not change what becomes of it.
        self._clients = random.Random("clients")

    def reset(self, now: float, requests_per_second: float, rng: random.Random) -> list[Transactions]:
        """Forget everything and begin with two healthy hours; returns their transactions, for CloudWatch."""
        self.transactions, self.edges, self.balanced, self.lines = [], [], [], []
        self.payments.reset()
        self._healthy = _Healthy((now - HISTORY_SECONDS) // STEP_SECONDS * STEP_SECONDS, requests_per_second, rng)
        while self._healthy.until + STEP_SECONDS <= now:
            self._step(self._healthy, STEP_SECONDS)
        self.lines.sort(key=lambda line: line.at)
        return list(self.transactions)

    def lay_away(self, began: float, ended: float) -> None:
        """Keep what there is for questions about the time between two moments; to be called before ``reset``."""
        kept = copy.copy(self)
        kept.payments = copy.copy(self.payments)
        self._past.lay_away(began, ended, kept)

    def as_of(self, moment: float) -> Telemetry:
        """Return what is asked about a stretch of time that ends at a moment."""
        return self._past.at(moment, self)

    def go_on(self, until: float) -> None:
        """Let the healthy history go on until a moment; it ends with the first second that the platform serves."""
        while self._healthy is not None and self._healthy.until < until:
            self._step(self._healthy, 1.0)

    def _step(self, healthy: _Healthy, seconds: float) -> None:
        """Add so many healthy seconds."""
        at, rng = healthy.until, healthy.rng
        healthy.until += seconds
        mean = healthy.requests_per_second * seconds
        count = max(0, round(rng.gauss(mean, mean ** 0.5)))
        failed = sum(rng.random() < 0.004 for _ in range(count))
        latency = 0.0
        for component in reversed(KINDS):
            latency += KINDS[component].latency_ms + (94 if component == "payment-gateway" else 0)
            sample = tuple(round(latency * rng.lognormvariate(0, 0.25), 1) for _ in range(8))
            self.transactions.append(Transactions(at, component, FIRST_VERSION, "", count, failed, sample,
                                                  seconds, len(self.transactions)))
            for one in self.dependencies if component == "payment-gateway" else ():
                self.edges.append(Edge(at, component, FIRST_VERSION, "", one.host, Calls(
                    count, 0, one.latency_ms * count), self.transactions[-1].number))
            for callee in KINDS[component].calls:
                host = _HOSTS.get(callee, callee)
                kinds = {} if callee == "database" or not failed else {_HISTORY_KIND.get(
                    callee, f"{callee} answered 500"): failed}
                self.edges.append(Edge(at, component, FIRST_VERSION, "", host, Calls(
                    count, sum(kinds.values()), _CALL_MS[callee] * count, kinds), self.transactions[-1].number))
            for _ in range(failed if component == "payment-gateway" else 0):
                self.lines.append(Line(at + rng.random() * seconds, component, "ERROR", FIRST_VERSION, "",
                                       _background(rng)))
            for _ in range(2):
                self.lines.append(self._chatter(at + rng.random() * seconds, component, FIRST_VERSION, "", rng))
        self.lines += _paid(self.payments.healthy(at, count - failed, FIRST_VERSION))
        self.lines += self._requests(at, FIRST_VERSION, "", count, sample, {}, seconds, of=_CLIENTS_A_STEP)
        self.balanced.append(Balanced(at, count, failed, 0))

    def second(self, at: float, served: Iterable[Served], rng: random.Random,
               floods: Mapping[str, float] | None = None) -> None:
        """Take in what the pods did in the second from ``at``; ``floods`` is {client: share of all requests}.

        Before the first one, the healthy history goes on to it: publishing it has taken a while.
        """
        self.go_on(at)
        self._healthy = None
        entry = [item for item in served if item.component == ENTRY]
        lost = [item for item in served if item.component == BALANCER]
        missed = sum(item.requests for item in lost)
        self.balanced.append(Balanced(at, sum(item.requests for item in entry) + missed,
                                      sum(item.errors for item in entry), missed,
                                      sum(item.kinds.get(NOT_CONNECTED, 0) for item in lost)))
        for item in served:
            if item.component == BALANCER:
                continue
            self.transactions.append(Transactions(at, item.component, item.version, item.pod, item.requests,
                                                  item.errors, item.latencies_ms, number=len(self.transactions)))
            self.edges += [Edge(at, item.component, item.version, item.pod, host, calls, self.transactions[-1].number)
                           for host, calls in item.calls.items() if calls.count]
            fresh = [Line(at + rng.random(), item.component, "ERROR", item.version, item.pod,
                          self._error(item, why, rng))
                     for why, count in item.kinds.items() for _ in range(min(count, 20))]
            if rng.random() < 0.1:
                fresh.append(self._chatter(at + rng.random(), item.component, item.version, item.pod, rng))
            if item.component == ENTRY:
                fresh += self._requests(at, item.version, item.pod, item.requests, item.latencies_ms, floods or {}, 1.0)
            self.lines += sorted(fresh, key=lambda line: line.at)

    def pay(self, at: float, served: Iterable[Served], disturbed: Sequence[Disturbed], hidden: str) -> None:
        """Take in the payments of the second from ``at``: one for each request that the gateway answered."""
        for item in served:
            if item.component == GATEWAY:
                self.lines += _paid(self.payments.serve(at, item.requests - item.errors, item.version, item.pod,
                                                        disturbed, hidden))

    def log(self, at: float, component: str, text: str) -> None:
        """Store a line that an event wrote."""
        level = next((word for word in ("ERROR", "FATAL", "WARN", "INFO", "DEBUG") if word in text[:40]), "INFO")
        self.lines.append(Line(at, component, level, FIRST_VERSION, "", text))

    def repeat(self, at: float, lines: Iterable[Repeated]) -> None:
        """Write those lines that are due in the second from ``at``."""
        for line in lines:
            if at >= line.next_at:
                for part in range(max(1, round(1 / line.every_seconds)) if line.every_seconds > 0 else 1):
                    self.log(at + part * line.every_seconds, line.component, line.text)
                line.next_at = at + line.every_seconds

    def between(self, start: float, end: float) -> Iterator[Transactions]:
        """Yield the transactions of a stretch of time."""
        first = bisect.bisect_left(self.transactions, start, key=lambda item: item.at)
        for item in self.transactions[first:]:
            if item.at >= end:
                return
            yield item

    def balanced_between(self, start: float, end: float) -> Iterator[Balanced]:
        """Yield what the load balancer saw in a stretch of time."""
        for item in self.balanced:
            if start <= item.at < end:
                yield item

    def edges_between(self, start: float, end: float) -> Iterator[Edge]:
        """Yield the calls of a stretch of time."""
        first = bisect.bisect_left(self.edges, start, key=lambda item: item.at)
        for item in self.edges[first:]:
            if item.at >= end:
                return
            yield item

    def lines_between(self, start: float, end: float) -> Iterator[Line]:
        """Yield the log lines of a stretch of time; the last seconds may not be in order."""
        first = bisect.bisect_left(self.lines, start - 2, key=lambda line: line.at)
        for line in self.lines[first:]:
            if start <= line.at < end:
                yield line
            elif line.at >= end + 2:
                return

    def _requests(self, at: float, version: str, pod: str, count: int, latencies_ms: Sequence[float],
                  floods: Mapping[str, float], seconds: float, of: int = 0) -> list[Line]:
        """The entry's lines about requests, by client; ``of`` limits the number of steady clients (0: all of them)."""
        steady = self._clients.sample(CLIENTS, of) if of else CLIENTS
        names = [*floods, *steady]
        left = max(0.0, 1.0 - sum(floods.values()))
        shares = [*floods.values(), *(left / len(steady) for _ in steady)]
        found = Counter(self._clients.choices(names, shares, k=count))
        lines = []
        for client, requests in sorted(found.items()):
            # A request that is refused at once is in no sample.
            took = self._clients.choice(latencies_ms or (1.0,))
            lines.append(Line(
                at + self._clients.random() * seconds, ENTRY, "INFO", version, pod,
                f"INFO {_CLASS[ENTRY]} POST /checkout client_ip={client} duration_ms={took:.0f}", client, took,
                requests))
        return lines

    def _error(self, item: Served, why: str, rng: random.Random) -> str:
        if why == "own":
            found = self._versions.behaviour(image(item.component, item.version))
            return found.log or f"ERROR {_CLASS[item.component]} unhandled error, order {rng.randrange(10**8)}"
        if why == "background":
            return _background(rng)
        if why.startswith("setting:"):
            return why.removeprefix("setting:") or f"ERROR {_CLASS[item.component]} invalid setting"
        return f"ERROR {_CLASS[item.component]} {why}, order {rng.randrange(10**8)}"

    def _chatter(self, at: float, component: str, version: str, pod: str, rng: random.Random) -> Line:
        if rng.random() < 0.01:
            return Line(at, component, "WARN", version, pod,
                        f"WARN {_CLASS[component]} slow response, {rng.randrange(400, 900)} ms")
        return Line(at, component, "INFO", version, pod,
                    f"INFO {_CLASS[component]} order {rng.randrange(10**8)} done in {rng.randrange(20, 300)} ms")


CLIENTS = tuple(f"198.51.100.{number}" for number in range(10, 60))
"""The steady customers, from the addresses that are kept for documentation (RFC 5737)."""
_CLIENTS_A_STEP = 10
"""How many of them come in one step of the history; a search over a minute or more cannot tell."""
_HOSTS = {"database": "payments-db", "provider": PROVIDER_HOST.format("primary")}
_CALL_MS = {"database": 4.0, "provider": 90.0, "payment-gateway": 154.0, "backend": 179.0}
_HISTORY_KIND = {"provider": "HTTP 402 card declined"}
_CLASS = {"frontend": "CheckoutController", "backend": "OrderService", "payment-gateway": "CardAuthorizer"}


def _paid(fresh: Iterable[Paid]) -> list[Line]:
    return [Line(item.at, GATEWAY, "INFO", item.version, item.pod, item.text, count=item.count) for item in fresh]


def _background(rng: random.Random) -> str:
    return f"ERROR CardAuthorizer card declined by issuer, order {rng.randrange(10**8)}"


def metric_data(rows: Iterable[Transactions], period: float) -> list[dict[str, Any]]:
    """Return MetricDatum items for PutMetricData from transactions, one period each."""
    sums: dict[tuple[float, str], list[Any]] = {}
    for row in rows:
        entry = sums.setdefault((row.at // period * period, row.component), [0, 0, []])
        entry[0] += row.requests
        entry[1] += row.errors
        entry[2] += row.latencies_ms
    data = []
    for (at, component), (requests, errors, latencies) in sorted(sums.items()):
        common = {"Dimensions": [{"Name": "Component", "Value": component}], "Timestamp": at, "StorageResolution": 1}
        data += [common | {"MetricName": "Requests", "Unit": "Count", "Value": float(requests)},
                 common | {"MetricName": "Errors", "Unit": "Count", "Value": float(errors)}]
        if latencies:
            data.append(common | {"MetricName": "Latency", "Unit": "Milliseconds", "Values": latencies[:100]})
    return data
