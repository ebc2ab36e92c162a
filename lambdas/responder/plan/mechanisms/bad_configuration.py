"""A value that running pods read (a ConfigMap) makes them fail."""

from __future__ import annotations

from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, entrance, pods, versions

MECHANISM = Mechanism(
    id="bad_configuration",
    cause=CODE_BUG,
    title="bad configuration value",
    subject="bad value in {object}",
    remedies=("restore_configuration",),
    objects=("ConfigMap",),
    weights={
        changes.configuration_changed: 3.0,
        calls.other_host_called: 2.0,
        calls.slow_in_itself: 1.5,
        pods.pods_configuration: 1.5,
        pods.pods_are_ready: 0.5,
        changes.nothing_changed: -3.0,
        changes.configuration_unchanged: -2.5,
        calls.database_calls_fail: -1.5,
        calls.not_reached_by_callers: -1.5,
        calls.does_not_reach_callee: -1.5,
        versions.only_new_version_fails: -1.5,
        calls.kind_queue: -1.0,
        entrance.targets_refuse_connections: -1.0,
        calls.provider_calls_fail: -0.5,
        versions.new_version_slower: -0.5,
        pods.others_not_ready: -0.5,
    },
)
