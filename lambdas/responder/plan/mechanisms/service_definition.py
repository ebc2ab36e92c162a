"""The component's Service sends requests to nobody."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, endpoints, entrance, live_state, probes


def improvements(case: Case) -> Iterator[Advice]:
    """A Service must select pods and send to a port of theirs before it is applied, and is not deleted by hand."""
    change = case.change
    seen = said(case.told(change), case.seen('endpoints', 'calls', most=1)) if change else case.seen()
    name = change.name if change else case.deployment(case.component)
    place = thing(change) if change else f"Service {name}"
    if change and change.what == "deleted":
        yield Advice(
            "guard-service", "prevention", "A Service in use could be deleted", seen, place,
            "take the right to delete Services in this namespace from all but the pipeline's role", "SRE",
            Effort.ACCESS, f"`{case.kubectl} auth can-i delete services` says no for people's roles",
            case.trouble.whole)
    else:
        yield Advice(
            "check-service", "prevention", "A Service went out by which nobody is reached", seen, place,
            "check in the pipeline that its selector selects pods and that its target port is one that they declare; "
            "name ports rather than number them", "SRE", Effort.CHECK,
            "the pipeline refuses the Service of this incident", case.trouble.whole)
    yield Advice(
        "alarm-endpoints", "detection", "Nothing watches whether a Service has anybody behind it",
        case.seen("endpoints", most=1) or seen,
        f"alarm on ready endpoints of Service {name}",
        "set an alarm for a Service without a ready address (kube_endpoint_address_available of kube-state-metrics)",
        "SRE", Effort.SETTING, "the alarm goes off for a test Service that selects nothing",
        case.earlier)


MECHANISM = Mechanism(
    id="service_definition",
    cause=NETWORK,
    title="wrong Service definition",
    subject="wrong {object}",
    remedies=("restore_configuration",),
    objects=("Service",),
    weights={
        live_state.live_route: 6.0,
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
    improvements=improvements,
)
