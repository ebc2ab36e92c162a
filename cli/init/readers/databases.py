"""RDS: instances, DB clusters and proxies of the account. Formats: "Amazon RDS API Reference"."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cli.init.facts import DatabaseCluster, DatabaseProxy, Databases, Instance
from cli.init.readers import Asked, Known, Reader, pages


def read(asked: Asked, known: Known) -> Databases:
    """Return all instances of the account and Region; clusters and proxies where they may be read."""
    rds = known.session.client("rds")
    instances = pages(rds, "describe_db_instances", "DBInstances")
    clusters = known.tried("DB clusters", lambda: pages(rds, "describe_db_clusters", "DBClusters"), [])
    proxies = known.tried("RDS Proxies", lambda: pages(rds, "describe_db_proxies", "DBProxies"), [])
    return Databases(
        tuple(_instance(one) for one in instances), tuple(_cluster(one) for one in clusters),
        tuple(DatabaseProxy(one["DBProxyName"], str(one.get("Endpoint", "")).lower(), known.tried(
            f"targets of the proxy {one['DBProxyName']}",
            partial(_targets, rds, one["DBProxyName"]), ())) for one in proxies))


def _instance(one: Mapping[str, Any]) -> Instance:
    endpoint = one.get("Endpoint") or {}
    groups = [group["DBParameterGroupName"] for group in one.get("DBParameterGroups") or []]
    return Instance(
        identifier=one["DBInstanceIdentifier"], host=str(endpoint.get("Address", "")).lower(),
        engine=one.get("Engine", ""), cluster=one.get("DBClusterIdentifier", ""), port=int(endpoint.get("Port") or 0),
        parameter_group=groups[0] if groups else "",
        performance_insights=bool(one.get("PerformanceInsightsEnabled")), security_groups=_groups(one),
        secret=_secret(one))


def _cluster(one: Mapping[str, Any]) -> DatabaseCluster:
    members = sorted(one.get("DBClusterMembers") or [], key=lambda member: not member.get("IsClusterWriter"))
    return DatabaseCluster(
        identifier=one["DBClusterIdentifier"], engine=one.get("Engine", ""), port=int(one.get("Port") or 0),
        hosts=tuple(str(host).lower() for host in (
            one.get("Endpoint"), one.get("ReaderEndpoint"), *(one.get("CustomEndpoints") or [])) if host),
        members=tuple(member["DBInstanceIdentifier"] for member in members),
        parameter_group=one.get("DBClusterParameterGroup", ""), security_groups=_groups(one), secret=_secret(one))


def _groups(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(group["VpcSecurityGroupId"] for group in one.get("VpcSecurityGroups") or [])


def _secret(one: Mapping[str, Any]) -> str:
    """Return the name of the secret that RDS manages: its ARN's end without the six random characters."""
    arn = str((one.get("MasterUserSecret") or {}).get("SecretArn", ""))
    return arn.rpartition(":secret:")[2].rpartition("-")[0]


def _targets(rds: Any, proxy: str) -> tuple[str, ...]:
    targets = pages(rds, "describe_db_proxy_targets", "Targets", DBProxyName=proxy)
    return tuple(str(one.get("RdsResourceId") or one.get("TrackedClusterId") or "") for one in targets)


READER = Reader(
    name="databases", title="RDS instances, clusters and proxies", part=Databases, read=read,
    rights=("rds:DescribeDBInstances", "rds:DescribeDBClusters", "rds:DescribeDBProxies",
            "rds:DescribeDBProxyTargets"))
