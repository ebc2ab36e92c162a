"""A path below Kubernetes is broken: a security group, a route, a resolver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.events.event import Event, Fields
from sandbox.platform.state import Broken
from sandbox.vendors.groups import RULES

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

_Place = Literal["frontend", "backend", "payment-gateway", "database", "provider"]
_PATHS = (("backend", "payment-gateway"), ("frontend", "backend"), ("payment-gateway", "database"),
          ("payment-gateway", "provider"))


class Network(Fields):
    """The path, and what becomes of what is sent on it."""

    source: _Place = Field(alias="from")
    target: _Place = Field(alias="to")
    fault: Literal["blocked", "lossy", "dns"]

    @model_validator(mode="after")
    def _path(self) -> Network:
        if (self.source, self.target) not in _PATHS:
            raise ValueError("a path that requests take: " + ", ".join(f"{a} to {b}" for a, b in _PATHS))
        return self


def apply(sandbox: Sandbox, fields: Network) -> Broken:
    """Break the path; a blocked path is a security group's rule that somebody revokes."""
    broken = Broken(fields.source, fields.target, fields.fault)
    with sandbox.lock:
        if broken.fault == "blocked" and not sandbox.world.blocked(broken.target):
            _record(sandbox, "Revoke", broken)
        sandbox.world.broken = [*sandbox.world.broken, broken]
    return broken


def heal(sandbox: Sandbox, trace: Broken) -> None:
    """Mend the path, unless its rule was authorized before, or another event broke it as well."""
    with sandbox.lock:
        left = list(sandbox.world.broken)
        if trace not in left:
            return
        left.remove(trace)
        sandbox.world.broken = left
        if trace.fault == "blocked" and not sandbox.world.blocked(trace.target):
            _record(sandbox, "Authorize", trace)


def _record(sandbox: Sandbox, what: str, broken: Broken) -> None:
    rule = RULES[broken.target]
    sandbox.world.record(f"{what}SecurityGroup{rule.direction}", "ec2", "network-admin",
                         (("AWS::EC2::SecurityGroup", rule.group),), **rule.parameters())


EVENT = Event("network", Network, apply, heal)
