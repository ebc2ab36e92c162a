"""The database as RDS describes it: its instance, the DB cluster that it is a member of, and who takes the writes.

What the instance says counts: one that names a cluster (``DBClusterIdentifier``) is a member, whatever the
configuration says; the configured cluster is asked where the instance is gone, or none is configured. Formats: AWS's
pages "DescribeDBInstances", "DescribeDBClusters" (``DBClusterMembers``), "DBCluster" and "DB cluster status".
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.frozen import dataclass
from responder.model.service import Database

_FAMILIES = {"postgres": "postgres", "aurora-postgresql": "postgres", "mysql": "mysql", "aurora-mysql": "mysql",
             "aurora": "mysql", "mariadb": "mariadb"}
"""Engine, as RDS names it, to the family whose errors, waits and counters it has (``aurora``: MySQL 5.6)."""
_MISSING = frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault", "DBClusterNotFound"})


@dataclass(frozen=True)
class Instance:
    """What RDS says of an instance."""

    name: str
    engine: str
    status: str
    multi_az: bool
    """Whether it has a standby of its own; false for a member of a cluster."""
    zone: str
    gib: int
    """Storage that is allocated; of a member of an Aurora cluster 1, which means nothing."""
    resource: str
    """Its DbiResourceId."""
    cluster: str = ""
    """The DB cluster that it is a member of; empty: none."""
    instance_class: str = ""
    pending: tuple[str, ...] = ()
    """Settings that wait for the maintenance window or a reboot."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Parameter group to its apply status."""


@dataclass(frozen=True)
class Member:
    """One instance of a cluster, as the cluster names it."""

    name: str
    writer: bool
    tier: int
    """Its promotion tier: 0 is promoted first."""


@dataclass(frozen=True)
class DbCluster:
    """What RDS says of a DB cluster: one of Aurora, or a Multi-AZ DB cluster of RDS."""

    name: str
    engine: str
    status: str
    members: tuple[Member, ...]

    @property
    def writer(self) -> str:
        """The member that takes writes; empty: none is named."""
        return next((member.name for member in self.members if member.writer), "")


@dataclass(frozen=True)
class Place:
    """The database as it is now."""

    instance: Instance | None
    """The one that takes writes, or the configured one where that is not known; None: RDS knows neither."""
    cluster: DbCluster | None = None
    instances: tuple[Instance, ...] = ()
    """The cluster's members, as far as they could be described."""
    note: str = ""
    """What could not be read, or does not fit the configuration; empty: nothing."""

    @property
    def writer(self) -> str:
        """The name of the instance that takes writes, described or not; empty: none is known."""
        return (self.cluster.writer if self.cluster else "") or (self.instance.name if self.instance else "")

    @property
    def engine(self) -> str:
        """The engine as RDS names it; empty: not known."""
        return self.instance.engine if self.instance else self.cluster.engine if self.cluster else ""


def family(engine: str) -> str:
    """Return ``postgres``, ``mysql`` or ``mariadb`` for an engine as RDS names it; empty for any other."""
    return _FAMILIES.get(engine, "")


def unsupported(engine: str) -> str:
    """Say that an engine is not supported; empty for one that is, and where none is told.

    DescribeDBInstances also tells of instances of DocumentDB and Neptune, which share RDS's control plane.
    """
    return "" if family(engine) or not engine else (
        f"its engine is {engine}: only PostgreSQL, MySQL, MariaDB and Aurora are supported")


def place(rds: Any, database: Database) -> Place:
    """Return what RDS says of the configured database; raises CallFailed where it says nothing at all."""
    named = instance(rds, database.instance) if database.instance else None
    name = named.cluster if named else database.cluster
    if not name:
        return Place(named)
    notes = [f"{database.instance} is a member of DB cluster {name}, and the configuration names {database.cluster}"
             ] if database.cluster and name != database.cluster else []
    try:
        found = cluster(rds, name)
    except CallFailed as failed:
        if named is None:
            raise
        return Place(named, note=_joined(*notes, f"DB cluster {name}: {failed.note}"))
    if found is None:
        gone = f"instance {database.instance} and no " if database.instance and named is None else ""
        return Place(named, note=_joined(*notes, f"RDS knows no {gone}DB cluster {name}"))
    instances: tuple[Instance, ...] = (named,) if named else ()
    if database.cluster == found.name:
        try:
            instances = members(rds, found.name)
        except CallFailed as failed:
            notes.append(f"the members of DB cluster {name}: {failed.note}")
    elif found.writer != database.instance:
        notes.append(f"{found.writer} of DB cluster {name} takes writes: to read it, database.cluster must name {name}")
    writer = next((one for one in instances if one.name == found.writer), named)
    return Place(writer, found, instances, _joined(*notes))


def instance(rds: Any, name: str) -> Instance | None:
    """Return an instance, None where RDS knows none of that name; raises CallFailed."""
    found = _described(rds.describe_db_instances, "DBInstances", DBInstanceIdentifier=name)
    return _instance({"DBInstanceIdentifier": name, **found[0]}) if found else None


def cluster(rds: Any, name: str) -> DbCluster | None:
    """Return a cluster, None where RDS knows none of that name; raises CallFailed."""
    found = _described(rds.describe_db_clusters, "DBClusters", DBClusterIdentifier=name)
    if not found:
        return None
    item = found[0]
    return DbCluster(str(item.get("DBClusterIdentifier") or name), str(item.get("Engine", "")),
                     str(item.get("Status", "")), tuple(
        Member(str(member.get("DBInstanceIdentifier", "")), bool(member.get("IsClusterWriter")),
               int(member.get("PromotionTier") or 0)) for member in item.get("DBClusterMembers") or []))


def members(rds: Any, cluster: str) -> tuple[Instance, ...]:
    """Return the instances of a cluster, by name; raises CallFailed."""
    found = _described(rds.describe_db_instances, "DBInstances",
                       Filters=[{"Name": "db-cluster-id", "Values": [cluster]}])
    return tuple(sorted(map(_instance, found), key=lambda one: one.name))


def _described(call: Any, what: str, **arguments: Any) -> list[dict[str, Any]]:
    try:
        with aws.failures("RDS"):
            return list(call(**arguments).get(what) or [])
    except CallFailed as failed:
        if failed.code in _MISSING:
            return []
        raise


def _instance(item: dict[str, Any]) -> Instance:
    return Instance(
        str(item.get("DBInstanceIdentifier", "")), str(item.get("Engine", "")), str(item.get("DBInstanceStatus", "")),
        bool(item.get("MultiAZ")), str(item.get("AvailabilityZone") or ""), int(item.get("AllocatedStorage") or 0),
        str(item.get("DbiResourceId") or ""), str(item.get("DBClusterIdentifier") or ""),
        str(item.get("DBInstanceClass") or ""), tuple(sorted(item.get("PendingModifiedValues") or {})),
        {str(group["DBParameterGroupName"]): str(group.get("ParameterApplyStatus", ""))
         for group in item.get("DBParameterGroups") or []})


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
