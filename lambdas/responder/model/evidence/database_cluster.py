"""What RDS says of the DB cluster that the database is: of Aurora, or a Multi-AZ DB cluster."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ClusterMember:
    """One instance of the cluster."""

    name: str
    writer: bool = False
    status: str = ""
    """As of any instance: ``available``, ``rebooting``, …; empty: not known."""
    lag_seconds: float | None = None
    """How far a reader is behind the writer; None: not known, or the writer itself."""


@dataclass(frozen=True)
class DatabaseCluster(Detail):
    """What RDS says of the DB cluster that the database is."""

    cluster: str = ""
    """Its identifier."""
    status: str = ""
    """``available``, ``failing-over``, …"""
    members: tuple[ClusterMember, ...] = ()


KIND = DatabaseCluster
