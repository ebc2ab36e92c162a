"""The cluster as EKS and EC2 see it: an API server that is gone cannot say so itself.

Formats: AWS's pages "DescribeCluster" (``health.issues``), "DescribeNodegroup", "DescribeInstances" and
"DescribeInstanceStatus" (at most 100 instances by id). The cluster's machines bear the tag
``kubernetes.io/cluster/NAME`` (EKS User Guide: "Maintain nodes yourself with self-managed nodes", and "Tag your Amazon
EKS resources" for managed node groups; Karpenter sets it as well); the account's other machines are other people's.
"""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any

from responder.clients import aws
from responder.model.evidence import Detail, Finding
from responder.model.evidence.cluster import ClusterHealth
from responder.model.evidence.instances import Instances
from responder.model.evidence.nodegroups import HealthIssue, Nodegroup, Nodegroups
from responder.model.masking import mask
from responder.model.service import Service
from responder.plan.times import SUSPICION_SECONDS
from responder.sources import (
    Budget,
    Query,
    Source,
    Statement,
    asked_as,
    collect_independently,
    of_account,
    shared_findings,
)

_GROUPS = 100
_INSTANCES = 2000
_STATUSES = 100
_NAMED = 50
_ENDED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


def collect(query: Query) -> list[Finding[Detail]]:
    """Return what ``_collect`` does; services in the same cluster share it. Raises CallFailed."""
    return shared_findings(query, _key(query), _collect)


def _key(query: Query) -> str:
    cluster, account = query.service.cluster, query.service.aws
    end = asked_as(query.service, [cluster.name, cluster.nodes_are_added, account.nodegroups], account.nodegroup_names)
    return f"eks/{end}"


def _collect(query: Query) -> list[Finding[Detail]]:
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
    eks, wanted = aws.client("eks", left), query.service.aws.nodegroup_names
    groups: dict[str, Nodegroup] = {}
    with aws.failures("EKS"):
        names = [group for page in eks.get_paginator("list_nodegroups").paginate(
            clusterName=name, PaginationConfig={"MaxItems": _GROUPS}) for group in page["nodegroups"]]
        for group in names:
            if not wanted or group in wanted:
                described = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
                groups[group] = Nodegroup(str(described.get("status", "")), _issues(described.get("health")))
    return Finding(
        source=SOURCE.name, status="ok" if groups else "empty", window=query.window, unit="issues",
        value=float(sum(len(group.issues) for group in groups.values())), link=link,
        query=f"aws eks describe-nodegroup --cluster-name {name} --nodegroup-name …",
        note="" if groups else "the cluster has no such managed node group" if wanted else (
            "the cluster has no managed node group"), detail=Nodegroups(groups=groups))


def _instances(query: Query, left: int) -> Finding[Instances]:
    """Count the cluster's machines that are impaired or were lost lately; the account's others are not looked at."""
    ec2, machines = aws.client("ec2", left), _Machines(query)
    tag = f"kubernetes.io/cluster/{query.service.cluster.name}"
    with aws.failures("EC2"):
        for page in ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "tag-key", "Values": [tag]}],
                PaginationConfig={"MaxItems": _INSTANCES, "PageSize": 500}):
            for reservation in page.get("Reservations", []):
                for item in reservation.get("Instances", []):
                    machines.add(item)
        for first in range(0, len(machines.running), _STATUSES):
            answer = ec2.describe_instance_status(InstanceIds=machines.running[first:first + _STATUSES])
            machines.impaired += [str(item["InstanceId"]) for item in answer.get("InstanceStatuses", [])
                                  if "impaired" in (item.get("InstanceStatus", {}).get("Status"),
                                                    item.get("SystemStatus", {}).get("Status"))]
    found = [*machines.lost, *machines.impaired]
    return Finding(
        source=SOURCE.name, status="ok" if machines.seen else "empty", window=query.window, unit="instances",
        value=float(len(found)), query=f"aws ec2 describe-instances --filters Name=tag-key,Values={tag}",
        link=f"https://console.aws.amazon.com/ec2/home#Instances:tag:{tag}", note=machines.note(tag),
        detail=Instances(impaired=tuple(found[:_NAMED]), seen=machines.seen))


class _Machines:
    """The cluster's machines, as they are added up."""

    def __init__(self, query: Query) -> None:
        self._since = query.window.start - SUSPICION_SECONDS
        self._groups = query.service.aws.nodegroup_names
        self._routine = query.service.cluster.nodes_are_added
        self.running: list[str] = []
        self.lost: list[str] = []
        self.impaired: list[str] = []
        self.seen = self._taken_away = 0

    def add(self, item: dict[str, Any]) -> None:
        """Add one of DescribeInstances."""
        tags = {str(tag.get("Key")): str(tag.get("Value")) for tag in item.get("Tags") or []}
        if self._groups and tags.get("eks:nodegroup-name") not in self._groups:
            return
        state = str((item.get("State") or {}).get("Name", ""))
        if state in ("running", "pending"):
            self.seen += 1
            self.running += [str(item["InstanceId"])] if state == "running" else []
            return
        ended = _ended(str(item.get("StateTransitionReason", "")))
        if ended is not None and ended < self._since:
            # EC2 shows a terminated instance for about an hour, and a stopped one for ever: that is history.
            return
        self.seen += 1
        if self._routine and state in ("terminated", "shutting-down"):
            self._taken_away += 1
        else:
            self.lost.append(str(item["InstanceId"]))

    def note(self, tag: str) -> str:
        """Say what was not counted, and why."""
        if not self.seen:
            return f"no instance of the node groups has the tag {tag}"
        return f"{self._taken_away} instances were terminated, which whoever adds nodes does as a routine" if (
            self._taken_away) else ""


def _ended(reason: str) -> float | None:
    """Return when an instance stopped, by its StateTransitionReason "User initiated (2026-10-08 13:48:34 GMT)"."""
    found = _ENDED.search(reason)
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp() if found else None


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
            Statement(("ec2:DescribeInstances", "ec2:DescribeInstanceStatus"), ("*",), why_all=(
                "EC2's Describe actions know no resources (Service Authorization Reference, Amazon EC2)"))]
    return tuple(statements)


SOURCE = Source(
    name="eks",
    phases=frozenset({"isolate", "diagnose"}),
    collect=collect,
    statements=_statements,
    past=False,
    budget=Budget(
        "EKS and EC2 Describe calls", 10.0, 1.0, "20 calls a second of DescribeInstances after a burst of 100, in an "
        "account and a Region (AWS: Request throttling for the Amazon EC2 API); of EKS no number is documented", 20.0,
        a_look=lambda query: 6, scope=of_account),
    shared=lambda query: (_key(query),),
)
