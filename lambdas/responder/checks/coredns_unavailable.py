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
from responder.state.workloads import Workload

_NAMES = ("coredns", "kube-dns")
_SAID = re.compile(r"plugin/errors: .*(?:i/o timeout|refused|unreachable)|plugin/loop: Loop|Corefile:\d+ - Error|"
                   r"plugin/forward: no healthy upstream|Failed to list .*forbidden|"
                   r"plugin/kubernetes: .*(?:timeout|Failed)", re.IGNORECASE)
"""CoreDNS' own log."""


def find(state: State) -> Iterator[Found]:
    """Yield the resolver, where it has no pod that works; or a part of its pods that does not."""
    its = next((one for one in state.apps if one.ref.namespace == "kube-system" and one.ref.name in _NAMES), None)
    pods = named_like(state, *_NAMES)
    down = [pod for pod in pods if not works(pod)]
    about = str(its.ref) if its else f"deployment/{state.app(pods[0])}" if pods else "deployment/coredns"
    said = next((one.text for one in sayings(state, _SAID) if one.owner.name in _NAMES), "")
    waiting = next((text for pod in down for status in every_status(pod)
                    if (text := status.message or status.waiting)), "")
    how = _nobody(state, its, len(pods), len(down))
    less = f"{len(down)} of {len(pods)} pods" if down else ""
    if its is not None and not pods and its.wanted is not None and its.ready < its.wanted:
        less = f"{its.wanted - its.ready} of {its.wanted} pods"
    if how:
        yield Found(about, f"the cluster's resolver does not answer: {how}", "stops", "seen", (),
                    waiting or said or how, "give CoreDNS pods that work again")
    elif less:
        yield Found(about, f"{less} of the cluster's resolver are not ready", "lessens", "seen", (), waiting or said,
                    "find out why they are not ready")
    elif said:
        yield Found(about, "the cluster's resolver says that it cannot resolve", "lessens", "said", (), said,
                    "look at its configuration and at the resolver that it asks")


def _nobody(state: State, its: Workload | None, pods: int, down: int) -> str:
    """Return why nobody answers; empty: somebody does, or it cannot be told."""
    own = [one for one in state.endpoints if one.service.namespace == "kube-system" and one.service.name in (
        "kube-dns", "coredns", "cluster-dns")]
    if its is not None and its.wanted == 0:
        return "it is scaled to nothing"
    if its is not None and not pods and (state.lists("Pod", "kube-system") or (its.there == 0 and its.wanted)):
        return "it has no pods"
    if (pods and down == pods) or (its is not None and not pods and its.wanted and its.ready == 0):
        return "none of its pods is ready"
    return "its Service has no endpoints" if own and not any(one.ready for one in own) else ""


CHECK = Check(id="coredns_unavailable", family="infrastructure", sign="resolver", find=find, follows=(
    "node_not_ready", "kubelet_unavailable", "containerd_unavailable", "cni_unavailable", "control_plane_unavailable",
    "kube_scheduler_unavailable"))
