"""Pods get no network: the plugin of a node is not ready, fails, or has no address left.

Kubernetes' page "Network Plugins". The kubelet says so in the node's condition Ready, and of each pod in Events
``FailedCreatePodSandBox`` and ``NetworkNotReady``; no free address is AWS' ``failed to assign an IP address to
container`` and host-local's ``no IP addresses available in range set``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import NETWORK_DOWN, apps_on
from responder.state.recent import is_recent

_PLUGIN = re.compile(r"plugin type=\"?[\w.-]+\"?.*failed|failed to (?:set ?up|setup) (?:network|sandbox)|"
                     r"[Nn]etworkPlugin cni failed|failed to assign an IP address|no IP addresses available|"
                     r"network for pod|error getting ClusterInformation", re.DOTALL)
_NO_ADDRESS = re.compile(r"failed to assign an IP address|no IP addresses available|InsufficientFreeAddresses|"
                         r"IP pool exhausted|no (?:more )?available IP", re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield nodes without a network for pods, by their condition; else by the pods that wait for one there."""
    said = {node.name: (one.message, one.since) for node in state.nodes for one in node.conditions
            if (one.kind == "Ready" and one.status != "True" and NETWORK_DOWN.search(one.message))
            or (one.kind == "NetworkUnavailable" and one.status == "True")}
    waiting: dict[str, set[str]] = defaultdict(set)
    for pod in state.pods:
        if pod.over or pod.address or pod.ready or not pod.node or pod.spec.host_network:
            continue
        for event in state.about(pod.ref):
            if is_recent(state, event.last) and ((_PLUGIN.search(event.message) and event.reason in (
                    "FailedCreatePodSandBox", "FailedSync")) or event.reason == "NetworkNotReady"):
                waiting[pod.node].add(state.app(pod))
                said.setdefault(pod.node, (event.message, event.last))
    for name, (text, since) in sorted(said.items()):
        full = bool(_NO_ADDRESS.search(text))
        what = "has no IP address left for pods" if full else "has no network for pods"
        mend = "free addresses of its subnet, or add a node in another" if full else "restart its network plugin's pod"
        yield Found(f"node/{name}", f"node {name} {what}", "stops", "said",
                    tuple(sorted(waiting[name])) or apps_on(state, name), text, mend, since)


CHECK = Check(id="cni_unavailable", family="infrastructure", sign="node", find=find,
              follows=("containerd_unavailable", "kubelet_unavailable", "node_problem"))
