"""A Service has no pod that takes requests: its own are there, and none is ready.

Kubernetes' page "Service": a pod that is not ready is no endpoint. Mostly the consequence of what stops the pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.pods import Pod
from responder.state.recent import every_status, now_of

REFUSED = (
    "missing_service_account", "namespace_cpu_quota_exceeded", "namespace_memory_quota_exceeded",
    "namespace_pod_quota_exceeded", "namespace_object_quota_exceeded", "namespace_storage_quota_exceeded",
    "limit_range_refuses", "webhook_refuses", "pod_security_refuses", "policy_refuses", "rbac_forbids",
    "missing_priority_class", "missing_runtime_class", "invalid_pod_template",
    "namespace_terminating")
"""Pods are not made."""
UNPLACED = (
    "cpu_capacity_mismatch", "memory_capacity_mismatch", "node_resource_mismatch", "node_affinity_mismatch",
    "node_cordon_mismatch", "node_selector_mismatch", "pod_affinity_unmet", "pod_anti_affinity_conflict",
    "taint_toleration_mismatch", "topology_spread_unmet", "too_many_pods", "host_port_conflict", "scheduler_silent",
    "kube_scheduler_unavailable", "pvc_access_mode_mismatch", "pvc_capacity_mismatch", "pvc_selector_mismatch",
    "pvc_storage_class_mismatch", "pvc_provisioning_failed", "pvc_unbound", "pv_binding_occupied", "claim_lost",
    "missing_claim", "missing_persistent_volume", "volume_in_use", "volume_limit_reached", "volume_node_conflict",
    "volume_attach_failed", "volume_mount_failed")
"""Pods wait for a node or a volume."""
UNSTARTED = (
    "incorrect_image_reference", "image_registry_dns_failure", "missing_image_pull_secret", "registry_unreachable",
    "missing_config", "bad_command", "init_container_fails", "init_container_held", "post_start_hook_failed",
    "volume_mount_permission_denied", "container_not_created", "non_root_refused", "rollout_paused",
    "port_conflict_in_pod", "kubelet_unavailable", "containerd_unavailable",
    "cni_unavailable", "node_not_ready", "node_problem")
"""Containers are not started, or end before they serve."""
UNSERVED = (
    "missing_environment", "missing_secret_binding", "database_credentials_wrong", "database_port_wrong",
    "database_read_only", "database_connections_exhausted", "service_env_var_address_mismatch", "missing_service",
    "service_dns_resolution_failure", "coredns_unavailable", "network_policy_blocks", "disk_full",
    "read_only_volume", "address_in_use", "gateway_misroute")
"""Containers do not get what they need to serve."""
ENDED = (
    "oom_killed", "liveness_probe_incorrect_port", "liveness_probe_incorrect_protocol",
    "liveness_probe_incorrect_timing", "liveness_probe_incorrect_path", "liveness_probe_incorrect_command",
    "startup_probe_incorrect_port", "startup_probe_incorrect_protocol", "startup_probe_incorrect_timing",
    "startup_probe_incorrect_path", "startup_probe_incorrect_command", "pod_evicted", "configured_object_gone")
"""Containers are ended from outside."""
UNREADY = (
    "readiness_probe_incorrect_port", "readiness_probe_incorrect_protocol", "readiness_probe_incorrect_path",
    "readiness_probe_incorrect_command", "container_crashes", "service_selector_mismatch", "deployment_zero_replicas",
    "image_ids_differ")
"""Pods are not ready, or are not found."""
_STARTS = frozenset(("", "ContainerCreating", "PodInitializing"))
_DEADLINE_SECONDS = 600.0
"""So long may a Deployment take to get on (``progressDeadlineSeconds``, where nobody says otherwise)."""


def find(state: State) -> Iterator[Found]:
    """Yield Services behind which nobody is ready."""
    for service in state.services:
        behind = [one for one in state.behind(service) if one.wanted != 0]
        own = [one for one in state.endpoints if one.service == service.ref]
        pods = [pod for one in behind for pod in state.pods_of(one)]
        publishes = any(one.ready for one in own)
        if not pods or publishes or any(pod.ready for pod in pods) or any(one.ready for one in behind):
            continue
        if not all(_starts(state, pod) for pod in pods):
            names = ", ".join(sorted(str(one.ref) for one in behind))
            waiting = sorted({status.waiting for pod in pods for status in pod.statuses if status.waiting})
            yield Found(
                str(service.ref), f"Service {service.ref.name} has no endpoints: no pod of {names} is ready", "stops",
                "said" if own else "seen", tuple(one.ref.name for one in behind), ", ".join(waiting),
                f"find out why the pods of {names} are not ready")


def _starts(state: State, pod: Pod) -> bool:
    """Whether a pod is new, and nothing has failed in it so far."""
    return bool(pod.meta.created) and now_of(state) - pod.meta.created < _DEADLINE_SECONDS and all(
        status.restarts == 0 and status.waiting in _STARTS and status.ended is None for status in every_status(pod))


CHECK = Check(id="no_endpoints", family="routing", find=find, follows=(
    *REFUSED, *UNPLACED, *UNSTARTED, *UNSERVED, *ENDED, *UNREADY))
