"""A node's container runtime does not run or does not answer: no container is started or ended there.

Kubernetes' page "Container Runtimes"; the kubelet says so in its condition Ready, in Events and in its log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import NETWORK_DOWN, RUNTIME_DOWN, apps_on, is_stopped, said_of, services
from responder.state.recent import is_recent

_NAMES = ("containerd", "crio", "cri-o", "docker", "dockerd", "cri-docker", "cri-dockerd")
_CONDITIONS = {"ContainerRuntimeReady": "False", "ContainerRuntimeUnhealthy": "True",
               "ContainerRuntimeProblem": "True", "FrequentContainerdRestart": "True"}
"""Of EKS' node monitoring agent and of node-problem-detector."""


def find(state: State) -> Iterator[Found]:
    """Yield nodes whose runtime is stopped, or of which the kubelet says that it does not answer."""
    runtimes, kubelets = services(state, *_NAMES), services(state, "kubelet")
    said = {node.name: one.message for node in state.nodes for one in node.conditions
            if (one.kind == "Ready" and one.status != "True" and RUNTIME_DOWN.search(one.message)
                and not NETWORK_DOWN.search(one.message)) or _CONDITIONS.get(one.kind) == one.status}
    said |= {event.about.name: event.message for event in state.events if event.about.kind == "Node"
             and event.reason in ("ContainerGCFailed", "ContainerRuntimeNotReady") and is_recent(state, event.last)
             and RUNTIME_DOWN.search(event.message) and event.about.name not in said}
    on = {pod.ref: pod.node for pod in state.pods if not pod.over}
    refused = Counter(on.get(event.about, "") for event in state.events if event.about.kind == "Pod"
                      and event.reason in ("FailedCreatePodSandBox", "FailedKillPod", "FailedSync", "Failed")
                      and is_recent(state, event.last) and _by_socket(event.message))
    for name, count in refused.items():
        if name and count:
            said.setdefault(name, "connection to the container runtime's socket fails")
    for name, kubelet in kubelets.items():
        last = [line for line in kubelet.lines[-3:] if RUNTIME_DOWN.search(line) and _fails(line)]
        if last and not is_stopped(kubelet):
            said.setdefault(name, last[-1])
    for name in sorted({*said, *(node for node, one in runtimes.items() if is_stopped(one))}):
        runtime = runtimes.get(name)
        stopped = runtime is not None and is_stopped(runtime)
        if runtime is not None and runtime.active and name not in {node.name for node in state.nodes if not node.ready}:
            continue
        what = f"does not run: {runtime.state}" if stopped and runtime else "does not answer"
        yield Found(f"node/{name}", f"the container runtime of node {name} {what}", "stops", "said",
                    apps_on(state, name), said_of(runtime) if stopped and runtime else said[name],
                    f"start the container runtime of node {name}", runtime.since if runtime else 0.0)


def _by_socket(message: str) -> bool:
    return ".sock" in message and _fails(message)


def _fails(message: str) -> bool:
    return any(word in message for word in ("connection refused", "no such file", "Unavailable", "down", "not healthy",
                                            "not ready", "context deadline", "DeadlineExceeded"))


CHECK = Check(id="containerd_unavailable", family="infrastructure", sign="node", find=find,
              follows=("node_disk_pressure",))
