"""Kinds of workloads, and how the targets of remedies name them."""

from __future__ import annotations

WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})
"""Kubernetes' own, and Argo Rollouts'."""
_BY_PREFIX = {kind.lower(): kind for kind in WORKLOAD_KINDS}


def kind_and_name(target: str) -> tuple[str, str]:
    """Return the kind and the name of the workload that is a remedy's target; both are empty where it is none."""
    prefix, _, name = target.partition("/")
    return (_BY_PREFIX[prefix], name) if prefix in _BY_PREFIX and name else ("", "")
