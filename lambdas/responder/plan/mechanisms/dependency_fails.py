"""A dependency of another kind fails: a cache, a queue, a check for fraud, a vault of tokens."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import PROVIDER_OUTAGE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, dependency, load, probes, provider, retries, versions


def improvements(case: Case) -> Iterator[Advice]:
    """What is not needed to take a payment must not be able to stop one."""
    switched = {switch.of for switch in case.service.switches if switch.purpose == "fail_open"}
    yield Advice(
        "do-without", "recovery", "Payments stopped for want of something that they could do without",
        said(case.seen("calls", "dependency_health", most=1)), f"calls of what failed in {case.component}",
        "decide for each dependency whether payments may go on without it (fail open, a default, a later check), and "
        + ("rehearse the switch" if switched else "give it a switch, which the configuration names (switches, purpose "
           "fail_open)") + ", with a short time-out and a circuit breaker before it", case.developers, Effort.DESIGN,
        "a test that makes it fail shows payments go on", case.trouble.whole)


MECHANISM = Mechanism(
    id="dependency_fails",
    cause=PROVIDER_OUTAGE,
    lies_in="dependency",
    title="outage of a dependency",
    subject="outage of a dependency of {component}",
    remedies=("fail_open", "cap_retries", "inform_customers", "inform_provider"),
    weights={
        calls.dependency_calls_fail: 2.5,
        calls.slow_dependency_calls: 2.5,
        dependency.dependency_does_not_answer: 2.0,
        calls.kind_http_5xx: 2.0,
        calls.kind_read_timeout: 2.0,
        # A process that is killed, restarted or out of connections breaks them off.
        calls.kind_reset: 2.0,
        calls.kind_refused: 1.5,
        # What others run fails without a change in the cluster, as a way does.
        changes.nothing_changed: 1.5,
        dependency.queue_is_behind: 1.0,
        dependency.queue_is_not_worked_off: 0.7,
        dependency.cache_hit_ratio_fell: 0.5,
        dependency.cache_evicts: 0.5,
        dependency.cache_cpu_at_limit: 1.0,
        dependency.cache_connections_many: 0.7,
        dependency.dependency_throttles: 2.0,
        probes.probe_is_refused: 1.0,
        probes.outside_probe_does_not_get_through: 1.0,
        retries.attempts_multiply: 0.3,
        calls.provider_calls_fail: -4.0,
        versions.only_new_version_fails: -2.5,
        provider.provider_refuses_us: -2.0,
        calls.slow_provider_calls: -4.0,
        calls.other_host_called: -2.0,
        calls.kind_dns: -1.0,
        load.cpu_at_limit: -0.3,
        dependency.dependency_answers: -0.3,
        changes.configuration_changed: -0.3,
    },
    improvements=improvements,
)
