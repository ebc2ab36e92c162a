"""The control plane does not answer or a part of it does not run: the API server, etcd or the controllers.

Kubernetes' page "Kubernetes Components". Where the vendor runs it, its pods are not to be seen, and only what kubelets
and others say of it tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import is_stopped, named_like, said_of, services, works
from responder.state.recent import every_status

_PARTS = {"kube-apiserver": "no change is taken and nothing is read",
          "etcd": "the API server keeps nothing", "kube-controller-manager": "no pod is made anew"}


def find(state: State) -> Iterator[Found]:
    """Yield parts of the control plane that do not run."""
    for part, effect in _PARTS.items():
        pods = named_like(state, part)
        down = [pod for pod in pods if not works(pod)]
        everyone = len(down) == len(pods)
        for pod in sorted(down, key=lambda one: one.ref):
            said = next((text for status in every_status(pod) if (text := status.message or status.waiting)), pod.phase)
            about = f"node/{pod.node}" if pod.node else "namespace/kube-system"
            yield Found(about, f"{part} is not ready" + (f": {effect}" if everyone else ", others are"),
                        "stops" if everyone else "lessens", "seen", (), said, f"start {part} again")
        for name, one in sorted(services(state, part).items()):
            if is_stopped(one):
                yield Found(f"node/{name}", f"{part} of node {name} does not run: {effect}", "stops", "said", (),
                            said_of(one), f"start {part} again", one.since)


CHECK = Check(id="control_plane_unavailable", family="infrastructure", sign="control_plane", find=find,
              follows=("node_disk_pressure",))
