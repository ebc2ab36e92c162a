"""What the gateway calls besides database and provider: a check for fraud, 3-D Secure, a vault, a cache, a queue.

Each answers so many calls a second and lets some more wait; who comes then is refused. A cache answers what it has
kept, and what it has not is asked of the database. A queue takes messages, and a consumer elsewhere works them off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.platform.calling import late

Kind = Literal["check", "cache", "queue"]
FAULTS: Mapping[Kind, tuple[str, ...]] = {
    "check": ("down", "errors", "slow", "throttled"), "cache": ("down", "errors", "slow", "emptied"),
    "queue": ("down", "errors", "slow", "throttled", "consumer_stopped")}
"""What may befall each kind."""
_PATIENCE_MS = 2000.0
"""How long a client waits for a dependency where nobody has said anything."""
_QUEUE_SECONDS = 2.0
_SLOW_SHARE = 0.25
"""Of its speed, while it is slow."""
_HIT_RATIO = 0.95
_KEYS = 4800.0
"""What a cache must have fetched to be as warm as usual."""
_CONSUMED_A_SECOND = 300.0
_RATES = {"down": 1.0, "errors": 0.6, "throttled": 0.85}
"""Share of calls that fail by a fault where the drill does not say."""
_SAYS: Mapping[tuple[Kind, str], str] = {
    ("check", "down"): "HTTP 503 Service Unavailable", ("check", "errors"): "HTTP 500 Internal Server Error",
    ("check", "throttled"): "HTTP 429 Too Many Requests",
    ("cache", "down"): "Connection refused", ("cache", "errors"): "Connection reset by peer",
    ("queue", "down"): "HTTP 503 Service Unavailable", ("queue", "errors"): "HTTP 500 Internal Server Error",
    ("queue", "throttled"): "ThrottlingException: Rate exceeded"}
Binomial = Callable[[int, float], int]


@dataclass(frozen=True)
class Answered:
    """What came back of some calls."""

    failed: int
    milliseconds: float
    """Mean over all calls."""
    kind: str = ""
    missed: int = 0
    """Questions to a cache that it could not answer: they are asked of the database."""


@dataclass
class Backlog:
    """Work that waits its turn, at something that does so much of it in a second."""

    waiting: float = 0.0

    def tick(self, capacity: float) -> None:
        """Let a second's work be done."""
        self.waiting = max(0.0, self.waiting - capacity)

    def take(self, count: int, capacity: float, speed: float | None = None) -> tuple[int, float]:
        """Take as much as there is room for; returns that, and how many seconds it waits.

        The room is of ``capacity``; what is done in a second is ``speed``, where that is less.
        """
        speed = capacity if speed is None else speed
        taken = min(count, max(0, int(capacity * (1 + _QUEUE_SECONDS) - self.waiting)))
        self.waiting += taken
        return taken, max(0.0, self.waiting - speed) / speed


@dataclass
class Dependency:
    """The true state of one dependency."""

    name: str
    kind: Kind
    host: str
    latency_ms: float
    capacity: float
    """Calls that it answers in a second."""
    fault: str = ""
    error_rate: float = 0.0
    backlog: Backlog = field(default_factory=Backlog)
    warm: float = 1.0
    """Of a cache: how much of what it usually keeps is there, 0 to 1."""
    messages: float = 0.0
    """Of a queue: those that wait for a consumer."""
    oldest_seconds: float = 0.0
    minutes: dict[float, dict[str, float]] = field(default_factory=dict)
    """Start of a minute, seconds since 1970 (UTC), to what was counted in it."""

    @property
    def mode_key(self) -> str:
        """The key of the gateway's ConfigMap that says whether it is called: ``required``, or ``skip``."""
        return f"{self.name.upper().replace('-', '_')}_MODE"

    @property
    def speed(self) -> float:
        """Calls that it answers in a second just now."""
        return self.capacity * (_SLOW_SHARE if self.fault == "slow" else 1.0)

    @property
    def well(self) -> bool:
        """Whether its health URL would answer in time."""
        return self.fault not in ("down", "errors") and self.backlog.waiting < 2 * self.speed

    def tick(self) -> None:
        """Begin the next second: what waited is worked on, and a consumer takes messages."""
        self.backlog.tick(self.speed)
        if self.kind != "queue":
            return
        taken = 0.0 if self.fault == "consumer_stopped" else min(self.messages, _CONSUMED_A_SECOND)
        self.messages -= taken
        self.oldest_seconds = self.oldest_seconds + 1 if self.messages else 0.0
        self._count(deleted=taken)

    def call(self, count: int, limit_ms: float, binomial: Binomial) -> Answered:
        """Let it be called by who waits ``limit_ms`` for each answer."""
        limit = min(limit_ms, _PATIENCE_MS)
        if self.fault in _RATES:
            failed = binomial(count, self.error_rate or _RATES[self.fault])
            said = _SAYS[self.kind, self.fault]
            return self._well(count, Answered(failed, 15.0 if failed else self.latency_ms, said), binomial)
        taken, waits = self.backlog.take(count, self.capacity, self.speed)
        latency = self.latency_ms / (self.speed / self.capacity) + 1000 * waits
        share = late(latency, limit)
        missed = binomial(taken, share)
        milliseconds = share * limit + (1 - share) * min(latency, limit)
        refused = "HTTP 503 Service Unavailable" if self.kind != "cache" else "Connection reset by peer"
        return self._well(count, Answered(count - taken + missed, milliseconds,
                                          "read timed out" if missed >= count - taken else refused), binomial)

    def _well(self, count: int, answered: Answered, binomial: Binomial) -> Answered:
        """Count what got through, and what a cache could not answer."""
        through = count - answered.failed
        if self.kind == "queue":
            self.messages += through
            self._count(sent=through)
        if self.kind != "cache":
            return answered
        hits = binomial(through, _HIT_RATIO * self.warm)
        self._count(hits=hits, misses=through - hits)
        return Answered(answered.failed, answered.milliseconds, answered.kind, through - hits)

    def fill(self, fetched: float) -> None:
        """Keep what was fetched from the database."""
        self.warm = min(1.0, self.warm + fetched / _KEYS)

    def _count(self, **counts: float) -> None:
        minute = self.minutes.setdefault(time.time() // 60 * 60, {})
        for name, value in counts.items():
            minute[name] = minute.get(name, 0.0) + value

    def usual(self, per_minute: float) -> dict[str, float]:
        """What is counted in a healthy minute with so many requests."""
        if self.kind == "cache":
            return {"hits": _HIT_RATIO * per_minute, "misses": (1 - _HIT_RATIO) * per_minute}
        return {"sent": per_minute, "deleted": per_minute} if self.kind == "queue" else {}


_KNOWN: Mapping[str, tuple[Kind, str, float, float]] = {
    "fraud-check": ("check", "api.fraud.example", 40.0, 70.0),
    "three-d-secure": ("check", "acs.threeds.example", 120.0, 200.0),
    "token-vault": ("check", "vault.tokens.example", 15.0, 300.0),
    "token-cache": ("cache", "payments-tokens.abc123.ng.0001.use1.cache.amazonaws.com", 1.0, 5000.0),
    "receipts": ("queue", "sqs.us-east-1.amazonaws.com", 9.0, 3000.0)}
"""Kind, host, milliseconds for a call and calls a second; in the order in which the gateway calls them, before the
database and the provider; a queue after these."""
NAMES = tuple(_KNOWN)
CACHE_NODE, QUEUE_NAME = "payments-tokens-001", "payment-receipts"
STATEMENTS_A_SECOND = 90.0
"""Statements that the database runs in a second where a cache is before it: it is made for what gets by."""


def made(names: Iterable[str]) -> dict[str, Dependency]:
    """Return the dependencies that a drill has, each well."""
    chosen = set(names)
    return {name: Dependency(name, *of) for name, of in _KNOWN.items() if name in chosen}


def metric_data(dependency: Dependency, at: float, counted: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return one minute of a dependency as PutMetricData takes it, in AWS's names; of what is no service of AWS none.

    Sources: AWS's pages "Metrics for Valkey and Redis OSS" and "Available CloudWatch metrics for Amazon SQS".
    """
    if dependency.kind == "cache":
        lookups = counted.get("hits", 0.0) + counted.get("misses", 0.0)
        values = {"CacheHits": counted.get("hits", 0.0), "CacheMisses": counted.get("misses", 0.0), "Evictions": 0.0,
                  "EngineCPUUtilization": min(99.0, 1.0 + lookups / 3000), "CurrConnections": 24.0,
                  "CurrItems": dependency.warm * _KEYS * 20}
        dimension = {"Name": "CacheClusterId", "Value": CACHE_NODE}
        # A node that is gone publishes nothing.
        values = {} if dependency.fault == "down" else values
    elif dependency.kind == "queue":
        values = {"NumberOfMessagesSent": counted.get("sent", 0.0),
                  "NumberOfMessagesDeleted": counted.get("deleted", 0.0),
                  "ApproximateNumberOfMessagesVisible": dependency.messages,
                  "ApproximateAgeOfOldestMessage": dependency.oldest_seconds}
        dimension = {"Name": "QueueName", "Value": QUEUE_NAME}
    else:
        return []
    return [{"MetricName": name, "Dimensions": [dimension], "Timestamp": at, "Value": value}
            for name, value in values.items()]


def namespace(dependency: Dependency) -> str:
    """Return where CloudWatch has its metrics."""
    return "AWS/ElastiCache" if dependency.kind == "cache" else "AWS/SQS"
