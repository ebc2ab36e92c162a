"""Restore the connection to the database, by what is wrong with it.

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

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, writing
from responder.clients import aws, workloads
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.model.change import OWN_MANAGER
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.model.service import Service
from responder.model.shown import shown
from responder.plan.remedies.restore_database import REMEDY, Before, Facts, MoreStorage, Parameters, Reboot, Restart
from responder.sources import RDS_EVENTS, Statement, cluster_access

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_MARK = "incident-responder/restart"
_RESTARTS = frozenset({"connections_exhausted", "rejected_credentials"})
_REBOOTS = frozenset({"refuses_connections", "slow_database"})
_READY = frozenset({"available", "storage-full"})
"""Statuses in which RDS takes a change."""
_BUSY = frozenset({"rebooting", "modifying"})
_LEAST_GROWTH = 0.1
"""RDS raises storage by a tenth at least."""

Planned = Plan[Before, Parameters]


@dataclass(frozen=True)
class _Instance:
    """What RDS says of an instance."""

    status: str
    gib: int
    standby: bool
    zone: str


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose what is done by the mechanism, and check that it may be; see ``Action.plan``."""
    if context.mechanism in _RESTARTS:
        return _plan_restart(context, facts, api)
    return _plan_instance(context)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Restart the workload, raise the storage or reboot the instance; a repeat finds it done, or under way."""
    step = plan.parameters.step
    if isinstance(step, Restart):
        return _restart(context, plan, step, api)
    now = _described(step.instance)
    if now.status in _BUSY:
        return f"{plan.summary}: it is under way"
    rds = aws.client("rds")
    if isinstance(step, MoreStorage):
        if now.gib >= step.gib:
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.modify_db_instance(DBInstanceIdentifier=step.instance, AllocatedStorage=step.gib,
                                   ApplyImmediately=True)
    else:
        if _rebooted_since(step.instance, step.planned):
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.reboot_db_instance(DBInstanceIdentifier=step.instance, ForceFailover=step.failover)
    return plan.summary


def _plan_instance(context: RemediationContext) -> Planned | Declined:
    database = context.service.database
    if database is None:
        return Declined("database", "", "no database is configured")
    target, instance = f"rds/{database.instance}", database.instance
    now = _described(instance)
    refusal = "" if now.status in _READY else f"the instance is {now.status}"
    if context.mechanism == "storage_full":
        wanted = math.ceil(now.gib * (1 + max(_LEAST_GROWTH, context.service.guardrails.storage_growth)))
        summary = f"raise the storage of {instance} from {now.gib} to {wanted} GiB"
        diff = shown(f"- AllocatedStorage: {now.gib}\n+ AllocatedStorage: {wanted}")
        return Declined(target, summary, refusal, diff=diff) if refusal else Plan(
            target, summary, Before(gib=now.gib), Parameters(MoreStorage(instance, wanted)), diff)
    if context.mechanism not in _REBOOTS:
        refusal = f"nothing is known to help against {context.mechanism}"
    summary = f"reboot {instance}" + (" with failover to the standby" if now.standby else "")
    diff = shown(f"  {target}: reboot")
    return Declined(target, summary, refusal, diff=diff) if refusal else Plan(
        target, summary, Before(zone=now.zone), Parameters(Reboot(instance, now.standby, time.time())), diff)


def _plan_restart(context: RemediationContext, facts: Facts, api: Kubernetes | None) -> Planned | Declined:
    name, why = context.workload, "so that its pods read the new password"
    if context.mechanism == "connections_exhausted":
        name, why = facts.connection_holder, "which holds the connections"
        if not name:
            return Declined("database", "release the connections",
                            "who holds the connections is not known: Performance Insights could not tell")
    target = f"deployment/{name}"
    try:
        deployment = workloads.deployment(connected(context, api), context.namespace, name)
    except NotFound:
        return Declined(target, f"restart {target}", f"{name}, {why}, is no Deployment of this namespace")
    summary, diff = f"restart {target}, {why}", shown(f"  {target}: rollout restart")
    if deployment.paused:
        return Declined(target, summary, "the Deployment is paused: somebody is working on it", diff=diff)
    return Plan(target, summary, Before(replicas=deployment.replicas), Parameters(Restart(name, deployment.uid)), diff)


def _restart(context: RemediationContext, plan: Planned, step: Restart, api: Kubernetes | None) -> str:
    """Do what ``kubectl rollout restart`` does."""
    api = connected(context, api)
    try:
        deployment = workloads.deployment(api, context.namespace, step.name)
    except NotFound as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    if deployment.annotations.get(_MARK) == context.mark:
        return f"{plan.summary}: it was done before"
    if deployment.uid != step.uid:
        raise ActionFailed(f"{plan.target} is another one than was planned for")
    moment = iso(time.time())
    # A merge patch tests nothing: 422 would mean that it is invalid, and a retry would not change that.
    with writing(plan.target, conflicts=frozenset({409})):
        api.patch("apis/apps/v1", "deployments", context.namespace, step.name, {
            "metadata": {"annotations": {_MARK: context.mark}},
            "spec": {"template": {"metadata": {"annotations": {_RESTARTED: moment}}}}},
            manager=OWN_MANAGER, kind="application/strategic-merge-patch+json")
    return plan.summary


def _described(instance: str) -> _Instance:
    with aws.failures("RDS"):
        found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"]
    if not found:
        raise CallFailed("empty", f"RDS knows no instance {instance}")
    item = found[0]
    return _Instance(str(item["DBInstanceStatus"]), int(item.get("AllocatedStorage") or 0), bool(item.get("MultiAZ")),
                     str(item.get("AvailabilityZone") or ""))


def _rebooted_since(instance: str, planned: float) -> bool:
    with aws.failures("RDS"):
        events = aws.client("rds").describe_events(
            SourceIdentifier=instance, SourceType="db-instance", StartTime=datetime.fromtimestamp(planned, UTC),
            EventCategories=["availability", "failover"])["Events"]
    return any(event["Date"].timestamp() > planned for event in events)


def _statements(service: Service) -> tuple[Statement, ...]:
    database = service.database
    return (*cluster_access(service), *((RDS_EVENTS, Statement(
        ("rds:DescribeDBInstances", "rds:RebootDBInstance", "rds:ModifyDBInstance"),
        (f"arn:{{partition}}:rds:{{region}}:{{account}}:db:{database.instance}",))) if database else ()))


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    statements=_statements,
    kubernetes_group="incident-responder:restore-database",
)
