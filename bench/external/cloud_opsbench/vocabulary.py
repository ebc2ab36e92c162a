"""From what the responder's checks find to what Cloud-OpsBench calls it, and to the object that it asks for."""

from __future__ import annotations

import re

from bench.external.cloud_opsbench.state import Read
from responder.model.evidence.problems import Problem

_NODE = frozenset({"containerd_unavailable", "kube_proxy_unavailable", "kube_scheduler_unavailable",
                   "kubelet_unavailable", "node_network_delay", "node_network_packet_loss"})
"""Root causes that are a node's."""
_CALLED = {
    "scheduler_silent": "kube_scheduler_unavailable", "control_plane_unavailable": "kube_scheduler_unavailable",
    "node_not_ready": "kubelet_unavailable", "node_problem": "kubelet_unavailable",
    "node_resource_mismatch": "cpu_capacity_mismatch", "pod_affinity_unmet": "node_affinity_mismatch",
    "volume_node_conflict": "node_affinity_mismatch", "coredns_unavailable": "service_dns_resolution_failure",
    "external_name_unresolvable": "service_dns_resolution_failure",
    "missing_service": "service_env_var_address_mismatch",
    "missing_claim": "pvc_selector_mismatch", "pvc_provisioning_failed": "pvc_storage_class_mismatch",
    "pvc_unbound": "pvc_storage_class_mismatch", "missing_persistent_volume": "pv_binding_occupied",
    "claim_lost": "pv_binding_occupied", "volume_in_use": "pv_binding_occupied",
    "missing_config": "missing_secret_binding", "address_in_use": "sidecar_port_conflict",
    "port_conflict_in_pod": "sidecar_port_conflict", "host_port_conflict": "sidecar_port_conflict",
    "no_endpoints": "readiness_probe_incorrect_port", "service_not_reached": "service_port_mapping_mismatch",
    "container_crashes": "missing_secret_binding", "missing_environment": "missing_secret_binding",
    "configured_object_gone": "namespace_service_quota_exceeded",
    "read_only_volume": "volume_mount_permission_denied", "cpu_throttled": "pod_cpu_overload",
    "network_policy_blocks": "pod_network_delay", "database_credentials_wrong": "database_credentials_invalid",
    "namespace_object_quota_exceeded": "namespace_storage_quota_exceeded"}
"""Checks whose names are not the vocabulary's; for those that it has no word for, the nearest."""
GENERAL = frozenset({
    "no_endpoints", "service_not_reached", "container_crashes", "node_not_ready", "node_problem", "missing_environment",
    "pvc_unbound", "rollout_paused", "image_ids_differ", "pod_evicted", "control_plane_unavailable"})
"""Checks that find where something is wrong, and not what: the vocabulary has no word for them, so that a root cause
that is told for them is a guess."""
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def root_cause(problem: Problem) -> str:
    """Return what the benchmark calls it."""
    if problem.check == "database_port_wrong" and re.search(r"(?i)redis|cache", f"{problem.said} {problem.sentence}"):
        # Its databases are those that keep the data; a cache is one more Service that an address names.
        return "service_env_var_address_mismatch"
    return _CALLED.get(problem.check, problem.check)


def at_fault(problem: Problem, read: Read) -> str:
    """Return the object as the benchmark names it: ``app/NAME``, ``node/NAME`` or ``namespace/NAME``."""
    cause, (kind, _, name) = root_cause(problem), problem.object.partition("/")
    if cause.startswith("namespace_"):
        return f"namespace/{name if kind == 'namespace' else read.namespace}"
    if cause in _NODE or kind == "node":
        return f"node/{_node(kind, name, read)}"
    if kind == "namespace" and not problem.apps:
        return f"namespace/{name}"
    apps = {one.ref.name for one in read.state.apps}
    return f"app/{name if kind == 'deployment' or name in apps or not problem.apps else problem.apps[0]}"


def _node(kind: str, name: str, read: Read) -> str:
    """Return the node that something of the machines' is on; what runs once in a cluster is on its control plane."""
    if kind == "node":
        return name
    nodes = [node.name for node in read.state.nodes]
    pod = next((pod for pod in read.state.pods if pod.ref.name == name and pod.node), None)
    if pod is not None:
        return pod.node
    of_name = sorted((node for node in nodes if name.endswith(node)), key=len)
    planes = [node.name for node in read.state.nodes if any(label in node.meta.labels for label in _CONTROL_PLANE)]
    return next(iter([*of_name[-1:], *planes, *nodes]), name)


_MEANINGS = (
    (r"credential|password|access_denied|authentication|wrong_user|invalid_user", "database credentials"),
    (r"(mysql|mongo|postgres|redis|database|db).*port|port.*(mysql|mongo|database|db)", "database port"),
    (r"read_?only", "database read-only"),
    (r"connections?_?(\w*_)?(exhaust|limit|full|pool)|too_many_connections|max_connections", "database connections"),
    (r"secret.*(bind|missing|ref)|missing.*secret", "secret binding"),
    (r"sidecar|port_conflict|address_in_use", "port conflict"), (r"gateway|misroute", "gateway"),
    (r"dns", "dns"), (r"image_pull_secret", "pull secret"))
"""The second system's root causes are known by their meaning alone."""


def meaning(root_cause: str) -> str:
    """Return what a root cause means; those that have one name are that name."""
    text = root_cause.strip().lower().replace("-", "_").replace(" ", "_")
    if text in ("missing_image_pull_secret", "image_registry_dns_failure"):
        return text
    return next((found for pattern, found in _MEANINGS if re.search(pattern, text)), text)
