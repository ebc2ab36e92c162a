"""A node's kube-proxy does not run: changes of Services and endpoints reach that node's pods no more.

Kubernetes' page "Virtual IPs and Service Proxies". What its last run wrote stays, so calls fail as pods come and go. It
runs as a DaemonSet's pod, or as a service of the machine; clusters whose network plugin replaces it have none at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on, is_stopped, named_like, said_of, services, silent, works
from responder.state.recent import every_status, now_of

_JOINS_SECONDS = 300.0
"""A node that has just joined gets the pods of its DaemonSets within that."""


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose kube-proxy is stopped, not ready or not there though others have one."""
    proxies = services(state, "kube-proxy")
    for name, proxy in sorted(proxies.items()):
        if is_stopped(proxy):
            yield Found(f"node/{name}", f"kube-proxy of node {name} does not run: {proxy.state}", "stops", "said",
                        apps_on(state, name), said_of(proxy), f"start kube-proxy of node {name}", proxy.since)
    told = {name for name, proxy in proxies.items() if proxy.active is not None}
    pods = {pod.node: pod for pod in named_like(state, "kube-proxy") if pod.node}
    daemon = next((one for one in state.workloads if (one.ref.kind, one.ref.name) == ("DaemonSet", "kube-proxy")), None)
    for node in sorted(state.nodes, key=lambda one: one.name):
        name, pod = node.name, pods.get(node.name)
        new = node.meta.created and now_of(state) - node.meta.created < _JOINS_SECONDS
        if name in told or silent(node) or not node.ready or new:
            continue
        if pod is not None and not works(pod):
            why = ", ".join(sorted({status.waiting for status in every_status(pod) if status.waiting})) or pod.phase
            yield Found(f"node/{name}", f"kube-proxy of node {name} is not ready: {why}", "stops", "seen",
                        apps_on(state, name), why, f"find out why pod {pod.ref.name} is not ready")
        elif pod is None and pods and state.lists("Pod", "kube-system"):
            yield Found(f"node/{name}", f"node {name} has no kube-proxy", "stops", "seen", apps_on(state, name),
                        daemon_says(daemon.wanted, daemon.ready) if daemon else "others have one",
                        "find out why its DaemonSet has no pod there")
    lacking = max(0, (daemon.wanted or 0) - daemon.ready) if daemon and not pods and not told else 0
    away = sum(not node.ready or bool(silent(node)) for node in state.nodes)
    if daemon is not None and lacking > away:
        yield Found(str(daemon.ref), f"kube-proxy is not ready on {lacking} of {daemon.wanted} nodes", "lessens",
                    "seen", (), daemon_says(daemon.wanted, daemon.ready), "find out why its pods are not ready there")


def daemon_says(wanted: int | None, ready: int) -> str:
    """Return how many pods a DaemonSet has."""
    return f"DaemonSet kube-proxy: {ready} ready of {wanted if wanted is not None else 'unknown'}"


CHECK = Check(id="kube_proxy_unavailable", family="infrastructure", sign="node", find=find,
              follows=("node_not_ready", "containerd_unavailable", "kubelet_unavailable"))
