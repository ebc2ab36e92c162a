"""A Service has no pod that takes requests: its own are there, and none is ready.

Kubernetes' page "Service": a pod that is not ready is no endpoint. Mostly the consequence of what stops the pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State

CAUSES = (
    "missing_service_account", "oom_killed", "container_crashes", "liveness_probe_incorrect_port",
    "liveness_probe_incorrect_protocol", "liveness_probe_incorrect_timing", "liveness_probe_incorrect_path",
    "readiness_probe_incorrect_port", "readiness_probe_incorrect_protocol", "readiness_probe_incorrect_path",
    "readiness_probe_incorrect_command", "startup_probe_incorrect_port", "startup_probe_incorrect_protocol",
    "startup_probe_incorrect_timing", "service_selector_mismatch", "kubelet_unavailable", "containerd_unavailable",
    "node_not_ready", "cni_unavailable", "kube_scheduler_unavailable", "database_credentials_wrong",
    "database_port_wrong", "missing_environment", "missing_secret_binding", "pod_evicted", "deployment_zero_replicas",
    "configured_object_gone")


def find(state: State) -> Iterator[Found]:
    """Yield Services behind which nobody is ready."""
    for service in state.services:
        behind = [one for one in state.behind(service) if one.wanted != 0]
        own = [one for one in state.endpoints if one.service == service.ref]
        pods = [pod for one in behind for pod in state.pods_of(one)]
        publishes = any(one.ready for one in own)
        if behind and pods and not publishes and not any(pod.ready for pod in pods):
            names = ", ".join(sorted(str(one.ref) for one in behind))
            waiting = sorted({status.waiting for pod in pods for status in pod.statuses if status.waiting})
            yield Found(
                str(service.ref), f"Service {service.ref.name} has no endpoints: no pod of {names} is ready", "stops",
                "said" if own else "seen", tuple(one.ref.name for one in behind), ", ".join(waiting),
                f"find out why the pods of {names} are not ready")


CHECK = Check(id="no_endpoints", family="routing", find=find, follows=CAUSES)
