"""The cluster as EKS and EC2 see it: an API server that is gone cannot say so itself.

Formats: AWS's pages "DescribeCluster" (``health.issues``), "DescribeNodegroup" and "DescribeInstanceStatus".
"""

from __future__ import annotations

import time
from typing import Any

from responder.clients import aws
from responder.model.evidence import Detail, Finding
from responder.model.evidence.cluster import ClusterHealth
from responder.model.evidence.instances import Instances
from responder.model.evidence.nodegroups import HealthIssue, Nodegroup, Nodegroups
from responder.model.masking import mask
from responder.model.service import Service
from responder.sources import Query, Source, Statement, collect_independently

_INSTANCES = 2000
_NAMED = 50


def collect(query: Query) -> list[Finding[Detail]]:
    """Return ``cluster`` and, where configured, ``nodegroups`` and ``instances``; raises CallFailed."""
    name = query.service.cluster.name
    left = max(2, int(query.deadline - time.monotonic()))
    eks = aws.client("eks", left)
    with aws.failures("EKS"):
        cluster = eks.describe_cluster(name=name)["cluster"]
    issues = _issues(cluster.get("health"))
    link = f"https://console.aws.amazon.com/eks/home#/clusters/{name}"
    found: Finding[Detail] = Finding(
        source=SOURCE.name, window=query.window, unit="issues", value=float(len(issues)), link=link,
        query=f"aws eks describe-cluster --name {name}",
        detail=ClusterHealth(status=str(cluster.get("status", "")), issues=issues))
    if not query.service.aws.nodegroups:
        return [found]
    return [found, *collect_independently(SOURCE.name, query, {
        Nodegroups: lambda: [_nodegroups(query, name, left, link)],
        Instances: lambda: [_instances(query, left)]})]


def _nodegroups(query: Query, name: str, left: int, link: str) -> Finding[Nodegroups]:
    eks = aws.client("eks", left)
    groups: dict[str, Nodegroup] = {}
    with aws.failures("EKS"):
        for group in eks.list_nodegroups(clusterName=name, maxResults=20)["nodegroups"]:
            described = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
            groups[group] = Nodegroup(str(described.get("status", "")), _issues(described.get("health")))
    return Finding(
        source=SOURCE.name, status="ok" if groups else "empty", window=query.window, unit="issues",
        value=float(sum(len(group.issues) for group in groups.values())), link=link,
        query=f"aws eks describe-nodegroup --cluster-name {name} --nodegroup-name …",
        note="" if groups else "the cluster has no managed node group", detail=Nodegroups(groups=groups))


def _instances(query: Query, left: int) -> Finding[Instances]:
    """Count the instances that are impaired or do not run."""
    ec2 = aws.client("ec2", left)
    impaired, seen = [], 0
    with aws.failures("EC2"):
        for page in ec2.get_paginator("describe_instance_status").paginate(
                IncludeAllInstances=True, PaginationConfig={"MaxItems": _INSTANCES, "PageSize": 500}):
            for item in page.get("InstanceStatuses", []):
                seen += 1
                states = {item.get("InstanceStatus", {}).get("Status"), item.get("SystemStatus", {}).get("Status")}
                if "impaired" in states or item.get("InstanceState", {}).get("Name") != "running":
                    impaired.append(str(item["InstanceId"]))
    return Finding(
        source=SOURCE.name, status="ok" if seen else "empty", window=query.window, unit="instances",
        value=float(len(impaired)), query="aws ec2 describe-instance-status --include-all-instances",
        link="https://console.aws.amazon.com/ec2/home#Instances",
        detail=Instances(impaired=tuple(impaired[:_NAMED]), seen=seen))


def _issues(health: Any) -> tuple[HealthIssue, ...]:
    return tuple(HealthIssue(str(issue.get("code", ""))[:60], mask(str(issue.get("message", "")))[:200])
                 for issue in ((health or {}).get("issues") or [])[:20])


def _statements(service: Service) -> tuple[Statement, ...]:
    cluster = f"arn:{{partition}}:eks:{{region}}:{{account}}:cluster/{service.cluster.name}"
    statements = [Statement(("eks:DescribeCluster", "eks:ListNodegroups"), (cluster,))]
    if service.aws.nodegroups:
        statements += [
            Statement(("eks:DescribeNodegroup",),
                      (f"arn:{{partition}}:eks:{{region}}:{{account}}:nodegroup/{service.cluster.name}/*/*",),
                      why_all="a node group's ARN ends with an id that is not known before; only this cluster's"),
            Statement(("ec2:DescribeInstanceStatus",), ("*",), why_all=(
                "ec2:DescribeInstanceStatus knows no resources (Service Authorization Reference, Amazon EC2)"))]
    return tuple(statements)


SOURCE = Source(
    name="eks",
    phases=frozenset({"isolate", "diagnose"}),
    collect=collect,
    statements=_statements,
)
