"""What EKS says of the control plane."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.evidence.nodegroups import HealthIssue
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ClusterHealth(Detail):
    """What EKS says of the control plane. ``value`` is the number of issues."""

    status: str = ""
    """``ACTIVE``, ``UPDATING``, …"""
    issues: tuple[HealthIssue, ...] = ()


KIND = ClusterHealth
