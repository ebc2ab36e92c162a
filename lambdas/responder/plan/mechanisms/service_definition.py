"""The component's Service sends requests to nobody."""

from __future__ import annotations

from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, endpoints, entrance, probes

MECHANISM = Mechanism(
    id="service_definition",
    cause=NETWORK,
    title="wrong Service definition",
    subject="wrong {object}",
    remedies=("restore_configuration",),
    objects=("Service",),
    weights={
        changes.service_changed: 3.0,
        endpoints.service_missing: 3.0,
        endpoints.service_port_misfit: 3.0,
        endpoints.service_selects_nothing: 3.0,
        calls.kind_refused: 1.0,
        entrance.targets_refuse_connections: 1.0,
        entrance.healthy_hosts_gone: 0.7,
        calls.kind_dns: 0.5,
        probes.probe_gets_through: 0.5,
        probes.probe_resolves: 0.5,
        changes.network_unchanged: -2.5,
        changes.nothing_changed: -2.0,
        calls.kind_connect_timeout: -1.0,
        probes.probe_is_slow: -0.5,
        probes.probe_does_not_get_through: -0.5,
    },
)
