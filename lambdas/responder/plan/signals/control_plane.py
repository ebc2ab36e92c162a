"""Whether the cluster's control plane is well."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.cluster import ClusterHealth
from responder.plan.signals import Context, Signal, signal

_WELL = ("ACTIVE", "UPDATING")


@signal("State: two say that the control plane is gone.")
def control_plane_gone(issues: str) -> str:
    return f"the Kubernetes API does not answer, and EKS reports {issues}"


@signal("State: EKS itself says so.")
def cluster_has_issues(issues: str) -> str:
    return f"EKS reports {issues}"


def read(context: Context) -> Iterator[Signal]:
    """Yield what EKS reports, and whether the Kubernetes API is silent as well."""
    silent = any(finding.source == "kubernetes" and finding.status in ("unavailable", "timeout")
                 for finding in context.evidence.newest)
    for finding in context.evidence.of(ClusterHealth):
        health = finding.detail
        if finding.value or health.status not in _WELL:
            kind = control_plane_gone if silent else cluster_has_issues
            yield kind.emit(finding, ", ".join(sorted({issue.code for issue in health.issues})) or health.status)
