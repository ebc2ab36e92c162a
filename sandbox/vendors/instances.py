"""EC2: the account's machines and their status; the nodes' are three of them.

Format: AWS's "Amazon EC2 API Reference": DescribeInstances, DescribeInstanceStatus (at most 100 explicit ids); "Status
checks for Amazon EC2 instances". Managed node groups tag their instances (EKS User Guide).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from sandbox.account.machines import Machine
from sandbox.account.machines import machines as others
from sandbox.places import ACCOUNT, CLUSTER, REGION
from sandbox.platform.objects import NODES
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Refused, ec2_answer, filters, iso, listed, page

INSTANCES = {name: f"i-0000000000000000{name[-1]}" for name in NODES}
"""Node to instance."""
_STATES = {"running": 16, "stopped": 80, "terminated": 48}
_MOST_ASKED = 100


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
    """DescribeInstances and DescribeInstanceStatus of the whole account."""

    def __init__(self, machines: Machines, world: Callable[[], World]) -> None:
        self._machines, self._world = machines, world

    @staticmethod
    def knows(operation: str) -> bool:
        """Whether an operation is one of these."""
        return operation in ("DescribeInstances", "DescribeInstanceStatus")

    def answer(self, operation: str, parameters: dict[str, str]) -> Answer:
        """Answer one request; raises Refused."""
        asked, machines = listed(parameters, "InstanceId"), self._all()
        _known(asked, {machine.id for machine in machines})
        size = parameters.get("MaxResults", "1000")
        if asked and "MaxResults" in parameters:
            raise Refused("InvalidParameterCombination",
                          "The parameter instancesSet cannot be used with the parameter maxResults")
        if not size.isdecimal() or not 5 <= int(size) <= 1000:
            raise Refused("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
        chosen = [machine for machine in machines if not asked or machine.id in asked]
        if operation == "DescribeInstances":
            rows = [_described(machine) for machine in chosen if _tagged(machine, parameters)]
            name, member = "reservationSet", [{"reservationId": f"r-{row['instanceId'][2:]}", "ownerId": ACCOUNT,
                                               "instancesSet": ("item", [row])} for row in rows]
        else:
            every = parameters.get("IncludeAllInstances") == "true"
            rows = [_status(machine) for machine in chosen if every or machine.state == "running"]
            for name, values in filters(parameters, "Filter", "Value").items():
                if name not in _FILTERS:
                    raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")
                rows = [row for row in rows if _FILTERS[name](row) in values]
            name, member = "instanceStatusSet", rows
        try:
            part, token = page(member, parameters.get("NextToken"), int(size))
        except ValueError as error:
            raise Refused("InvalidParameterValue", "Unable to parse pagination token") from error
        return ec2_answer(operation, {name: ("item", part), "nextToken": token})

    def _all(self) -> list[Machine]:
        """The nodes' machines, then the others'."""
        gone, silent = self._machines.missing(), self._machines.silent()
        reason = f"User initiated ({datetime.now(UTC):%Y-%m-%d %H:%M:%S} GMT)"
        tags = {f"kubernetes.io/cluster/{CLUSTER}": "owned", "eks:cluster-name": CLUSTER,
                "eks:nodegroup-name": "payments"}
        own = [Machine(INSTANCES[name], name[-1], "terminated" if name in gone else "running",
                       reason if name in gone else "", None if name in gone else silent.get(name), tags)
               for name in INSTANCES]
        return [*own, *others(self._world().account)]


def _known(asked: list[str], known: set[str]) -> None:
    if len(asked) > _MOST_ASKED:
        raise Refused("InvalidParameterValue", f"Value for parameter instanceIds is invalid: at most {_MOST_ASKED}")
    for identifier in asked:
        if not identifier.startswith("i-"):
            raise Refused("InvalidInstanceID.Malformed", f'Invalid id: "{identifier}"')
        if identifier not in known:
            raise Refused("InvalidInstanceID.NotFound", f"The instance ID '{identifier}' does not exist")


def _tagged(machine: Machine, parameters: dict[str, str]) -> bool:
    """Whether a machine passes the filters of DescribeInstances that this stand-in knows."""
    for name, values in filters(parameters, "Filter", "Value").items():
        if name == "tag-key":
            passes = bool(set(values) & set(machine.tags))
        elif name.startswith("tag:"):
            passes = machine.tags.get(name[4:]) in values
        elif name == "instance-state-name":
            passes = machine.state in values
        else:
            raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not passes:
            return False
    return True


def _described(machine: Machine) -> dict[str, Any]:
    return {"instanceId": machine.id, "imageId": "ami-0a1b2c3d4e5f60718",
            "instanceState": {"code": _STATES[machine.state], "name": machine.state}, "reason": machine.reason,
            "instanceType": "c6i.xlarge", "placement": {"availabilityZone": f"{REGION}{machine.zone}"},
            "tagSet": ("item", [{"key": key, "value": value} for key, value in machine.tags.items()])}


def _status(machine: Machine) -> dict[str, Any]:
    if machine.state != "running":
        summary: dict[str, Any] = {"status": "not-applicable"}
    elif machine.impaired_since is not None:
        summary = {"status": "impaired", "details": ("item", [
            {"name": "reachability", "status": "failed", "impairedSince": iso(machine.impaired_since)}])}
    else:
        summary = {"status": "ok", "details": ("item", [{"name": "reachability", "status": "passed"}])}
    return {"instanceId": machine.id, "availabilityZone": f"{REGION}{machine.zone}",
            "availabilityZoneId": f"use1-az{'abc'.index(machine.zone) + 1}",
            "instanceState": {"code": _STATES[machine.state], "name": machine.state},
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
