"""The cluster as EKS and EC2 see it: the API that is gone cannot say so itself.

Formats: AWS's pages "DescribeCluster" (``health.issues``), "DescribeNodegroup" and "DescribeInstanceStatus".
"""

from __future__ import annotations

import time
from typing import Any

from responder.clients import aws
from responder.model.finding import Finding
from responder.model.masking import mask
from responder.model.service import Service
from responder.sources import Query, Source, Statement, collect_independently


def collect(query: Query) -> list[Finding]:
    """Return ``cluster`` and, where configured, ``nodegroups`` and ``instances``; raises CallFailed.

    ``cluster``: value is the number of issues; detail has ``status`` and ``issues`` [{code, message}]. ``nodegroups``:
    detail ``groups`` {name: {status, issues}}. ``instances``: value is how many of the node groups' instances are
    impaired or not running; detail ``impaired`` [ids].
    """
    name = query.service.cluster.name
    left = max(2, int(query.deadline - time.monotonic()))
    eks = aws.client("eks", left)
    with aws.failures("EKS"):
        cluster = eks.describe_cluster(name=name)["cluster"]
    issues = _issues(cluster.get("health"))
    link = f"https://console.aws.amazon.com/eks/home#/clusters/{name}"
    findings = [Finding(
        SOURCE.name, "cluster", window=query.window, unit="issues", value=float(len(issues)), link=link,
        query=f"aws eks describe-cluster --name {name}",
        detail={"status": str(cluster.get("status", "")), "issues": issues})]
    if query.service.aws.nodegroups:
        findings += collect_independently(SOURCE.name, query, {
            "nodegroups": lambda: [_nodegroups(query, name, left, link)],
            "instances": lambda: [_instances(query, left)]})
    return findings


def _nodegroups(query: Query, name: str, left: int, link: str) -> Finding:
    eks = aws.client("eks", left)
    groups: dict[str, Any] = {}
    with aws.failures("EKS"):
        for group in eks.list_nodegroups(clusterName=name, maxResults=20)["nodegroups"]:
            described = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
            groups[group] = {"status": str(described.get("status", "")), "issues": _issues(described.get("health"))}
    return Finding(SOURCE.name, "nodegroups", "ok" if groups else "empty", window=query.window, unit="issues",
                   value=float(sum(len(group["issues"]) for group in groups.values())), link=link,
                   query=f"aws eks describe-nodegroup --cluster-name {name} --nodegroup-name …",
                   note="" if groups else "the cluster has no managed node group", detail={"groups": groups})


def _instances(query: Query, left: int) -> Finding:
    ec2 = aws.client("ec2", left)
    impaired, seen = [], 0
    with aws.failures("EC2"):
        for page in ec2.get_paginator("describe_instance_status").paginate(
                IncludeAllInstances=True, PaginationConfig={"MaxItems": 2000, "PageSize": 500}):
            for item in page.get("InstanceStatuses", []):
                seen += 1
                states = {item.get("InstanceStatus", {}).get("Status"), item.get("SystemStatus", {}).get("Status")}
                if "impaired" in states or item.get("InstanceState", {}).get("Name") != "running":
                    impaired.append(item["InstanceId"])
    return Finding(SOURCE.name, "instances", "ok" if seen else "empty", window=query.window, unit="instances",
                   value=float(len(impaired)), query="aws ec2 describe-instance-status --include-all-instances",
                   link="https://console.aws.amazon.com/ec2/home#Instances", detail={"impaired": impaired[:50],
                                                                                     "seen": seen})


def _issues(health: Any) -> list[dict[str, str]]:
    return [{"code": str(issue.get("code", ""))[:60], "message": mask(str(issue.get("message", "")))[:200]}
            for issue in ((health or {}).get("issues") or [])[:20]]


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
