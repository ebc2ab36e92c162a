"""EKS: Auto Mode, the cluster's security group and its node groups. Format: "Amazon EKS API Reference"."""

from __future__ import annotations

from typing import Any

from cli.init.facts import ControlPlane
from cli.init.readers import Asked, Known, Reader, pages


def read(asked: Asked, known: Known) -> ControlPlane:
    """Return what EKS says of the cluster; raises ClientError where it does not know it."""
    eks = known.session.client("eks")
    cluster: dict[str, Any] = eks.describe_cluster(name=asked.cluster)["cluster"]
    groups: list[str] = known.tried("node groups", lambda: pages(
        eks, "list_nodegroups", "nodegroups", clusterName=asked.cluster), [])
    network = cluster.get("resourcesVpcConfig") or {}
    return ControlPlane(
        auto_mode=bool((cluster.get("computeConfig") or {}).get("enabled")), node_groups=tuple(sorted(groups)),
        security_groups=(network["clusterSecurityGroupId"],) if network.get("clusterSecurityGroupId") else ())


READER = Reader(
    name="control_plane", title="the EKS cluster itself", part=ControlPlane, read=read,
    rights=("eks:DescribeCluster", "eks:ListNodegroups"))
