"""The cluster's own resolver does not answer, or not in time: names are not found by anybody."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, live_state, probes


def improvements(case: Case) -> Iterator[Advice]:
    """The resolver is spread, grows with the nodes, and is asked less."""
    seen = case.seen("problems", most=1) or case.seen()
    yield Advice(
        "spread-resolver", "prevention", "The resolver of the whole cluster was lost at once", seen,
        f"CoreDNS of cluster {case.service.cluster.name}", "run at least two pods of CoreDNS in different zones with a "
        "PodDisruptionBudget, let their number grow with the nodes, and run NodeLocal DNSCache", "SRE", Effort.SETTING,
        "names resolve in a test while one pod of CoreDNS is deleted", case.trouble.whole)


MECHANISM = Mechanism(
    id="resolver_down",
    cause=NETWORK,
    lies_in="cluster",
    title="resolver down",
    subject="outage of the cluster's resolver",
    remedies=("escalate",),
    needs=live_state.live_resolver,
    worsened_by=("restart_pods", "cycle_deployment", "rollback"),
    weights={
        live_state.live_resolver: 4.0,
        calls.kind_dns: 2.0,
        probes.probe_does_not_resolve: 0.5,
        probes.probe_does_not_get_through: -1.0,
    },
    improvements=improvements,
)
