"""EC2: the status of the nodes' machines.

Format: AWS's "Amazon EC2 API Reference": DescribeInstanceStatus; "Status checks for Amazon EC2 instances".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.platform.objects import NODES
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Refused, ec2_answer, filters, iso, listed, page

INSTANCES = {name: f"i-0000000000000000{name[-1]}" for name in NODES}
"""Node to instance."""


class Objects(Protocol):
    """The cluster, as far as it is asked here."""

    def items(self, path: str) -> list[dict[str, Any]]:
        """List the objects at an API path."""
        ...


class Machines:
    """Which of the nodes are there, and which of them are dead."""

    def __init__(self, world: Callable[[], World], cluster: Objects) -> None:
        self._world, self._cluster = world, cluster
        self._silent: dict[str, float] = {}

    def missing(self) -> list[str]:
        """Nodes without a Node object; none where the API server does not answer."""
        try:
            there = {item["metadata"]["name"] for item in self._cluster.items("/api/v1/nodes")}
        except Exception:
            # Trouble of the API server does not concern the machines.
            return []
        return [name for name in NODES if name not in there]

    def silent(self) -> dict[str, float]:
        """Nodes whose machine is dead, and when that was first seen."""
        silent = self._world().silent_nodes
        self._silent = {name: self._silent.get(name, time.time()) for name in NODES if name in silent}
        return self._silent


class Instances:
    """DescribeInstanceStatus."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    def answer(self, parameters: dict[str, str]) -> Answer:
        """Answer one request; raises Refused."""
        asked = listed(parameters, "InstanceId")
        for identifier in asked:
            if not identifier.startswith("i-"):
                raise Refused("InvalidInstanceID.Malformed", f'Invalid id: "{identifier}"')
            if identifier not in INSTANCES.values():
                raise Refused("InvalidInstanceID.NotFound", f"The instance ID '{identifier}' does not exist")
        size = parameters.get("MaxResults", "1000")
        if asked and "MaxResults" in parameters:
            raise Refused("InvalidParameterCombination",
                          "The parameter instancesSet cannot be used with the parameter maxResults")
        if not size.isdigit() or not 5 <= int(size) <= 1000:
            raise Refused("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
        every = parameters.get("IncludeAllInstances") == "true"
        gone, silent = self._machines.missing(), self._machines.silent()
        rows = [_status(name, name in gone, silent.get(name)) for name in INSTANCES
                if INSTANCES[name] in (asked or INSTANCES.values()) and (every or name not in gone)]
        for name, values in filters(parameters, "Filter", "Value").items():
            if name not in _FILTERS:
                raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")
            rows = [row for row in rows if _FILTERS[name](row) in values]
        try:
            part, token = page(rows, parameters.get("NextToken"), int(size))
        except ValueError as error:
            raise Refused("InvalidParameterValue", "Unable to parse pagination token") from error
        return ec2_answer("DescribeInstanceStatus", {"instanceStatusSet": ("item", part), "nextToken": token})


def _status(name: str, gone: bool, silent_since: float | None) -> dict[str, Any]:
    if gone:
        summary: dict[str, Any] = {"status": "not-applicable"}
    elif silent_since is not None:
        summary = {"status": "impaired", "details": ("item", [
            {"name": "reachability", "status": "failed", "impairedSince": iso(silent_since)}])}
    else:
        summary = {"status": "ok", "details": ("item", [{"name": "reachability", "status": "passed"}])}
    return {"instanceId": INSTANCES[name], "availabilityZone": f"us-east-1{name[-1]}",
            "availabilityZoneId": f"use1-az{'abc'.index(name[-1]) + 1}",
            "instanceState": {"code": 48, "name": "terminated"} if gone else {"code": 16, "name": "running"},
            "systemStatus": summary, "instanceStatus": summary}


def _reachability(summary: dict[str, Any]) -> str:
    return str(summary["details"][1][0]["status"]) if "details" in summary else ""


_FILTERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "availability-zone": lambda row: str(row["availabilityZone"]),
    "instance-state-name": lambda row: str(row["instanceState"]["name"]),
    "instance-state-code": lambda row: str(row["instanceState"]["code"]),
    "instance-status.status": lambda row: str(row["instanceStatus"]["status"]),
    "instance-status.reachability": lambda row: _reachability(row["instanceStatus"]),
    "system-status.status": lambda row: str(row["systemStatus"]["status"]),
    "system-status.reachability": lambda row: _reachability(row["systemStatus"])}
