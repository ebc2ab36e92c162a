"""The scheduler does not run or does nothing: new pods wait, and nobody says why.

Kubernetes' page "kube-scheduler": a pod that it cannot place gets the condition PodScheduled and an Event
``FailedScheduling``. A pod that waits and has neither was never looked at. The object is the node whose kubelet runs
the scheduler as a static pod, where that is known, else the namespace kube-system, in which its pod and lease are.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import is_control_plane, is_stopped, named_like, said_of, services, works
from responder.state.pods import Pod
from responder.state.recent import every_status, now_of

_PATIENCE_SECONDS = 30.0
"""A pod is placed within seconds where the scheduler works (its own back-offs begin at 1 second and end at 10):
one that nobody has looked at for three times that is forgotten."""


def find(state: State) -> Iterator[Found]:
    """Yield the scheduler, where it does not run or pods wait that it never looked at."""
    waiting = [pod for pod in state.pods if _forgotten(state, pod)]
    apps = tuple(sorted({state.app(pod) for pod in waiting}))
    pods = named_like(state, "kube-scheduler")
    if not (pods or len(apps) > 1 or any(map(is_control_plane, state.nodes))):
        waiting = []  # One app alone may wait for something of its own, where nothing of the control plane is seen.
    down = [pod for pod in pods if not works(pod)]
    stopped = [one for one in services(state, "kube-scheduler").values() if is_stopped(one)]
    missing = not pods and state.lists("Pod", "kube-system") and any(map(is_control_plane, state.nodes)) and bool(
        named_like(state, "kube-apiserver", "etcd", "kube-controller-manager"))
    if not (waiting or stopped or missing or (pods and len(down) == len(pods))):
        return
    masters = sorted(node.name for node in state.nodes if is_control_plane(node))
    place = [pod.node for pod in down or pods if pod.node] or [one.node for one in stopped] or masters
    about = f"node/{min(place)}" if place else "namespace/kube-system"
    why = next((f"pod {pod.ref.name} is not ready" for pod in down), "") or next(
        (f"its service is {one.state}" for one in stopped), "") or ("it has no pod" if missing else "it does nothing")
    said = next((text for pod in down for status in every_status(pod)
                 if (text := status.message or status.waiting)), "") or next(map(said_of, stopped), "")
    names = ", ".join(sorted(pod.ref.name for pod in waiting)[:3])
    sentence = f"the scheduler does not work: {why}" + (f"; nobody has looked at {names}" if names else "")
    yield Found(about, sentence, "stops" if waiting else "lessens", "said" if said else "seen", apps,
                said or f"Pending without PodScheduled: {names}", "start kube-scheduler again",
                min((pod.meta.created for pod in waiting), default=0.0))


def _forgotten(state: State, pod: Pod) -> bool:
    """Whether a pod waits that no scheduler has looked at."""
    now = now_of(state)
    if pod.phase != "Pending" or pod.node or pod.meta.deleting or pod.condition("PodScheduled"):
        return False
    if pod.spec.scheduler != "default-scheduler" or any(True for _ in state.about(pod.ref)):
        return False
    return bool(now and pod.meta.created) and now - pod.meta.created > _PATIENCE_SECONDS


CHECK = Check(id="kube_scheduler_unavailable", family="infrastructure", sign="control_plane", find=find,
              follows=("control_plane_unavailable", "kubelet_unavailable", "containerd_unavailable"))
