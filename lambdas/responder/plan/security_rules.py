"""Changes of security groups' rules, as CloudTrail recorded them, and the commands that undo them.

Sources: AWS's pages "RevokeSecurityGroupIngress" (EC2; CloudTrail's ``requestParameters`` have its parameters, with
lists below ``items``), and of the AWS CLI "authorize-security-group-ingress".
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from responder.model.codec import Foreign, Json, Malformed, decode
from responder.model.evidence import Evidence
from responder.model.evidence.trail import Trail, TrailEvent
from responder.model.frozen import dataclass
from responder.plan.times import may_have_caused

Call = Literal["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "AuthorizeSecurityGroupIngress",
               "AuthorizeSecurityGroupEgress"]
_BACK: dict[Call, str] = {
    "RevokeSecurityGroupIngress": "authorize-security-group-ingress",
    "RevokeSecurityGroupEgress": "authorize-security-group-egress",
    "AuthorizeSecurityGroupIngress": "revoke-security-group-ingress",
    "AuthorizeSecurityGroupEgress": "revoke-security-group-egress"}
TARGETS = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId",
           "UserIdGroupPairs": "GroupId"}
"""EC2's lists of whom a permission is for, to the name of the one value in each of their items."""
_TRAIL_LISTS = {"IpRanges": "ipRanges", "Ipv6Ranges": "ipv6Ranges", "PrefixListIds": "prefixListIds",
                "UserIdGroupPairs": "groups"}
"""The same lists, as CloudTrail names them."""


class Target(NamedTuple):
    """The peer that a permission names."""

    list: str
    """EC2's list that it stands in: a key of ``TARGETS``."""
    id: str
    """A range of addresses, a prefix list or a security group."""


@dataclass(frozen=True)
class Permission:
    """Which packets a rule lets through."""

    protocol: str = "-1"
    """``-1``: any."""
    first: int | None = None
    """The first port; None: any."""
    last: int | None = None
    targets: tuple[Target, ...] = ()

    def split(self) -> tuple[Permission, ...]:
        """Return one permission for each target."""
        return tuple(Permission(self.protocol, self.first, self.last, (target,)) for target in self.targets)

    @property
    def ports(self) -> str:
        """Protocol and ports in a few words: ``tcp 5432``, ``udp 53 to 60``, ``any protocol``."""
        protocol = "any protocol" if self.protocol == "-1" else self.protocol
        if self.first is None or self.first < 0 or self.last is None:
            return protocol
        return f"{protocol} {self.first}" + ("" if self.first == self.last else f" to {self.last}")

    def to_ec2(self) -> dict[str, Json]:
        """Return it as EC2's calls take it (``IpPermission``)."""
        ports = {"FromPort": self.first, "ToPort": self.last}
        lists = {name: [{TARGETS[name]: target.id} for target in self.targets if target.list == name]
                 for name in TARGETS}
        return {"IpProtocol": self.protocol, **{name: port for name, port in ports.items() if port is not None},
                **{name: items for name, items in lists.items() if items}}


@dataclass(frozen=True)
class RuleChange:
    """One change of a security group's rules."""

    name: Call
    group: str
    permissions: tuple[Permission, ...]
    at: float = 0.0
    """When it was made, seconds since 1970 (UTC); 0: not known."""
    by: str = ""
    """Who made it, as CloudTrail names them; empty: not known."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each of its rules in a few words: ``tcp 5432 from 10.0.0.0/8``."""
        word = "from" if self.direction == "ingress" else "to"
        return tuple(f"{permission.ports} {word} {target.id}"
                     for permission in self.permissions for target in permission.targets)

    @property
    def revoked(self) -> bool:
        """Whether rules were taken away."""
        return self.name.startswith("Revoke")

    @property
    def direction(self) -> Literal["ingress", "egress"]:
        """Which way the packets go, seen from the group."""
        return "egress" if self.name.endswith("Egress") else "ingress"


def rules_changed(onset: float | None, evidence: Evidence) -> list[RuleChange]:
    """Return the changes of security groups just before the onset, newest first.

    What CloudTrail does not tell (a rule named by its id alone) is left out, and so is a group of which nobody knows
    whether it is the service's.
    """
    events = [event for finding in evidence.of(Trail) for event in finding.detail.events if event.topic == "network"]
    changes = [_change(event) for event in sorted(events, key=lambda event: -event.at)
               if may_have_caused(onset, event.at)]
    return [change for change in changes if change]


def _change(event: TrailEvent) -> RuleChange | None:
    name: Call | None = next((call for call in _BACK if call == event.name), None)
    try:
        told = decode(_Told, event.parameters)
        rules = tuple(_permission(rule) for rule in _items(told.ip_permissions))
    except Malformed:
        return None
    return RuleChange(name, told.group_id, rules, event.at, event.by) if name and told.group_id and rules else None


@dataclass(frozen=True)
class _Told(Foreign):
    """A call's ``requestParameters``."""

    group_id: str = ""
    ip_permissions: Json = None


@dataclass(frozen=True)
class _Listed(Foreign):
    """CloudTrail's form of a list."""

    items: Json = None


@dataclass(frozen=True)
class _Rule(Foreign):
    """One rule, but for its lists of whom it is for: see ``_TRAIL_LISTS``."""

    ip_protocol: str = "-1"
    from_port: int | None = None
    to_port: int | None = None


def _permission(rule: Mapping[str, Json]) -> Permission:
    read = decode(_Rule, rule)
    return Permission(read.ip_protocol, read.from_port, read.to_port, _targets(rule))


def _targets(rule: Mapping[str, Json]) -> tuple[Target, ...]:
    found = ((name, item.get(value[0].lower() + value[1:])) for name, value in TARGETS.items()
             for item in _items(rule.get(_TRAIL_LISTS[name])))
    return tuple(Target(name, str(value)) for name, value in found if value is not None)


def _items(value: Json) -> list[Mapping[str, Json]]:
    """Return the objects of CloudTrail's form of a list, or of a list."""
    items = decode(_Listed, value).items if isinstance(value, Mapping) else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def undoing(changes: Iterable[RuleChange]) -> list[str]:
    """Return the AWS CLI's commands that undo changes of security groups, for people to run."""
    return [f"aws ec2 {_BACK[change.name]} --group-id {shlex.quote(change.group)} --ip-permissions "
            + shlex.quote(json.dumps([permission.to_ec2() for permission in change.permissions]))
            for change in changes]
