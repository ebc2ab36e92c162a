"""A new version of the component fails, or is slow, by its own code."""

from __future__ import annotations

from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, entrance, load, nodes, pods, versions

MECHANISM = Mechanism(
    id="bad_release",
    cause=CODE_BUG,
    title="bad release",
    subject="bad release of {component}",
    remedies=("rollback",),
    brought_by=(versions.rollout_just_before, versions.rollout_amid_it),
    weights={
        versions.only_new_version_fails: 3.0,
        versions.rollout_just_before: 2.5,
        calls.slow_in_itself: 2.0,
        versions.new_version_slower: 2.0,
        pods.pods_image: 2.0,
        versions.errors_logged_only_by_new_version: 1.5,
        pods.pods_crash: 1.5,
        pods.pods_oom_killed: 1.5,
        versions.new_version_replaced_healthy_one: 1.0,
        pods.pods_fail_probe: 1.0,
        pods.pods_not_ready: 0.7,
        calls.kind_queue: 0.5,
        versions.rollout_amid_it: 0.5,
        pods.pods_held_by_init: 0.5,
        entrance.healthy_hosts_gone: 0.5,
        calls.not_reached_by_callers: 0.0,
        versions.no_recent_rollout: -2.5,
        versions.old_version_fails_too: -2.5,
        versions.new_version_was_well_first: -2.5,
        versions.old_version_slow_too: -2.5,
        calls.provider_calls_fail: -1.5,
        versions.errors_logged_by_old_version_too: -1.5,
        calls.database_calls_fail: -1.0,
        changes.cpu_limit_reduced: -1.0,
        pods.others_not_ready: -1.0,
        pods.its_nodes_are_gone: -1.0,
        nodes.its_pods_are_on_them: -1.0,
        calls.kind_connect_timeout: -0.5,
        pods.pods_fell: -0.5,
        load.load_above_baseline: -0.5,
    },
)
