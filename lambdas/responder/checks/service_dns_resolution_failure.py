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
from responder.state.resolving import UNRESOLVED, Name, unresolved
from responder.state.sayings import sayings


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose resolver knows no Services; else whoever is at fault by who cannot resolve what."""
    lost = {one.owner: one.text for one in sayings(state, UNRESOLVED)}
    asked: dict[Ref, set[Ref]] = defaultdict(set)
    for one in given(state):
        asked[one.owner] |= {one.target.ref} if one.target.service else set()
    specs: dict[Ref, PodSpec] = {state.owner(pod): pod.spec for pod in state.pods if not pod.over}
    specs |= {one.ref: one.template for one in state.apps if one.wanted != 0}
    odd = {owner: why for owner, spec in specs.items()
           if (why := _odd(state, spec, bool(asked.get(owner)) or owner in lost))}
    for owner, why in sorted(odd.items()):
        yield Found(str(owner), f"{owner} cannot resolve names of Services that are there: {why}", "stops",
                    "said" if owner in lost else "seen", (owner.name,), lost.get(owner, why),
                    f"set dnsPolicy of {owner} to ClusterFirst")
    yield from _said(state, [one for one in unresolved(state) if not one.missing], set(odd), asked)


def _said(state: State, names: list[Name], odd: set[Ref], asked: dict[Ref, set[Ref]]) -> Iterator[Found]:
    """Yield what is at fault where names of Services that are there are not resolved.

    One name that several cannot resolve, or one that resolves others, is that name's record. Several names that several
    cannot resolve are the resolver's; several names of one are his own.
    """
    names = [one._replace(callers=left) for one in names if (left := tuple(set(one.callers) - odd))]
    callers = sorted({caller for one in names for caller in one.callers})
    text = max((one.text for one in names), default="")
    said = ", ".join(sorted({one.ref.name for one in names}))
    if len(names) > 1 and len(callers) > 1:
        yield Found("deployment/coredns", f"{len(callers)} workloads cannot resolve {said}, which are there", "stops",
                    "said", tuple(one.name for one in callers), text, "look at the cluster's resolver")
        return
    for caller in callers:
        if len(names) == 1 and (len(callers) > 1 or len(asked.get(caller, set()) - {names[0].ref}) > 1):
            apps = [workload.ref.name for service in state.services if service.ref == names[0].ref
                    for workload in state.behind(service)]
            yield Found(f"service/{said}", f"{', '.join(map(str, callers))} cannot resolve Service {said}, which is "
                        "there", "stops", "said", tuple(apps) or (said,), text,
                        f"look at what the resolver's configuration says of {said}")
            return
        yield Found(str(caller), f"{caller} cannot resolve names of Services that are there: {said}", "stops", "said",
                    (caller.name,), text, f"look at the resolver of {caller}'s pods")


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
