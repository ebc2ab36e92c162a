"""The cluster's own resolver is there and is asked more than it answers: lookups of everybody fail or take seconds."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import NETWORK
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, lookups, probes


def improvements(case: Case) -> Iterator[Advice]:
    """Who asks so often is found, the resolver grows with the cluster, and most answers are remembered."""
    seen = case.seen("calls", "error_signatures")
    yield Advice(
        "scale-resolver", "prevention", "CoreDNS was asked more than it answered", seen,
        "Deployment coredns in kube-system", "let EKS scale CoreDNS with the cluster (add-on setting autoScaling), and "
        "find who asks so often (its log plugin, counted by client)", "network team", Effort.SETTING,
        "a load test of twice the lookups a second fails none", case.trouble.whole)
    yield Advice(
        "cache-names-on-nodes", "prevention", "Each lookup went to CoreDNS", seen, "node groups, name resolution",
        "run NodeLocal DNSCache, and end the names of hosts in use with a dot (or set ndots: 2)", "network team",
        Effort.CHECK, "CoreDNS gets a tenth of the lookups at the same load", case.trouble.whole)


MECHANISM = Mechanism(
    id="resolver_overloaded",
    cause=NETWORK,
    lies_in="cluster",
    title="overloaded resolver of the cluster",
    subject="overload of the cluster's resolver",
    remedies=("engage_network_team",),
    needs=lookups.lookups_fail_everywhere,
    weights={
        lookups.lookups_fail_everywhere: 3.0,
        calls.kind_dns: 2.5,
        probes.probe_resolves: 1.0,
        changes.nothing_changed: 0.7,
        changes.dns_policy_changed: -2.0,
        probes.probe_does_not_resolve: -2.0,
        calls.other_host_called: -1.5,
    },
    improvements=improvements,
)
