"""A security group, route, ACL or resolver below Kubernetes keeps packets from their destination."""

from __future__ import annotations

from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, database, entrance, nodes, pods, probes, provider, trail

MECHANISM = Mechanism(
    id="path_below",
    cause=NETWORK,
    title="broken network below Kubernetes",
    subject="broken network path of {component}",
    remedies=("engage_network_team", "restore_security_group"),
    weights={
        calls.kind_dns: 2.5,
        calls.kind_reset: 2.5,
        trail.aws_network_changed: 2.5,
        calls.kind_connect_timeout: 1.5,
        changes.nothing_changed: 1.5,
        probes.probe_does_not_get_through: 1.5,
        probes.probe_does_not_resolve: 1.5,
        calls.slow_database_calls: 1.0,
        database.database_connections_usual: 1.0,
        probes.probe_is_slow: 1.0,
        provider.provider_answers: 0.7,
        calls.slow_provider_calls: 0.5,
        pods.pods_are_ready: 0.5,
        database.database_available: 0.5,
        probes.probe_ends_in_tls: 0.5,
        probes.outside_probe_gets_through: 0.5,
        calls.kind_read_timeout: 0.3,
        entrance.healthy_hosts_gone: 0.3,
        database.database_connections_gone: 0.3,
        calls.kind_refused: -2.0,
        database.database_connections_at_maximum: -2.0,
        nodes.instances_impaired: -1.5,
        calls.other_host_called: -1.0,
        probes.probe_gets_through: -1.0,
        probes.probe_is_refused: -1.0,
        probes.probe_finds_bad_tls: -1.0,
        pods.pods_not_ready: -0.5,
        provider.provider_does_not_answer: -0.5,
        probes.outside_probe_does_not_get_through: -0.5,
        probes.probe_resolves: -0.3,
    },
)
