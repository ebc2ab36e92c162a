"""The plan's six causes: what speaks for and against all mechanisms of a cause alike.

A mechanism that has a weight of its own for a signal (``plan/mechanisms``) takes that in place of its cause's. Why a
signal weighs at all stands beside it (``plan/signals``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.plan.signals import (
    AnySignalKind,
    aws_health,
    calls,
    control_plane,
    database,
    dependency,
    entrance,
    load,
    places,
    pods,
    versions,
)


class Cause(NamedTuple):
    """One of the plan's causes."""

    id: str
    """Its name in records."""
    title: str
    """As people are told it, in a few words and without an article."""
    weights: Mapping[AnySignalKind, float]
    """As ``Mechanism.weights``, for each of its mechanisms that has no weight of its own."""


CODE_BUG = Cause(
    id="code_bug",
    title="fault in code or configuration",
    weights={
        calls.fails_in_itself: 1.5,
        calls.slow_database_calls: -1.0,
        calls.slow_provider_calls: -1.0,
        calls.slow_dependency_calls: -1.0,
        places.failures_on_one_node: -2.0,
        places.failures_in_one_pod: -2.0,
    },
)
"""Our own code, configuration or workload definition."""

DATABASE_CONNECTION = Cause(
    id="database_connection",
    title="database connection",
    weights={
        calls.database_calls_fail: 1.5,
        database.database_not_available: 1.0,
        aws_health.aws_reports_database: 0.7,
        calls.provider_calls_fail: -3.0,
        calls.dependency_calls_fail: -3.0,
        calls.slow_dependency_calls: -2.0,
        calls.fails_in_itself: -2.5,
        calls.not_reached_by_callers: -2.5,
        calls.does_not_reach_callee: -2.5,
        calls.slow_in_itself: -2.0,
        calls.slow_provider_calls: -2.0,
        entrance.targets_refuse_connections: -2.0,
        entrance.requests_end_before_entry: -2.0,
        entrance.healthy_hosts_gone: -1.0,
        places.failures_on_one_node: -3.0,
        places.failures_in_one_pod: -3.0,
    },
)
"""The database, or the way in which it is called."""

OVERLOAD = Cause(
    id="overload",
    title="overload",
    weights={
        calls.kind_queue: 2.0,
        load.cpu_at_limit: 1.5,
        calls.fails_in_itself: 1.0,
        calls.slow_in_itself: 1.0,
        load.autoscaler_at_maximum: 1.0,
        load.sidecar_cpu_at_limit: 0.7,
        calls.provider_calls_fail: -2.0,
        calls.dependency_calls_fail: -2.0,
        calls.database_calls_fail: -1.5,
        pods.pods_crash: -1.5,
        pods.pods_image: -1.5,
        pods.pods_configuration: -1.5,
        versions.only_new_version_fails: -1.0,
        versions.new_version_slower: -1.0,
        pods.pods_not_ready: -0.5,
        places.failures_on_one_node: -2.0,
        places.failures_in_one_pod: -2.0,
    },
)
"""More comes than can be served."""

CLUSTER_FAILURE = Cause(
    id="cluster_failure",
    title="cluster failure",
    weights={
        pods.others_not_ready: 1.0,
        control_plane.cluster_has_issues: 1.0,
        pods.pods_not_ready: 0.7,
        aws_health.aws_reports_compute: 0.7,
        entrance.healthy_hosts_gone: 0.7,
        entrance.targets_refuse_connections: 0.7,
        entrance.requests_end_before_entry: 0.7,
        calls.fails_in_itself: 0.5,
        calls.not_reached_by_callers: 0.5,
        calls.kind_refused: 0.5,
        calls.kind_queue: 0.5,
        calls.does_not_reach_callee: 0.3,
        calls.provider_calls_fail: -2.0,
        calls.dependency_calls_fail: -2.0,
        calls.database_calls_fail: -1.5,
        versions.only_new_version_fails: -1.0,
    },
)
"""What the pods run on."""

NETWORK = Cause(
    id="network",
    title="network fault",
    weights={
        calls.not_reached_by_callers: 1.0,
        calls.does_not_reach_callee: 1.0,
        entrance.targets_refuse_connections: 0.7,
        entrance.requests_end_before_entry: 0.7,
        calls.database_calls_fail: 0.5,
        calls.provider_calls_fail: 0.5,
        calls.dependency_calls_fail: 0.5,
        calls.kind_credentials: -3.0,
        calls.kind_connections: -2.5,
        dependency.dependency_throttles: -2.5,
        calls.kind_space: -2.5,
        calls.fails_in_itself: -2.0,
        calls.kind_lock: -2.0,
        calls.kind_read_only: -2.0,
        calls.kind_http_5xx: -2.0,
        pods.pods_crash: -2.0,
        pods.pods_oom_killed: -2.0,
        pods.pods_configuration: -2.0,
        calls.slow_in_itself: -1.5,
        pods.pods_image: -1.5,
        load.cpu_at_limit: -1.0,
        database.database_not_available: -1.0,
        places.failures_on_one_node: -3.0,
        places.failures_in_one_pod: -3.0,
    },
)
"""The way between components, or to what they call."""

PROVIDER_OUTAGE = Cause(
    id="provider_outage",
    title="provider outage",
    weights={
        calls.provider_calls_fail: 2.0,
        calls.dependency_calls_fail: -3.0,
        calls.database_calls_fail: -3.0,
        calls.fails_in_itself: -2.5,
        calls.not_reached_by_callers: -2.5,
        calls.does_not_reach_callee: -2.5,
        calls.slow_in_itself: -2.0,
        calls.slow_database_calls: -2.0,
        calls.slow_dependency_calls: -2.0,
        entrance.targets_refuse_connections: -2.0,
        entrance.requests_end_before_entry: -2.0,
        load.cpu_at_limit: -1.0,
        entrance.healthy_hosts_gone: -1.0,
        places.failures_on_one_node: -3.0,
        places.failures_in_one_pod: -3.0,
    },
)
"""Somebody outside whom the service depends on: a provider, or a dependency of another kind, whoever runs it. A cache
or a queue of our own belongs here as well: what one does is the same (get along without it, call who runs it), and the
database's remedies do not help."""
