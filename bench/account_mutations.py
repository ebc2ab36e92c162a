"""Mutations of records that are not about spans: neighbours, an autoscaler, other names, Aurora.

Each gives the evidence as the sources read such an account: those that filter or tell apart are tested where they are
(``tests/contract``); what their answers still have in them must not turn a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

Record = dict[str, Any]


def _findings(record: Mapping[str, Any], source: str, name: str) -> Iterator[dict[str, Any]]:
    for item in record["items"]:
        if str(item.get("sk", "")).startswith("EVIDENCE#"):
            yield from (finding for finding in item["findings"]
                        if (finding["source"], finding["name"]) == (source, name))


def _onset(record: Mapping[str, Any]) -> float:
    return next((float(item["detail"]["onset"]) for item in record["items"]
                 if item.get("step") == "Diagnose the root cause" and (item.get("detail") or {}).get("onset")), 0.0)


def stopped_elsewhere(record: Record, random: Random) -> None:
    """Other teams have stopped instances in the account, and AWS Health tells of their resources."""
    for finding in _findings(record, "eks", "instances"):
        detail = finding.get("detail") or {}
        if detail:
            detail["seen"] = detail.get("seen", 0) + 2
    for finding in _findings(record, "aws_health", "service_events"):
        detail = finding.setdefault("detail", {})
        detail["events"] = [*detail.get("events", []), {
            "service": "EC2", "code": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", "status": "closed",
            "region": "us-east-1", "at": _onset(record) - 86_400}]


def autoscaler_just_before(record: Record, random: Random) -> None:
    """A HorizontalPodAutoscaler has given each component a pod more just before: the ledger has it by its writer."""
    changed = {change["name"] for finding in _findings(record, "changes", "changes")
               for change in (finding.get("detail") or {}).get("changes", [])}
    names = {finding.get("component", "") for finding in _findings(record, "rollouts", "rollouts")}
    at = _onset(record) - random.uniform(10, 60)
    for finding in _findings(record, "changes", "changes"):
        detail = finding.setdefault("detail", {})
        detail["changes"] = [*detail.get("changes", []), *({
            "kind": "Deployment", "name": name, "what": "changed", "earliest": at, "latest": at,
            "namespace": "payments", "by": "kube-controller-manager",
            "fields": [{"path": ["replicas"], "before": 3, "after": 4}]} for name in sorted(names - changed - {""}))]
        finding["value"] = float(len(detail["changes"]))


def service_names(record: Record, random: Random) -> None:
    """The Services have other names than the components."""
    for finding in _findings(record, "kubernetes", "endpoints"):
        detail = finding.get("detail") or {}
        if detail.get("exists"):
            detail["service"] = f"{finding.get('component', '')}-svc"


def aurora(record: Record, random: Random) -> None:
    """The database is an instance of an Aurora PostgreSQL cluster; a full storage is not there."""
    for item in record["items"]:
        if not str(item.get("sk", "")).startswith("EVIDENCE#") or item.get("source") != "rds":
            continue
        item["findings"] = [finding for finding in item["findings"]
                            if finding["name"] not in ("free_storage", "replica_lag")]
        for finding in list(item["findings"]):
            detail = finding.get("detail") or {}
            if finding["name"] == "instance" and detail.get("status"):
                detail |= {"engine": "aurora-postgresql", "cluster": "payments-cluster", "multi_az": False,
                           "allocated_gib": None}
                item["findings"].append({
                    "source": "rds", "name": "database_cluster", "component": finding.get("component", ""),
                    "status": "ok", "window": finding.get("window"), "detail": {
                        "cluster": "payments-cluster",
                        "status": "failing-over" if detail["status"] == "failing-over" else "available",
                        "members": [{"name": "payments-db", "writer": True}, {"name": "payments-db-2"}]}})
            elif finding["name"] == "events":
                detail["events"] = [_of_cluster(event) for event in detail.get("events", [])]


def _of_cluster(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as a cluster's (RDS User Guide, "Amazon RDS event categories and event messages for Aurora")."""
    message = event.get("message", "")
    if "failover started" in message:
        return event | {"message": "Started cross AZ failover to DB instance: payments-db-2",
                        "categories": ["failover"]}
    if "failover completed" in message:
        return event | {"message": "Completed failover to DB instance: payments-db-2", "categories": ["failover"]}
    return event


ACCOUNTS: dict[str, Callable[[Record, Random], None]] = {
    "stopped instances elsewhere": stopped_elsewhere, "an HPA just before": autoscaler_just_before,
    "Services of other names": service_names, "Aurora": aurora}
