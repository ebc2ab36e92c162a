"""A NetworkPolicy keeps requests from their destination."""

from __future__ import annotations

from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, entrance, pods, probes

MECHANISM = Mechanism(
    id="network_policy",
    cause=NETWORK,
    title="network policy that blocks traffic",
    subject="blocking {object}",
    remedies=("restore_configuration",),
    objects=("NetworkPolicy",),
    weights={
        changes.network_policy_changed: 2.5,
        calls.kind_connect_timeout: 1.5,
        pods.policies_select_it: 1.0,
        entrance.healthy_hosts_gone: 0.5,
        probes.probe_gets_through: 0.5,
        probes.probe_resolves: 0.5,
        changes.nothing_changed: -3.0,
        changes.network_unchanged: -2.5,
        calls.kind_refused: -2.0,
        calls.kind_reset: -1.5,
        probes.probe_does_not_get_through: -1.5,
        probes.probe_is_refused: -1.5,
        calls.kind_read_timeout: -1.0,
        probes.probe_does_not_resolve: -1.0,
        probes.probe_finds_bad_tls: -1.0,
        probes.probe_is_slow: -0.5,
        probes.probe_ends_in_tls: -0.5,
    },
)
