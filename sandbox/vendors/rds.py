"""RDS: the instances, their events, a reboot and a growth of their storage; clusters and groups are in other files.

Formats: AWS's "Amazon RDS API Reference": DescribeDBInstances, DescribeEvents, DescribePendingMaintenanceActions,
RebootDBInstance, ModifyDBInstance; "Working with storage for Amazon RDS DB instances" for what may follow a change of
storage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sandbox.account.databases import databases
from sandbox.account.databases import events as others_events
from sandbox.places import ACCOUNT, DATABASE, REGION
from sandbox.platform.database import CLUSTER, PORT, Database
from sandbox.platform.state import World
from sandbox.vendors.db_clusters import Clusters
from sandbox.vendors.db_groups import PARAMETER_GROUP, ParameterGroups
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.groups import DATABASE_GROUP
from sandbox.vendors.history import History
from sandbox.vendors.rds_wire import NAMESPACE, number, paged
from sandbox.vendors.wire import Refused, filters, form, iso, listed, moment, query_answer

ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{DATABASE}"
RESOURCE_ID = "db-K7QZ3M5XN2VJ4RWTB6YHCPD8AE"
_RESOURCE_IDS = (RESOURCE_ID, "db-2F5TQWN6CVBY7HMD4XKRJ3PZLA")
"""Of the instance, and of the second one where it is a cluster."""
_CREATED = "2024-03-05T09:12:44.118Z"
_STORAGE_PAUSE_SECONDS = 6 * 3600.0
_RETENTION_SECONDS = 14 * 86400.0
_FILTERS = {"db-instance-id": ("DBInstanceIdentifier", "DBInstanceArn"), "dbi-resource-id": ("DbiResourceId",),
            "engine": ("Engine",), "db-cluster-id": ("DBClusterIdentifier",), "domain": ()}
"""Filter of DescribeDBInstances to the fields that it looks at."""
_MAX_GIB = 65536
_SOURCE_TYPES = ("db-instance", "db-parameter-group", "db-security-group", "db-snapshot", "db-cluster",
                 "db-cluster-snapshot", "custom-engine-version", "db-proxy", "blue-green-deployment", "db-shard-group",
                 "zero-etl")


class Rds:
    """The Query endpoint."""

    def __init__(self, world: Callable[[], World], history: History, gates: Gates,
                 caller: Callable[[dict[str, str]], str]) -> None:
        self._world, self._history, self._gates, self._caller = world, history, gates, caller
        self._deferred: tuple[World, int] | None = None
        """Storage that waits for the maintenance window."""
        self._clusters = Clusters(world, history, gates, caller)
        self._groups = ParameterGroups(world, gates, caller)

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one action; raises Refused."""
        parameters = form(body)
        action = parameters.get("Action", "")
        actions: dict[str, Callable[[dict[str, str], dict[str, str]], dict[str, Any]]] = {
            "DescribeDBInstances": self._instances, "DescribeEvents": self._events,
            "DescribePendingMaintenanceActions": self._maintenance,
            "RebootDBInstance": self._reboot, "ModifyDBInstance": self._modify,
            **self._clusters.actions, **self._groups.actions}
        if action not in actions:
            raise Refused("InvalidAction", f"Could not find operation {action} for version 2014-10-31")
        return query_answer(action, NAMESPACE, actions[action](parameters, headers))

    # --- reading ---------------------------------------------------------------------------------------------------

    def _instances(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        others, members = databases(self._world().account), self._world().database.members
        wanted = parameters.get("DBInstanceIdentifier", "").lower()
        if wanted and wanted not in others:
            _known(parameters, members)
        rows = [*(self._instance(name) for name in members), *(_other(name) for name in others)]
        rows = [row for row in rows if not wanted or wanted in (row["DBInstanceIdentifier"], row["DBInstanceArn"])]
        for name, values in filters(parameters, "Filters.Filter", "Values.Value").items():
            if name not in _FILTERS:
                raise Refused("InvalidParameterValue", f"Unrecognized filter name: {name}")
            rows = [row for row in rows if {str(row.get(field) or "") for field in _FILTERS[name]} & set(values)]
        part, marker = paged([] if self._empty else rows, parameters)
        return {"DBInstances": ("DBInstance", part), "Marker": marker}

    def _instance(self, name: str = DATABASE) -> dict[str, Any]:
        now = self._gates.newest("rds", 0)
        stale = self._gates.fault("rds") == "stale"
        database = self._history.at(now) if stale else self._world().database
        engine, writes = database.speech, name == database.writer
        address = database.host if "." in database.host and name == DATABASE else (
            f"{name}.c9akciq32rgw.{REGION}.rds.amazonaws.com")
        return {
            "DBInstanceIdentifier": name, "DBInstanceClass": "db.m6g.large", "Engine": engine.name,
            "DBInstanceStatus": database.status(now) if writes else "available", "MasterUsername": engine.user,
            "DBName": "payments", "Endpoint": {"Address": address, "Port": PORT, "HostedZoneId": "Z2R2ITUGPM61AM"},
            "InstanceCreateTime": _CREATED, "DBSecurityGroups": ("", ()),
            "PreferredBackupWindow": "03:12-03:42", "BackupRetentionPeriod": 7,
            "VpcSecurityGroups": ("VpcSecurityGroupMembership", [
                {"VpcSecurityGroupId": DATABASE_GROUP, "Status": "active"}]),
            "DBParameterGroups": ("DBParameterGroup", [
                {"DBParameterGroupName": PARAMETER_GROUP,
                 "ParameterApplyStatus": "in-sync" if engine.aurora else database.apply_status()}]),
            "AvailabilityZone": database.zone if writes else database.elsewhere,
            "DBSubnetGroup": {
                "DBSubnetGroupName": "payments", "DBSubnetGroupDescription": "payments",
                "VpcId": "vpc-0a1b2c3d4e5f60718", "SubnetGroupStatus": "Complete", "Subnets": ("Subnet", [
                    {"SubnetIdentifier": f"subnet-0a1b2c3d4e5f6071{zone}",
                     "SubnetAvailabilityZone": {"Name": f"us-east-1{zone}"}, "SubnetStatus": "Active"}
                    for zone in "ab"])},
            "PreferredMaintenanceWindow": "sun:04:16-sun:04:46",
            "LatestRestorableTime": iso(now // 300 * 300), "EngineVersion": engine.version,
            "AutoMinorVersionUpgrade": False, "ReadReplicaDBInstanceIdentifiers": ("", ()),
            "LicenseModel": engine.licence,
            "OptionGroupMemberships": ("OptionGroupMembership", [
                {"OptionGroupName": f"default:{engine.family}", "Status": "in-sync"}]),
            "PubliclyAccessible": False,
            "DbInstancePort": 0, "StorageEncrypted": True, "DbiResourceId": resource_id(name),
            "KmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5a1c9b1e-6f0e-4d0c-9a3c-0d5f9a2f6f10",
            "CACertificateIdentifier": "rds-ca-rsa2048-g1", "DomainMemberships": ("", ()), "CopyTagsToSnapshot": True,
            "MonitoringInterval": 0, "DBInstanceArn": ARN.replace(DATABASE, name),
            "IAMDatabaseAuthenticationEnabled": False,
            "DatabaseInsightsMode": "standard", "PerformanceInsightsEnabled": True,
            "PerformanceInsightsRetentionPeriod": 7, "DeletionProtection": True, "AssociatedRoles": ("", ()),
            "TagList": ("", ()), "CustomerOwnedIpEnabled": False, "NetworkType": "IPV4", "BackupTarget": "region",
            "ActivityStreamStatus": "stopped", "DedicatedLogVolume": False, **self._storage(database)}

    def _storage(self, database: Database) -> dict[str, Any]:
        """What an instance with storage and a standby of its own has, or a member of an Aurora cluster."""
        if database.speech.aurora:
            # The storage is the cluster's, and so are its copies in other zones: MultiAZ is false, whatever there is.
            return {"DBClusterIdentifier": CLUSTER, "AllocatedStorage": 1, "StorageType": "aurora", "MultiAZ": False,
                    "PromotionTier": 1, "PendingModifiedValues": {}}
        pending = database.grows_to_gib if database.busy == "modifying" else self._waiting()
        return {"AllocatedStorage": database.allocated_gib, "StorageType": "gp3", "Iops": 3000,
                "StorageThroughput": 125, "MultiAZ": True, "SecondaryAvailabilityZone": database.elsewhere,
                "PendingModifiedValues": {"AllocatedStorage": pending} if pending else {}}

    def _events(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        kind, identifier = parameters.get("SourceType", ""), parameters.get("SourceIdentifier", "")
        if identifier and not kind:
            raise Refused("InvalidParameterCombination", "SourceType must be specified where "
                          "SourceIdentifier is")
        if kind and kind not in _SOURCE_TYPES:
            raise Refused("InvalidParameterValue", f"Invalid source type: {kind}")
        now = time.time()
        until = moment(parameters["EndTime"]) if "EndTime" in parameters else now
        since = (moment(parameters["StartTime"]) if "StartTime" in parameters
                 else until - 60 * number(parameters, "Duration", 60, 1, 20160))
        if since > until:
            raise Refused("InvalidParameterCombination", "The start time must be before the end time")
        if since < now - _RETENTION_SECONDS - 60:
            raise Refused("InvalidParameterValue", "Events are kept for 14 days only")
        until = min(until, self._gates.newest("rds", 0))
        wanted = set(listed(parameters, "EventCategories.EventCategory"))
        told = [(event.at, event.kind, event.identifier, event.message, event.categories)
                for event in self._history.world_at(until).database.events]
        told += [(at, "db-instance", name, message, (category,)) for at, name, message, category in others_events(
            self._world().account, since, until)]
        found = [] if self._empty else [
            {"SourceIdentifier": name, "SourceType": of, "Message": message,
             "EventCategories": ("EventCategory", categories), "Date": iso(at),
             "SourceArn": ARN.replace(f"db:{DATABASE}", f"{'cluster' if of == 'db-cluster' else 'db'}:{name}")}
            for at, of, name, message, categories in sorted(told, key=lambda item: item[0])
            if since <= at <= until and kind in ("", of) and identifier.lower() in ("", name)
            and (not wanted or wanted & set(categories))]
        part, marker = paged(found, parameters)
        return {"Events": ("Event", part), "Marker": marker}

    def _maintenance(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        paged([], parameters)
        return {"PendingMaintenanceActions": ("ResourcePendingMaintenanceActions", ())}

    # --- changing ----------------------------------------------------------------------------------------------

    def _reboot(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        world, now = self._world(), time.time()
        database = world.database
        name = _known(parameters, database.members)
        failover = parameters.get("ForceFailover") == "true"
        if failover and database.speech.aurora:
            raise Refused("InvalidParameterCombination",
                          "Cannot force failover on a DB instance that is not a Multi-AZ DB instance.")
        if database.status(now) not in ("available", "storage-full") or database.cluster_status(now) == "failing-over":
            raise Refused("InvalidDBInstanceState",
                          "Instance cannot currently reboot due to an in-progress management operation.")
        if name == database.writer:
            database.reboot(now, failover)
        world.record("RebootDBInstance", "rds", self._caller(headers), (("AWS::RDS::DBInstance", name),),
                     dBInstanceIdentifier=name, forceFailover=failover)
        return {"DBInstance": self._instance(name)}

    def _modify(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _known(parameters, self._world().database.members)
        others = set(parameters) - {"Action", "Version", "DBInstanceIdentifier", "AllocatedStorage", "ApplyImmediately"}
        if others & {"Iops", "StorageThroughput"}:
            raise Refused("InvalidParameterCombination", "You can't specify IOPS or storage throughput for engine "
                          "postgres and a storage size less than 400.")
        if others:
            raise Refused("InvalidParameterValue", f"This parameter can't be modified: {min(others)}")
        world, now = self._world(), time.time()
        database = world.database
        if database.speech.aurora and "AllocatedStorage" in parameters:
            raise Refused("InvalidParameterCombination", "The storage of an Aurora DB instance is managed by its DB "
                          "cluster: AllocatedStorage can't be modified.")
        if database.status(now) not in ("available", "storage-full"):
            raise Refused("InvalidDBInstanceState", "Database instance is not in available state.")
        if "AllocatedStorage" not in parameters:
            return {"DBInstance": self._instance()}
        gib, has = number(parameters, "AllocatedStorage", 0, 1, _MAX_GIB * 1024), database.allocated_gib
        if gib > _MAX_GIB:
            raise Refused("InvalidParameterCombination",
                          f"Invalid storage size for engine name postgres and storage type gp3: {gib}")
        if gib < has:
            raise Refused("InvalidParameterCombination", f"Requested storage size ({gib}) cannot be less than the "
                          f"current storage size ({has}).")
        if 10 * gib < 11 * has:
            # The reference says that such a value is rounded up; to refuse it is stricter.
            raise Refused("InvalidParameterCombination",
                          "The allocated storage must be increased by at least 10 percent.")
        if any(event.message == "Applying modification to allocated storage" and now - event.at < _STORAGE_PAUSE_SECONDS
               for event in database.events):
            raise Refused("InvalidParameterCombination", "You can't currently modify the storage of this DB instance "
                          "because the previous storage change is being optimized.")
        at_once = parameters.get("ApplyImmediately") == "true"
        if at_once:
            self._deferred = None
            database.modify_storage(now, gib)
        else:
            self._deferred = (world, gib)
        world.record("ModifyDBInstance", "rds", self._caller(headers), (("AWS::RDS::DBInstance", DATABASE),),
                     dBInstanceIdentifier=DATABASE, allocatedStorage=gib, applyImmediately=at_once)
        return {"DBInstance": self._instance()}

    def _waiting(self) -> int:
        return self._deferred[1] if self._deferred and self._deferred[0] is self._world() else 0

    @property
    def _empty(self) -> bool:
        return self._gates.fault("rds") == "empty"


def _other(name: str) -> dict[str, Any]:
    """An instance of another team, as far as anybody looks at it here."""
    return {"DBInstanceIdentifier": name, "DBInstanceClass": "db.t4g.medium", "Engine": "postgres",
            "DBInstanceStatus": "stopped" if name == "warehouse" else "available", "AllocatedStorage": 50,
            "MultiAZ": False, "AvailabilityZone": f"{REGION}c", "DBInstanceArn": ARN.replace(DATABASE, name),
            "DbiResourceId": f"db-{name.upper().replace('-', '')}"}


def resource_id(name: str) -> str:
    """The DbiResourceId of the database's instance, or of the second one."""
    return _RESOURCE_IDS[name != DATABASE]


def _known(parameters: dict[str, str], members: tuple[str, ...]) -> str:
    """The instance that a request names, by its identifier or its ARN; raises Refused."""
    name = parameters.get("DBInstanceIdentifier", "")
    found = next((member for member in members if name.lower() in (member, ARN.replace(DATABASE, member))), "")
    if not found:
        raise Refused("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    return found
