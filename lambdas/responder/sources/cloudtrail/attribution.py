"""Whose a change is: an account and a Region are shared by many services.

A change is of the service where it names something that the service's configuration names, and of others where it names
things of the same kind and none of the service's. Where the configuration names nothing of that kind, or the change
names nothing, nobody can tell: that is unknown, and counts neither for a cause nor against one.
"""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.sources.cloudtrail.happened import NETWORK, SOURCES, Happened

Whose = Literal["service", "others", "unknown"]
_SHARED = ("Route", "NetworkAcl", "VpcEndpoint", "NatGateway", "InternetGateway")
"""Of these, what a service shares with others by being in one VPC."""


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


def whose(service: Service, event: Happened) -> Whose:
    """Return whose an event of CloudTrail is."""
    if event.service not in SOURCES:
        return "others"
    named = names_of(service)
    if event.bears(named.of(event.service)):
        return "service"
    if event.service == "ec2":
        if not any(word in event.name for word in NETWORK):
            return "others"
        return "unknown" if not named.groups or any(word in event.name for word in _SHARED) else "others"
    if event.service == "secretsmanager":
        return "unknown" if "Rotation" in event.name and not named.secrets else "others"
    return "others"
