"""EKS: the health of the cluster and of its node group; all the rest is the engine's.

Formats: AWS's "Amazon EKS API Reference": DescribeCluster, ClusterIssue, ListNodegroups, DescribeNodegroup, Issue;
"Managed node group errors" in its user guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.places import ACCOUNT, CLUSTER, REGION
from sandbox.platform.objects import NODES
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer
from sandbox.vendors.instances import INSTANCES, Machines
from sandbox.vendors.wire import Refused

NODE_GROUP = "payments"
_CREATED = 1709629964.0


class Eks:
    """The REST endpoint; ``engine`` answers what is passed on."""

    def __init__(self, world: Callable[[], World], machines: Machines,
                 engine: Callable[[str, str, dict[str, str], bytes], Answer]) -> None:
        self._world, self._machines, self._engine = world, machines, engine

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request; raises Refused."""
        place = urlsplit(path).path.rstrip("/")
        groups = re.fullmatch(rf"/clusters/{CLUSTER}/node-groups(?:/([^/]+))?", place)
        if method == "GET" and groups:
            if groups[1] is None:
                return Answer(200, json.dumps({"nodegroups": [NODE_GROUP]}).encode())
            if unquote(groups[1]) != NODE_GROUP:
                raise Refused("ResourceNotFoundException", f"No node group found for name: {unquote(groups[1])}.", 404)
            return Answer(200, json.dumps({"nodegroup": self._group()}).encode())
        answer = self._engine(method, path, headers, body)
        if method == "GET" and answer.status == 200 and re.fullmatch(r"/clusters/[^/]+", place):
            value = json.loads(answer.body)
            value["cluster"]["health"] = {"issues": self._issues(value["cluster"]["name"])}
            answer.body = json.dumps(value).encode()
        return answer

    def _issues(self, cluster: str) -> list[dict[str, Any]]:
        if cluster != CLUSTER or not self._world().control_plane_down:
            return []
        return [{"code": "ClusterUnreachable", "message": "Amazon EKS is unable to communicate with your Kubernetes "
                 "cluster API server.", "resourceIds": [cluster]}]

    def _group(self) -> dict[str, Any]:
        missing = self._machines.missing()
        silent = [name for name in self._machines.silent() if name not in missing]
        issues = [{"code": "NodeCreationFailure", "message": message,
                   "resourceIds": [INSTANCES[name] for name in names]} for names, message in (
                      (missing, "Instances failed to join the kubernetes cluster"),
                      (silent, "Unhealthy nodes in the kubernetes cluster")) if names]
        return {
            "nodegroupName": NODE_GROUP, "clusterName": CLUSTER,
            "nodegroupArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/{CLUSTER}/{NODE_GROUP}/"
                            "a4c71d2e-5f3b-6a2d-9c1e-0b7d6f5e4a3c",
            "createdAt": _CREATED, "modifiedAt": _CREATED, "status": "DEGRADED" if issues else "ACTIVE",
            "capacityType": "ON_DEMAND", "instanceTypes": ["c6i.xlarge"],
            "scalingConfig": {"minSize": len(NODES), "maxSize": len(NODES), "desiredSize": len(NODES)},
            "subnets": [f"subnet-0a1b2c3d4e5f6071{name[-1]}" for name in NODES], "amiType": "AL2023_x86_64_STANDARD",
            "nodeRole": f"arn:aws:iam::{ACCOUNT}:role/payments-nodes", "labels": {},
            "resources": {"autoScalingGroups": [{"name": f"eks-{NODE_GROUP}-a4c71d2e-5f3b-6a2d-9c1e-0b7d6f5e4a3c"}]},
            "diskSize": 20, "health": {"issues": issues}, "updateConfig": {"maxUnavailable": 1}, "tags": {}}
