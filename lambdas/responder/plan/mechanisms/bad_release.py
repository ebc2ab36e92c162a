"""A new version of the component fails, or is slow, by its own code."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, keep_old_pods, said
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import (
    calls,
    changes,
    credentials,
    entrance,
    foreign,
    killed,
    live_state,
    load,
    nodes,
    payments,
    pods,
    probes,
    versions,
)
from responder.plan.wording import count, share


def improvements(case: Case) -> Iterator[Advice]:
    """What the pipeline could have found without a customer, else a release that comes to few of them first."""
    change = case.change
    saw = (case.seen("error_rate_by_version", most=1) or case.seen("error_signatures", "pods", most=1)
           or case.seen("calls", most=1))
    seen = said(case.told(change), saw) if change else case.seen()
    name = case.workload
    states = case.pod_states
    if states & pods.WITHOUT_IMAGE:
        yield Advice(
            "check-image", "prevention", "An image went out that cannot be pulled", seen, f"{name}, image",
            "let the pipeline look the image up in the registry (`docker manifest inspect`) before it changes the "
            "Deployment", case.developers, Effort.CHECK, "the pipeline refuses a tag that the registry does not have",
            case.trouble.whole)
    elif states & (pods.CRASHING | {"OOMKilled"}):
        yield Advice(
            "start-before-release", "prevention", "A version went out that does not stay up", seen, f"{name}, image",
            "start the image in the pipeline with the limits and the configuration of production, and under load",
            case.developers, Effort.CHECK, "the pipeline refuses the image of this incident", case.trouble.whole)
    elif case.record.incident.kind == "degraded_latency":
        yield Advice(
            "canary-latency", "prevention", "A slow version replaced a fast one", seen, f"{name}, rollout",
            "release to a few pods first, and stop where their 95th percentile is well above that of the version "
            "before (Argo Rollouts, Flagger, or a step of the pipeline)", case.developers, Effort.CHECK,
            f"a test version that waits {count(case.service.alarms.latency_p95_ms)} ms is stopped by the pipeline",
            case.trouble.whole)
    else:
        yield Advice(
            "canary-errors", "prevention", "A version that fails went out to customers", seen, f"{name}, rollout",
            "release to a few pods first, and stop where their error rate is well above that of the version before "
            "(Argo Rollouts, Flagger, or a step of the pipeline)", case.developers, Effort.CHECK,
            f"a test version that fails {share(case.service.alarms.error_rate)} of its requests is stopped by the "
            "pipeline", case.trouble.whole)
    yield from keep_old_pods(case)


MECHANISM = Mechanism(
    id="bad_release",
    cause=CODE_BUG,
    title="bad release",
    subject="bad release of {component}",
    remedies=("rollback",),
    brought_by=(versions.rollout_just_before, versions.rollout_amid_it),
    weights={
        live_state.live_image: 2.0,
        versions.only_new_version_fails: 3.0,
        versions.rollout_just_before: 2.5,
        calls.slow_in_itself: 2.0,
        versions.new_version_slower: 2.0,
        pods.pods_image: 2.0,
        payments.one_version_declined: 2.0,
        versions.errors_logged_only_by_new_version: 1.5,
        pods.pods_crash: 1.5,
        # It takes back what `database_calls_fail` takes, for the other side is well, and is a little of its own.
        probes.only_its_connections_fail: 1.5,
        pods.pods_oom_killed: 1.5,
        killed.killed_by_probe: 1.0,
        versions.new_version_replaced_healthy_one: 1.0,
        pods.pods_fail_probe: 1.0,
        foreign.commit_explains: 0.7,
        pods.pods_not_ready: 0.7,
        calls.kind_queue: 0.5,
        versions.rollout_amid_it: 0.5,
        pods.pods_held_by_init: 0.5,
        entrance.healthy_hosts_gone: 0.5,
        calls.not_reached_by_callers: 0.0,
        credentials.ours_ended_as_it_began: -3.0,
        payments.one_kind_declined: -3.0,
        versions.no_recent_rollout: -2.5,
        foreign.flag_explains: -2.0,
        foreign.infrastructure_explains: -1.0,
        versions.old_version_fails_too: -2.5,
        versions.new_version_was_well_first: -2.5,
        versions.old_version_slow_too: -2.5,
        pods.pods_blocked_by_sidecar: -1.5,
        calls.provider_calls_fail: -1.5,
        calls.dependency_calls_fail: -1.5,
        versions.errors_logged_by_old_version_too: -1.5,
        calls.database_calls_fail: -1.0,
        changes.cpu_limit_reduced: -1.0,
        pods.others_not_ready: -1.0,
        pods.its_nodes_are_gone: -1.0,
        nodes.its_pods_are_on_them: -1.0,
        calls.kind_connect_timeout: -0.5,
        payments.one_method_declined: -0.5,
        pods.pods_fell: -0.5,
        load.load_above_baseline: -0.5,
    },
    improvements=improvements,
)
