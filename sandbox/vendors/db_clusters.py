"""RDS: the Aurora cluster, its members, and a failover to one of them.

Formats: AWS's "Amazon RDS API Reference": DescribeDBClusters, FailoverDBCluster, DescribeDBProxies; "Amazon Aurora
endpoint connections" for the endpoints, "DB cluster status" for the statuses. A database that is no cluster, and one
without a proxy, is told of by an empty list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.places import ACCOUNT, REGION
from sandbox.platform.database import CLUSTER, PORT, Database
from sandbox.platform.state import World
from sandbox.vendors.db_groups import CLUSTER_PARAMETER_GROUP, Respond
from sandbox.vendors.gate import Gates
from sandbox.vendors.groups import DATABASE_GROUP
from sandbox.vendors.history import History
from sandbox.vendors.rds_wire import paged
from sandbox.vendors.wire import Refused, filters, iso

CLUSTER_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{CLUSTER}"
_CREATED = "2024-03-05T09:02:11.004Z"
_FILTERS = {"db-cluster-id": ("DBClusterIdentifier", "DBClusterArn"), "engine": ("Engine",),
            "db-cluster-resource-id": ("DbClusterResourceId",), "domain": (), "clone-group-id": ()}


class Clusters:
    """The actions on clusters and proxies."""

    def __init__(self, world: Callable[[], World], history: History, gates: Gates,
                 caller: Callable[[dict[str, str]], str]) -> None:
        self._world, self._history, self._gates, self._caller = world, history, gates, caller
        self.actions: Mapping[str, Respond] = {
            "DescribeDBClusters": self._clusters, "FailoverDBCluster": self._fail_over,
            "DescribeDBProxies": self._proxies, "DescribeDBProxyTargets": self._targets}

    def _clusters(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        if parameters.get("DBClusterIdentifier"):
            self._known(parameters)
        rows = [self._cluster()] if self._world().database.speech.aurora else []
        for name, values in filters(parameters, "Filters.Filter", "Values.Value").items():
            if name not in _FILTERS:
                raise Refused("InvalidParameterValue", f"Unrecognized filter name: {name}")
            rows = [row for row in rows if {str(row.get(field) or "") for field in _FILTERS[name]} & set(values)]
        part, marker = paged([] if self._gates.fault("rds") == "empty" else rows, parameters)
        return {"DBClusters": ("DBCluster", part), "Marker": marker}

    def _cluster(self) -> dict[str, Any]:
        now = self._gates.newest("rds", 0)
        database = self._history.at(now) if self._gates.fault("rds") == "stale" else self._world().database
        engine, domain = database.speech, f"c9akciq32rgw.{REGION}.rds.amazonaws.com"
        return {
            "AllocatedStorage": 1, "AvailabilityZones": ("AvailabilityZone", [f"{REGION}{zone}" for zone in "abc"]),
            "BackupRetentionPeriod": 7, "DatabaseName": "payments", "DBClusterIdentifier": CLUSTER,
            "DBClusterParameterGroup": CLUSTER_PARAMETER_GROUP, "DBSubnetGroup": "payments",
            "Status": database.cluster_status(now), "Endpoint": f"{CLUSTER}.cluster-{domain}",
            "ReaderEndpoint": f"{CLUSTER}.cluster-ro-{domain}", "MultiAZ": True, "Engine": engine.name,
            "EngineVersion": engine.version, "LatestRestorableTime": iso(now // 300 * 300), "Port": PORT,
            "MasterUsername": engine.user, "PreferredBackupWindow": "03:12-03:42",
            "PreferredMaintenanceWindow": "sun:04:16-sun:04:46", "ReadReplicaIdentifiers": ("", ()),
            "DBClusterMembers": ("DBClusterMember", [_member(database, name) for name in database.members]),
            "VpcSecurityGroups": ("VpcSecurityGroupMembership", [
                {"VpcSecurityGroupId": DATABASE_GROUP, "Status": "active"}]),
            "HostedZoneId": "Z2R2ITUGPM61AM", "StorageEncrypted": True,
            "DbClusterResourceId": "cluster-OM5QZ2W7JX4HRVTB3YKNCPD8AE", "DBClusterArn": CLUSTER_ARN,
            "AssociatedRoles": ("", ()), "IAMDatabaseAuthenticationEnabled": False, "ClusterCreateTime": _CREATED,
            "EngineMode": "provisioned", "DeletionProtection": True, "HttpEndpointEnabled": False,
            "ActivityStreamStatus": "stopped", "CopyTagsToSnapshot": True, "CrossAccountClone": False,
            "DomainMemberships": ("", ()), "TagList": ("", ()), "AutoMinorVersionUpgrade": False,
            "DatabaseInsightsMode": "standard", "NetworkType": "IPV4"}

    def _fail_over(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        self._known(parameters)
        world, now = self._world(), time.time()
        database, target = world.database, parameters.get("TargetDBInstanceIdentifier", "").lower()
        if database.cluster_status(now) != "available" or database.status(now) != "available":
            raise Refused("InvalidDBClusterStateFault",
                          f"DbCluster {CLUSTER} is in {database.cluster_status(now)} state: it cannot fail over.")
        if target and target not in database.readers:
            raise Refused("InvalidDBInstanceState" if target in database.members else "InvalidParameterValue",
                          f"DB instance {target} is no reader of DB cluster {CLUSTER}.")
        database.fail_over(now)
        world.record("FailoverDBCluster", "rds", self._caller(headers), (("AWS::RDS::DBCluster", CLUSTER),),
                     dBClusterIdentifier=CLUSTER, targetDBInstanceIdentifier=target or database.writer)
        return {"DBCluster": self._cluster()}

    def _proxies(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        name = parameters.get("DBProxyName", "")
        if name:
            raise Refused("DBProxyNotFoundFault", f"DBProxy {name} not found.", 404)
        return {"DBProxies": ("member", ())}

    def _targets(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        raise Refused("DBProxyNotFoundFault", f"DBProxy {parameters.get('DBProxyName', '')} not found.", 404)

    def _known(self, parameters: dict[str, str]) -> None:
        name = parameters.get("DBClusterIdentifier", "")
        if not self._world().database.speech.aurora or name.lower() not in (CLUSTER, CLUSTER_ARN):
            raise Refused("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)


def _member(database: Database, name: str) -> dict[str, Any]:
    return {"DBInstanceIdentifier": name, "IsClusterWriter": name == database.writer,
            "DBClusterParameterGroupStatus": database.apply_status(), "PromotionTier": 1}
