"""Whose a change is: an account and a Region are shared by many services.

A change is of the service where it names something that the service's configuration names, and of others where it names
things of the same kind and none of the service's. Where the configuration names nothing of that kind, or the change
names nothing, nobody can tell: that is unknown, and counts neither for a cause nor against one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from responder.model.frozen import dataclass
from responder.model.service import Service

Whose = Literal["service", "others", "unknown"]
NETWORK = ("SecurityGroup", "Route", "NetworkAcl", "VpcEndpoint", "Subnet", "NatGateway", "InternetGateway")
"""Words in the names of EC2's calls that change the network."""
_SHARED = ("Route", "NetworkAcl", "VpcEndpoint", "NatGateway", "InternetGateway")
"""Of these, what a service shares with others by being in one VPC."""
_SOURCES = ("rds", "ec2", "secretsmanager", "eks", "elasticloadbalancing", "autoscaling", "route53")
"""AWS services whose changes can break the service."""
_TAGS = frozenset({"tags", "tagset", "tagspecificationset", "tagspecifications", "description", "groupdescription"})
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
"""Secrets Manager ends the ARN of a secret with six random characters."""


@dataclass(frozen=True)
class Named:
    """The names of the service's resources in AWS, by the kind of API that uses them."""

    groups: tuple[str, ...]
    """Security groups."""
    rds: tuple[str, ...]
    eks: tuple[str, ...]
    secrets: tuple[str, ...]
    others: tuple[str, ...]
    """Resources of any kind: subnets, and what ``aws.resources`` names."""

    def of(self, source: str) -> tuple[str, ...]:
        """Return the names that an event of an AWS service may bear."""
        kinds = {"rds": self.rds, "eks": self.eks, "secretsmanager": self.secrets, "ec2": self.groups}
        return (*kinds.get(source, ()), *self.others)


def names_of(service: Service) -> Named:
    """Return the names of a service's resources."""
    database, network = service.database, service.network
    groups = dict.fromkeys((*service.aws.security_groups, *(network.security_groups if network else ())))
    others = dict.fromkeys((*service.aws.resources, *(network.subnets if network else ())))
    return Named(
        tuple(groups), database.identifiers if database else (), (service.cluster.name,),
        (database.secret,) if database and database.secret else (), tuple(others))


def whose(service: Service, item: dict[str, Any], record: dict[str, Any]) -> Whose:
    """Return whose an event of CloudTrail is; ``record`` is its ``CloudTrailEvent``, read."""
    source, name = str(item.get("EventSource", "")).partition(".")[0], str(item.get("EventName", ""))
    if source not in _SOURCES:
        return "others"
    named = names_of(service)
    said = set(_texts([item.get("Resources"), record.get("requestParameters"), record.get("responseElements"),
                       record.get("additionalEventData"), record.get("serviceEventDetails"), record.get("resources")]))
    if any(_is(name, text) for name in named.of(source) for text in said):
        return "service"
    if source == "ec2":
        if not any(word in name for word in NETWORK):
            return "others"
        return "unknown" if not named.groups or any(word in name for word in _SHARED) else "others"
    if source == "secretsmanager":
        return "unknown" if "Rotation" in name and not named.secrets else "others"
    return "others"


def _is(name: str, text: str) -> bool:
    """Whether a text is a name, or an ARN that ends with it."""
    if text == name:
        return True
    if not text.startswith("arn:"):
        return False
    return text.endswith((f":{name}", f"/{name}")) or _SUFFIX.sub("", text).endswith((f":{name}", f"/{name}"))


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts within a JSON value, but for tags and descriptions."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if str(key).lower() not in _TAGS:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
