"""The pods' way of resolving names was changed, and names are not found."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, live_state, probes


def improvements(case: Case) -> Iterator[Advice]:
    """How pods resolve names is no decision of a single workload."""
    change = case.change
    if change is None:
        return
    yield Advice(
        "guard-dns-policy", "prevention", "A workload's way of resolving names was changed, and nothing objected",
        said(case.told(change), case.seen('calls', most=1)), thing(change),
        "refuse by a ValidatingAdmissionPolicy any dnsPolicy but ClusterFirst in this namespace, and a dnsConfig that "
        "was not reviewed", "SRE", Effort.CHECK,
        f"`{case.kubectl} apply --dry-run=server` of the manifest of this incident is refused", case.trouble.whole)


MECHANISM = Mechanism(
    id="dns_policy",
    cause=NETWORK,
    title="wrong DNS policy",
    subject="wrong DNS policy of {object}",
    remedies=("rollback",),
    brought_by=(changes.dns_policy_changed,),
    weights={
        live_state.live_names: 3.0,
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
    improvements=improvements,
)
