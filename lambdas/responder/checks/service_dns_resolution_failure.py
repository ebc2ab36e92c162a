"""A workload cannot resolve the names of Services that are there: its pods ask another resolver, or none answers.

Kubernetes' page "DNS for Services and Pods": pods of ``dnsPolicy: Default`` (and those of the host's network with
``ClusterFirst``) ask the node's resolver, and those of ``None`` the name servers of ``dnsConfig`` alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.addresses import given
from responder.state.basics import Ref
from responder.state.pods import PodSpec
from responder.state.resolving import UNRESOLVED, unresolved
from responder.state.sayings import sayings


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose resolver knows no Services, and those that say that they cannot resolve one."""
    said: dict[Ref, str] = {}
    names: dict[Ref, set[str]] = defaultdict(set)
    for one in unresolved(state):
        for caller in one.callers if not one.missing else ():
            said[caller] = max(said.get(caller, ""), one.text)
            names[caller].add(one.ref.name)
    specs: dict[Ref, PodSpec] = {state.owner(pod): pod.spec for pod in state.pods if not pod.over}
    specs |= {one.ref: one.template for one in state.apps if one.wanted != 0}
    lost = {one.owner for one in sayings(state, UNRESOLVED)}
    asking = {one.owner for one in given(state) if one.target.service} | set(said) | lost
    for owner in sorted({*asking, *specs}):
        why = _odd(state, specs[owner], owner in asking) if owner in specs else ""
        if why or owner in said:
            what = f": {why}" if why else f": {', '.join(sorted(names[owner]))}"
            told = owner in said or owner in lost
            yield Found(str(owner), f"{owner} cannot resolve names of Services that are there{what}", "stops",
                        "said" if told else "seen", (owner.name,), said.get(owner, why),
                        f"set dnsPolicy of {owner} to ClusterFirst" if why else "look at the cluster's resolver")


def _odd(state: State, spec: PodSpec, asks: bool) -> str:
    """Return why pods ask another resolver than the cluster's; empty: they ask it."""
    resolvers = {one.address for one in state.services if one.ref.namespace == "kube-system"
                 and one.meta.labels.get("k8s-app", one.ref.name) in ("kube-dns", "coredns")} - {"", "None"}
    if spec.dns_policy == "None":
        known = set(spec.name_servers) & resolvers or any(one.startswith("169.254.") for one in spec.name_servers)
        servers = ", ".join(spec.name_servers) or "none"
        return "" if known or not (resolvers or asks) else f"dnsPolicy None, name servers {servers}"
    if not asks:
        return ""
    if spec.dns_policy == "Default":
        return "dnsPolicy Default asks the node's resolver"
    if spec.host_network and spec.dns_policy == "ClusterFirst":
        return "hostNetwork with dnsPolicy ClusterFirst asks the node's resolver"
    return ""


CHECK = Check(id="service_dns_resolution_failure", family="routing", sign="names", find=find, follows=(
    "coredns_unavailable", "network_policy_blocks", "kube_proxy_unavailable", "node_not_ready", "kubelet_unavailable"))
