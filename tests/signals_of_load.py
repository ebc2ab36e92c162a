"""An example of each kind of signal about retries and dependencies: failure mode, findings, kind and sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from responder.model.evidence import Finding
from responder.model.evidence.cache_metrics import CacheMetrics
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.queue_metrics import QueueMetrics
from responder.model.fault_location import OWN, Dependency
from responder.plan.error_kind import ErrorKind
from responder.plan.failure_modes import FailureMode
from tests.diagnosis import NOW, WINDOW, Found, rates

GATEWAY = "payment-gateway"


def mode(name: str, *, slow: bool = False) -> FailureMode:
    """The gateway's calls of a dependency fail, or take long."""
    return FailureMode(GATEWAY, Dependency(name), 1.0, {}, ("newrelic",), slow)


def cache(ratio: float, **more: float) -> Found:
    """A cache that usually answers 95 % of what it is asked."""
    return Finding(source="dependencies", component="dependency:token-cache", window=WINDOW, value=ratio, baseline=0.95,
                   detail=CacheMetrics(lookups=2400.0, **more))


def queue(age: float, sent: float = 2400.0, deleted: float = 2400.0, visible: float | None = None) -> Found:
    """A queue whose oldest message usually waits for a second."""
    return Finding(source="dependencies", component="dependency:receipts", window=WINDOW, value=age, baseline=1.0,
                   detail=QueueMetrics(visible, sent, deleted))


def health(well: bool, note: str = "") -> Found:
    return Finding(source="dependencies", component="dependency:fraud-check", window=WINDOW, value=float(well),
                   note=note, detail=DependencyHealth())


ITSELF = FailureMode(GATEWAY, OWN, 1.0, {}, ("newrelic",))
FRAUD, CACHE, QUEUE = mode("fraud-check"), mode("token-cache"), mode("receipts")
TWICE = [rates("frontend", 0.5), rates(GATEWAY, 0.5, per_second=100.0)]
SURGE = rates("frontend", 0.9, series=[(NOW - ago, count, 0.9 * count) for ago, count in (
    (90, 400), (80, 1200), (70, 1200), (60, 400), (50, 400), (40, 400), (30, 400), (20, 400), (10, 100))])
EXAMPLES: list[tuple[FailureMode, Sequence[Found], str, str]] = [
    (ITSELF, TWICE, "attempts_multiply",
     "payment-gateway gets 2.5 calls for each request of frontend; usual is 1.0"),
    (ITSELF, TWICE, "load_is_retries",
     "payment-gateway gets 2.5 times the requests of the baseline, frontend 1.0 times"),
    (ITSELF, [SURGE], "surge_is_over",
     "3.0 times the usual requests came to frontend; now 1.0 times come, and they go on failing"),
    (FRAUD, [], "dependency_calls_fail", "100% of payment-gateway's failures are calls of fraud-check"),
    (mode("fraud-check", slow=True), [], "slow_dependency_calls",
     "payment-gateway's calls of fraud-check take much longer than usual"),
    (FRAUD, [health(well=True)], "dependency_answers", "fraud-check's health URL answers"),
    (FRAUD, [health(well=False, note="it answered with status 503")], "dependency_does_not_answer",
     "fraud-check's health URL does not answer: it answered with status 503"),
    (replace(FRAUD, kinds={ErrorKind.RATE_LIMIT: 0.9}), [], "dependency_throttles",
     "fraud-check refuses our calls for their number (90%)"),
    (ITSELF, [cache(0.2)], "cache_hit_ratio_fell", "token-cache answers 20% of what it is asked; usual is 95%"),
    (ITSELF, [cache(0.9, evictions=5000.0, baseline_evictions=10.0)], "cache_evicts",
     "token-cache drops 5,000 items a minute; usual are 10"),
    (CACHE, [cache(0.95, cpu=0.97)], "cache_cpu_at_limit", "token-cache's engine uses 97% of its processor"),
    (CACHE, [cache(0.95, connections=900.0, baseline_connections=40.0)], "cache_connections_many",
     "token-cache has 900 connections; usual are 40"),
    (QUEUE, [queue(300.0, visible=9000.0)], "queue_is_behind",
     "the oldest message of receipts waits for 5 min; usual are 1.0 s, and 9,000 wait"),
    (QUEUE, [queue(1.0, deleted=10.0)], "queue_is_not_worked_off",
     "2,400 messages a minute come to receipts, and 10 are worked off")]
