"""The cluster's resolver does not answer: no pod of it is ready, it has none, or its Service leads to none.

Kubernetes' page "Debugging DNS Resolution". Names of Services and of the world outside fail for all pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import named_like, works
from responder.state.recent import every_status
from responder.state.sayings import sayings

_NAMES = ("coredns", "kube-dns")
_SAID = re.compile(r"plugin/errors: .*(?:i/o timeout|refused|unreachable)|plugin/loop: Loop|Corefile:\d+ - Error|"
                   r"plugin/forward: no healthy upstream|Failed to list .*forbidden|"
                   r"plugin/kubernetes: .*(?:timeout|Failed)", re.IGNORECASE)
"""CoreDNS' own log."""


def find(state: State) -> Iterator[Found]:
    """Yield the resolver, where it has no pod that works; or a part of its pods that does not."""
    daemon = next((one for one in state.apps if one.ref.namespace == "kube-system" and one.ref.name in _NAMES), None)
    pods = named_like(state, *_NAMES)
    service = next((one for one in state.services if one.ref.namespace == "kube-system" and one.ref.name in (
        "kube-dns", "coredns", "cluster-dns")), None)
    down = [pod for pod in pods if not works(pod)]
    about = str(daemon.ref) if daemon else f"deployment/{state.app(pods[0])}" if pods else "deployment/coredns"
    lines = {one.owner.name: one.text for one in sayings(state, _SAID)}
    said = next((lines[name] for name in _NAMES if name in lines), "")
    waiting = next((text for pod in down for status in every_status(pod)
                    if (text := status.message or status.waiting)), "")
    unmade = daemon is not None and (daemon.wanted == 0 or (not pods and state.lists("Pod", "kube-system")))
    empty = service is not None and any(one.service == service.ref for one in state.endpoints) and not any(
        one.ready for one in state.endpoints if one.service == service.ref)
    if unmade or (pods and len(down) == len(pods)) or empty:
        how = "it has no pods" if unmade else "none of its pods is ready" if down else "its Service has no endpoints"
        yield Found(about, f"the cluster's resolver does not answer: {how}", "stops", "seen", (),
                    waiting or said or how, "give CoreDNS pods that work again")
    elif down:
        yield Found(about, f"{len(down)} of {len(pods)} pods of the cluster's resolver are not ready", "lessens",
                    "seen", (), waiting or said, "find out why they are not ready")
    elif said:
        yield Found(about, "the cluster's resolver says that it cannot resolve", "lessens", "said", (), said,
                    "look at its configuration and at the resolver that it asks")


CHECK = Check(id="coredns_unavailable", family="infrastructure", sign="resolver", find=find, follows=(
    "node_not_ready", "kubelet_unavailable", "containerd_unavailable", "cni_unavailable", "control_plane_unavailable",
    "kube_scheduler_unavailable"))
