"""Mend the connection to the database, by what is wrong with it.

| mechanism | what is done | can it be undone |
|---|---|---|
| ``connections_exhausted`` | the workload that holds the connections is restarted | there is nothing to undo |
| ``rejected_credentials`` | the caller's pods are restarted, so that they read the new password | nothing to undo |
| ``storage_full`` | the storage is raised | no: RDS never shrinks it, and takes no other change for six hours |
| ``refuses_connections``, ``slow_database`` | reboot, with failover where there is a standby | no |

Sources: AWS's pages "Rebooting a DB instance", "Working with storage for Amazon RDS DB instances".
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, writing
from responder.clients import aws, kubernetes
from responder.clients.failure import CallFailed
from responder.model.shown import shown
from responder.plan.changes import OWN_MANAGER
from responder.sources import Statement, cluster_access

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_MARK = "incident-responder/restart"


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Choose what is done by the mechanism, and check that it may be; see ``Action.plan``."""
    if case.mechanism in ("connections_exhausted", "rejected_credentials"):
        return _plan_restart(case, api)
    return _plan_instance(case)


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Restart the workload, raise the storage or reboot the instance; a repeat finds it done, or under way."""
    kind = plan.parameters["kind"]
    if kind == "restart":
        return _restart(case, plan, api)
    rds, instance = aws.client("rds"), plan.parameters["instance"]
    described = _described(instance)
    if described["DBInstanceStatus"] in ("rebooting", "modifying"):
        return f"{plan.summary}: it is under way"
    if kind == "storage":
        if int(described["AllocatedStorage"]) >= int(plan.parameters["gib"]):
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.modify_db_instance(DBInstanceIdentifier=instance, AllocatedStorage=plan.parameters["gib"],
                                   ApplyImmediately=True)
    else:
        if _rebooted_since(rds, instance, plan.parameters["planned"]):
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.reboot_db_instance(DBInstanceIdentifier=instance, ForceFailover=plan.parameters["failover"])
    return plan.summary


def _plan_instance(case: Case) -> Plan:
    database = case.service.database
    if database is None:
        return Plan("database", "", refusal="no database is configured")
    target, instance = f"rds/{database.instance}", database.instance
    item = _described(instance)
    status = str(item["DBInstanceStatus"])
    if case.mechanism == "storage_full":
        now = int(item["AllocatedStorage"])
        wanted = math.ceil(now * (1 + max(0.1, case.service.guardrails.storage_growth)))
        return Plan(target, f"raise the storage of {instance} from {now} to {wanted} GiB",
                    diff=shown(f"- AllocatedStorage: {now}\n+ AllocatedStorage: {wanted}"), before={"gib": now},
                    parameters={"kind": "storage", "instance": instance, "gib": wanted},
                    refusal="" if status in ("available", "storage-full") else f"the instance is {status}")
    failover = bool(item.get("MultiAZ"))
    refusal = "" if status in ("available", "storage-full") else f"the instance is {status}"
    if case.mechanism not in ("refuses_connections", "slow_database"):
        refusal = f"nothing is known to help against {case.mechanism}"
    return Plan(target, f"reboot {instance}" + (" with failover to the standby" if failover else ""),
                diff=shown(f"  {target}: reboot"), before={"zone": item.get("AvailabilityZone", "")},
                parameters={"kind": "reboot", "instance": instance, "failover": failover, "planned": time.time()},
                refusal=refusal)


def _plan_restart(case: Case, api: kubernetes.Kubernetes | None) -> Plan:
    name = case.workload
    why = "so that its pods read the new password"
    if case.mechanism == "connections_exhausted":
        name = str(case.facts.get("connection_holder") or "")
        why = "which holds the connections"
        if not name:
            return Plan("database", "release the connections",
                        refusal="who holds the connections is not known: Performance Insights could not tell")
    target = f"deployment/{name}"
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        deployment = api.get("apis/apps/v1", "deployments", case.service.cluster.namespace, name)
    except KeyError:
        return Plan(target, f"restart {target}", refusal=f"{name}, {why}, is no Deployment of this namespace")
    return Plan(target, f"restart {target}, {why}", diff=shown(f"  {target}: rollout restart"),
                before={"replicas": deployment["spec"].get("replicas")},
                parameters={"kind": "restart", "name": name, "uid": deployment["metadata"]["uid"]},
                refusal="the Deployment is paused: somebody is working on it" if deployment["spec"].get("paused")
                else "")


def _restart(case: Case, plan: Plan, api: kubernetes.Kubernetes | None) -> str:
    """What ``kubectl rollout restart`` does."""
    namespace, name = case.service.cluster.namespace, plan.parameters["name"]
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        deployment = api.get("apis/apps/v1", "deployments", namespace, name)
    except KeyError as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    if (deployment["metadata"].get("annotations") or {}).get(_MARK) == case.mark:
        return f"{plan.summary}: it was done before"
    if deployment["metadata"]["uid"] != plan.parameters["uid"]:
        raise ActionFailed(f"{plan.target} is another one than was planned for")
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # A merge patch tests nothing: 422 would mean that it is invalid, which no repeat mends.
    with writing(plan.target, conflicts=frozenset({409})):
        api.patch("apis/apps/v1", "deployments", namespace, name, {
            "metadata": {"annotations": {_MARK: case.mark}},
            "spec": {"template": {"metadata": {"annotations": {_RESTARTED: moment}}}}},
            manager=OWN_MANAGER, kind="application/strategic-merge-patch+json")
    return plan.summary


def _described(instance: str) -> dict[str, Any]:
    with aws.failures("RDS"):
        found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"]
    if not found:
        raise CallFailed("empty", f"RDS knows no instance {instance}")
    return dict(found[0])


def _rebooted_since(rds: Any, instance: str, planned: float) -> bool:
    with aws.failures("RDS"):
        events = rds.describe_events(
            SourceIdentifier=instance, SourceType="db-instance", StartTime=datetime.fromtimestamp(planned, UTC),
            EventCategories=["availability", "failover"])["Events"]
    return any(event["Date"].timestamp() > planned for event in events)


ACTION = Action(
    name="restore_database",
    risk="high",
    default_policy="approve",
    reversible=False,
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    statements=lambda service: (
        *cluster_access(service),
        *((Statement(("rds:DescribeDBInstances", "rds:DescribeEvents", "rds:RebootDBInstance",
                      "rds:ModifyDBInstance"),
                     (f"arn:{{partition}}:rds:{{region}}:{{account}}:db:{service.database.instance}",)),)
          if service.database else ())),
    kubernetes_group="incident-responder:restore-database",
)
