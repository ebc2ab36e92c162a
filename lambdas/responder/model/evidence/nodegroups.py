"""What EKS says of the managed node groups."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class HealthIssue:
    """An issue that EKS reports."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Nodegroup:
    """One node group."""

    status: str = ""
    issues: tuple[HealthIssue, ...] = ()


@dataclass(frozen=True)
class Nodegroups(Detail):
    """What EKS says of the managed node groups. ``value`` is the number of issues."""

    groups: dict[str, Nodegroup] = field(default_factory=dict)
    """By name."""


KIND = Nodegroups
