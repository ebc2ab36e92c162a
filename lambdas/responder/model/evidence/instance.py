"""What RDS says of the database's instance."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class DatabaseInstance(Detail):
    """What RDS says of the database's instance."""

    status: str = ""
    """``available``, ``storage-full``, …"""
    multi_az: bool = False
    """Whether it has a standby of its own; false for a member of a cluster, whatever readers there are."""
    zone: str = ""
    allocated_gib: float | None = None
    instance_class: str = ""
    resource: str = ""
    """Its DbiResourceId."""
    pending: tuple[str, ...] = ()
    """Settings that wait for the maintenance window or a reboot."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Parameter group to its apply status."""
    engine: str = ""
    """As RDS names it: ``postgres``, ``aurora-mysql``, …"""
    cluster: str = ""
    """The DB cluster that it is a member of; empty: none."""


KIND = DatabaseInstance
