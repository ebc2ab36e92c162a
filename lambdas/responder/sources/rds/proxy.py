"""RDS Proxy: whether it is well, and whether it gets through to the database.

Formats: AWS's pages "DescribeDBProxies", "DescribeDBProxyTargets" and "TargetHealth" (its states and reasons).
"""

from __future__ import annotations

from typing import Any

from responder.clients import aws
from responder.model.evidence import Detail, Finding
from responder.model.evidence.database_proxy import DatabaseProxy, ProxyTarget
from responder.model.service import Database
from responder.sources import Query, Statement


def collect(source: str, query: Query, rds: Any, name: str) -> list[Finding[Detail]]:
    """Return what RDS says of a proxy and its targets; raises CallFailed, also where RDS knows no such proxy."""
    with aws.failures("RDS Proxy"):
        found = rds.describe_db_proxies(DBProxyName=name).get("DBProxies") or [{}]
        targets = rds.describe_db_proxy_targets(DBProxyName=name).get("Targets") or []
    return [Finding(
        source=source, window=query.window, query=f"aws rds describe-db-proxy-targets --db-proxy-name {name}",
        link=f"https://console.aws.amazon.com/rds/home#proxy:id={name}",
        detail=DatabaseProxy(name, str(found[0].get("Status", "")), tuple(
            _target(item) for item in targets if item.get("Type") != "TRACKED_CLUSTER")))]


def _target(item: dict[str, Any]) -> ProxyTarget:
    health = item.get("TargetHealth") or {}
    return ProxyTarget(str(item.get("RdsResourceId") or item.get("TargetArn") or ""), str(health.get("State", "")),
                       str(health.get("Reason") or ""), item.get("Role") != "READ_ONLY")


def statements(database: Database) -> tuple[Statement, ...]:
    """Return the permissions to read the configured proxy; none where there is none."""
    if not database.proxy:
        return ()
    arn = "arn:{partition}:rds:{region}:{account}:"
    return (Statement(("rds:DescribeDBProxies", "rds:DescribeDBProxyTargets"),
                      (f"{arn}db-proxy:*", f"{arn}target-group:*"),
                      why_all="a proxy's ARN has its id (prx-…), not the name by which it is configured"),)
