"""A NetworkPolicy keeps requests from their destination."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, entrance, live_state, pods, probes


def improvements(case: Case) -> Iterator[Advice]:
    """A policy is tested against who calls whom before it is applied."""
    change = case.change
    if change is None:
        return
    graph = ", ".join(f"{caller} to {called}" for caller, calls in case.service.graph.items() for called in calls)
    yield Advice(
        "test-network-policy", "prevention", "A NetworkPolicy went out that cuts off a way in use",
        said(case.told(change), case.seen('calls')), thing(change),
        "test each policy in the pipeline against the ways that must stay open" + (f" ({graph})" if graph else "")
        + ", in a namespace of its own or by a policy simulator", "network team", Effort.CHECK,
        "the pipeline refuses the policy of this incident", case.trouble.whole)


MECHANISM = Mechanism(
    id="network_policy",
    cause=NETWORK,
    title="network policy that blocks traffic",
    subject="blocking {object}",
    remedies=("restore_configuration",),
    objects=("NetworkPolicy",),
    weights={
        live_state.live_policy: 3.0,
        changes.network_policy_changed: 2.5,
        calls.kind_connect_timeout: 1.5,
        pods.policies_select_it: 1.0,
        pods.pods_wait_for_gate: 0.5,
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
    improvements=improvements,
)
