"""A cache has lost what it kept, or has no room for it: what stands behind it gets many times what it is made for."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, dependency, load, retries, versions


def improvements(case: Case) -> Iterator[Advice]:
    """What stands behind a cache must live through an empty one."""
    yield Advice(
        "survive-a-cold-cache", "prevention", "An empty cache took down what stands behind it",
        said(case.seen("cache_metrics", "calls", most=1)), f"the cache that {case.component} asks",
        "let one request of many fetch what is missing (request coalescing), limit how many may ask what is behind the "
        "cache at once, and warm the cache before it gets all requests", case.developers, Effort.DESIGN,
        "a test that empties the cache under the usual load shows no failed request", case.trouble.whole)


MECHANISM = Mechanism(
    id="cold_cache",
    cause=OVERLOAD,
    title="cold cache",
    subject="cold cache behind {component}",
    remedies=("shed_load", "escalate"),
    weights={
        dependency.cache_hit_ratio_fell: 3.5,
        calls.slow_database_calls: 1.5,
        calls.database_calls_fail: 0.5,
        calls.kind_read_timeout: 0.5,
        calls.kind_lock: 0.5,
        dependency.cache_evicts: 0.7,
        database.database_cpu_high: 0.7,
        retries.attempts_multiply: 0.5,
        calls.dependency_calls_fail: -1.0,
        versions.only_new_version_fails: -2.0,
        database.database_waits_for_locks: -1.0,
        load.load_above_baseline: -0.5,
    },
    needs=dependency.cache_hit_ratio_fell,
    worsened_by=("restore_database", "restart_pods", "cycle_deployment"),
    improvements=improvements,
)
