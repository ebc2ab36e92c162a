"""Callers try again and again, and what they bring so is more than can be served: the outage keeps itself going."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, dependency, load, pods, provider, retries, versions


def improvements(case: Case) -> Iterator[Advice]:
    """Retries have a budget, and work that nobody waits for is dropped."""
    callers = [name for name, called in sorted(case.service.graph.items()) if case.component in called]
    who = callers[0] if callers else case.component
    yield Advice(
        "retry-budget", "prevention", "Retries brought more than could be served",
        said(case.seen("error_rate", "calls", most=1)), f"{who}, its clients",
        "give retries a budget (at most one in ten requests), with jitter between attempts, and a deadline that is "
        "passed on, so that nobody works on what nobody waits for any more", case.developers, Effort.DESIGN,
        f"a load test that overloads {case.component} for a minute ends when the load ends, without a remedy",
        case.trouble.whole)


MECHANISM = Mechanism(
    id="retry_storm",
    cause=OVERLOAD,
    title="retries that keep an overload going",
    subject="retries that keep {component} overloaded",
    remedies=("cap_retries", "shed_load", "scale_up"),
    weights={
        retries.attempts_multiply: 2.0,
        retries.load_is_retries: 1.5,
        retries.surge_is_over: 1.5,
        calls.kind_read_timeout: 0.5,
        provider.provider_answers: 0.5,
        calls.provider_calls_fail: 0.0,
        calls.dependency_calls_fail: 0.0,
        dependency.dependency_answers: 0.5,
        calls.database_calls_fail: -1.0,
        dependency.cache_hit_ratio_fell: -2.0,
        versions.only_new_version_fails: -2.0,
        changes.replicas_reduced: -1.0,
        changes.cpu_limit_reduced: -1.0,
        load.one_client_floods: -0.5,
        pods.pods_not_ready: -0.5,
        pods.others_not_ready: -0.5,
    },
    needs=retries.attempts_multiply,
    worsened_by=("restart_pods", "cycle_deployment"),
    improvements=improvements,
)
