"""EC2's security groups on the paths of the platform's requests.

A path that is blocked lacks its rule: authorizing the rule opens the path, revoking it blocks the path.

Format: AWS's "Amazon EC2 API Reference": DescribeSecurityGroups, AuthorizeSecurityGroupIngress and its like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.account.groups import groups
from sandbox.places import ACCOUNT
from sandbox.platform.objects import KINDS
from sandbox.platform.state import Broken, World
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Refused, ec2_answer, listed

DATABASE_GROUP, _NODES_GROUP = "sg-0f1e2d3c4b5a69788", "sg-0c1d2e3f405162738"
_INGRESS, _EGRESS = "ipPermissions", "ipPermissionsEgress"


@dataclass(frozen=True)
class Rule:
    """One rule of one group; the path to ``target`` needs it."""

    target: str
    group: str
    direction: str
    """``Ingress`` or ``Egress``."""
    port: int
    cidr: str

    def parameters(self) -> dict[str, Any]:
        """The rule as CloudTrail writes it among ``requestParameters``."""
        return {"groupId": self.group, "ipPermissions": {"items": [{
            "ipProtocol": "tcp", "fromPort": self.port, "toPort": self.port, "groups": {},
            "ipRanges": {"items": [{"cidrIp": self.cidr}]}}]}}


RULES = {rule.target: rule for rule in (
    Rule("database", DATABASE_GROUP, "Ingress", 5432, "10.0.0.0/16"),
    Rule("provider", _NODES_GROUP, "Egress", 443, "0.0.0.0/0"),
    Rule("backend", "sg-0a9b8c7d6e5f40312", "Ingress", 8080, "10.0.0.0/16"),
    Rule("payment-gateway", "sg-0b0c1d2e3f4a59687", "Ingress", 8080, "10.0.0.0/16"))}
"""Target of a path to the rule that lets it through."""
_OPERATION = re.compile(r"(Authorize|Revoke)SecurityGroup(Ingress|Egress)")


class Groups:
    """The operations on security groups that this stand-in knows."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    @staticmethod
    def knows(operation: str) -> bool:
        """Whether an operation is one of these."""
        return operation == "DescribeSecurityGroups" or bool(_OPERATION.fullmatch(operation))

    def answer(self, operation: str, parameters: dict[str, str], caller: str) -> Answer:
        """Answer one request; raises Refused."""
        if operation == "DescribeSecurityGroups":
            return self._describe(listed(parameters, "GroupId"))
        found = _OPERATION.fullmatch(operation)
        if found is None:
            raise Refused("InvalidAction", f"The action {operation} is not valid for this web service.")
        what, direction = found.groups()
        group = parameters.get("GroupId", "")
        _known(group)
        cidrs = [value for key, value in sorted(parameters.items())
                 if re.fullmatch(r"IpPermissions\.1\.IpRanges\.\d+\.CidrIp", key)]
        if not cidrs or "IpPermissions.2.IpProtocol" in parameters:
            raise Refused("InvalidParameterValue", "this stand-in takes one permission with ranges of IPv4")
        port, protocol = parameters.get("IpPermissions.1.FromPort"), parameters.get("IpPermissions.1.IpProtocol")
        rules = [rule for cidr in cidrs for rule in RULES.values() if (
            rule.group, rule.direction, str(rule.port), rule.cidr, "tcp") == (group, direction, port, cidr, protocol)]
        if len(rules) != len(cidrs):
            raise Refused("InvalidParameterValue", "this stand-in knows its own rules alone")
        world = self._world()
        for rule in rules:
            blocked = [item for item in world.broken if (item.target, item.fault) == (rule.target, "blocked")]
            if what == "Authorize" and not blocked:
                raise Refused("InvalidPermission.Duplicate", f'the specified rule "peer: {rule.cidr}, TCP, from port: '
                              f'{rule.port}, to port: {rule.port}, ALLOW" already exists')
            if what == "Revoke" and blocked:
                raise Refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
            world.broken = [*(Broken(source, rule.target, "blocked") for source, kind in KINDS.items()
                              if what == "Revoke" and rule.target in kind.calls),
                            *(item for item in world.broken if item not in blocked)]
            world.record(operation, "ec2", caller, (("AWS::EC2::SecurityGroup", group),), **rule.parameters())
        return ec2_answer(operation, {"return": True})

    def _describe(self, wanted: list[str]) -> Answer:
        others = groups(self._world().account)
        for group in wanted:
            _known(group, others)
        closed = {item.target for item in self._world().broken if item.fault == "blocked"}
        rows: dict[str, dict[str, Any]] = {}
        for rule in RULES.values():
            if wanted and rule.group not in wanted:
                continue
            row = rows.setdefault(rule.group, {
                "ownerId": ACCOUNT, "groupId": rule.group, "groupName": f"to-{rule.target}", "vpcId": "vpc-0a1b2c3d",
                "groupDescription": f"the way to {rule.target}", _INGRESS: ("item", []), _EGRESS: ("item", [])})
            if rule.target not in closed:
                row[_INGRESS if rule.direction == "Ingress" else _EGRESS][1].append({
                    "ipProtocol": "tcp", "fromPort": rule.port, "toPort": rule.port, "groups": "",
                    "ipRanges": ("item", [{"cidrIp": rule.cidr}]), "ipv6Ranges": "", "prefixListIds": ""})
        rows |= {group: {
            "ownerId": ACCOUNT, "groupId": group, "groupName": name, "vpcId": "vpc-0a1b2c3d", "groupDescription": name,
            _INGRESS: ("item", []), _EGRESS: ("item", [])} for group, name in others.items() if group in (
                wanted or others)}
        return ec2_answer("DescribeSecurityGroups", {"securityGroupInfo": ("item", list(rows.values()))})


def _known(group: str, others: Iterable[str] = ()) -> None:
    if not re.fullmatch(r"sg-[0-9a-f]{8,17}", group):
        raise Refused("InvalidGroupId.Malformed", f'Invalid id: "{group}" (expecting "sg-...")')
    if group not in {*others, *(rule.group for rule in RULES.values())}:
        raise Refused("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
