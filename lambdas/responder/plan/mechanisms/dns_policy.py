"""The pods' way of resolving names was changed, and names are not found."""

from __future__ import annotations

from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, probes

MECHANISM = Mechanism(
    id="dns_policy",
    cause=NETWORK,
    title="wrong DNS policy",
    subject="wrong DNS policy of {object}",
    remedies=("rollback",),
    brought_by=(changes.dns_policy_changed,),
    weights={
        changes.dns_policy_changed: 4.0,
        calls.kind_dns: 1.5,
        probes.probe_gets_through: 0.5,
        probes.probe_resolves: 0.5,
        changes.nothing_changed: -3.0,
        changes.network_unchanged: -2.5,
        probes.probe_does_not_get_through: -1.5,
        probes.probe_does_not_resolve: -1.5,
        probes.probe_is_refused: -1.5,
        probes.probe_finds_bad_tls: -1.0,
        probes.probe_ends_in_tls: -1.0,
    },
)
