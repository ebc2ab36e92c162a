"""Restore the connection to the database, by what is wrong with it.

| mechanism | what is done | can it be undone |
|---|---|---|
| ``connections_exhausted`` | the workload that holds the connections is restarted | there is nothing to undo |
| ``rejected_credentials`` | the caller's pods are restarted, so that they read the new password | nothing to undo |
| ``storage_full`` | the storage is raised | no: RDS never shrinks it, and takes no other change for six hours |
| ``refuses_connections``, ``slow_database`` | reboot, to the standby where there is one; a cluster fails over | no |

A DB cluster fails over to a healthy reader that is close behind; where there is none, its writer is rebooted.
The storage of an Aurora cluster grows by itself, and that of a Multi-AZ DB cluster is the cluster's: neither is raised.
What fails over already is left alone. Sources: AWS's pages "Rebooting a DB instance", "FailoverDBCluster", "Working
with storage for Amazon RDS DB instances", "High availability for Amazon Aurora".
"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, writing
from responder.clients import aws, databases, restarts
from responder.clients.databases import Instance, Place
from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence.events import DatabaseEvent
from responder.model.moment import iso
from responder.model.service import Service
from responder.model.shown import shown
from responder.plan.database_clients import deployments
from responder.plan.failovers import goes_on
from responder.plan.remedies.restore_database import (
    REMEDY,
    Before,
    Facts,
    FailOver,
    MoreStorage,
    Parameters,
    Reboot,
    Restart,
)
from responder.sources import RDS_EVENTS, Statement, cluster_access, database_reading

_MARK = "incident-responder/restart"
_RESTARTS = frozenset({"connections_exhausted", "rejected_credentials"})
REBOOTS = frozenset({"refuses_connections", "slow_database"})
"""The mechanisms that it reboots or fails over against."""
_READY = frozenset({"available", "storage-full"})
"""Statuses in which RDS takes a change."""
_BUSY = frozenset({"rebooting", "modifying"})
_FAILING_OVER = "failing-over"
_RECENT_SECONDS = 300.0
"""A failover that began longer ago than this and was not told to be over is not waited for: most take one or two
minutes (AWS: "Multi-AZ DB instance deployments")."""
_LEAST_GROWTH = 0.1
"""RDS raises storage by a tenth at least."""

Planned = Plan[Before, Parameters]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Choose what is done by the mechanism, and check that it may be; see ``Action.plan``."""
    if context.mechanism in _RESTARTS:
        return _plan_restart(context, facts, api)
    return _plan_instance(context, facts)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Restart the workload, raise the storage, reboot or fail over; a repeat finds it done, or under way."""
    step = plan.parameters.step
    if isinstance(step, Restart):
        return _restart(context, plan, step, api)
    rds = aws.client("rds")
    if isinstance(step, FailOver):
        return _fail_over(rds, plan, step)
    now = _described(rds, step.instance)
    if now.status in _BUSY:
        return f"{plan.summary}: it is under way"
    if isinstance(step, MoreStorage):
        if now.gib >= step.gib:
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.modify_db_instance(DBInstanceIdentifier=step.instance, AllocatedStorage=step.gib,
                                   ApplyImmediately=True)
    else:
        if _events(rds, "db-instance", step.instance, step.planned, ("availability", "failover")):
            return f"{plan.summary}: it was done before"
        with aws.failures("RDS"):
            rds.reboot_db_instance(DBInstanceIdentifier=step.instance, ForceFailover=step.failover)
    return plan.summary


def _fail_over(rds: Any, plan: Planned, step: FailOver) -> str:
    """Fail a cluster over, once: who writes now, its status and its events say whether that has been done."""
    now = databases.cluster(rds, step.cluster)
    if now is None:
        raise ActionFailed(f"DB cluster {step.cluster} is gone")
    if now.writer == step.target:
        return f"{plan.summary}: it was done before"
    if now.status == _FAILING_OVER or _events(rds, "db-cluster", step.cluster, step.planned, ("failover",)):
        return f"{plan.summary}: it is under way"
    if now.writer != step.writer:
        raise ActionFailed(f"{now.writer or 'no instance'} of DB cluster {step.cluster} takes writes by now: somebody "
                           "else has failed it over")
    with aws.failures("RDS"):
        rds.failover_db_cluster(DBClusterIdentifier=step.cluster, TargetDBInstanceIdentifier=step.target)
    return plan.summary


def _plan_instance(context: RemediationContext, facts: Facts) -> Planned | Declined:
    database = context.service.database
    if database is None:
        return Declined("database", "", "no database is configured")
    rds = aws.client("rds")
    place = databases.place(rds, database)
    reason = databases.unsupported(place.engine) if place.engine else place.note
    if reason or place.instance is None:
        return Declined(f"rds/{database.instance or database.cluster}", "restore the database",
                        reason or f"RDS knows no instance {database.instance or database.cluster}")
    if context.mechanism not in REBOOTS and context.mechanism != "storage_full":
        return Declined(f"rds/{place.instance.name}", f"reboot {place.instance.name}",
                        f"nothing is known to help against {context.mechanism}")
    if place.instance.cluster:
        return _plan_member(context, facts, rds, place, place.instance)
    if context.mechanism == "storage_full":
        return _plan_storage(context, place.instance)
    return _plan_reboot(rds, place, place.instance, place.instance.multi_az)


def _plan_storage(context: RemediationContext, now: Instance) -> Planned | Declined:
    target, refusal = f"rds/{now.name}", "" if now.status in _READY else f"the instance is {now.status}"
    wanted = math.ceil(now.gib * (1 + max(_LEAST_GROWTH, context.service.guardrails.storage_growth)))
    summary = f"raise the storage of {now.name} from {now.gib} to {wanted} GiB"
    diff = shown(f"- AllocatedStorage: {now.gib}\n+ AllocatedStorage: {wanted}")
    return Declined(target, summary, refusal, diff=diff) if refusal else Plan(
        target, summary, Before(gib=now.gib), Parameters(MoreStorage(now.name, wanted)), diff)


def _plan_reboot(rds: Any, place: Place, now: Instance, failover: bool) -> Planned | Declined:
    target = f"rds/{now.name}"
    summary = f"reboot {now.name}" + (" with failover to the standby" if failover else "")
    diff = shown(f"  {target}: reboot")
    refusal = _fails_over(rds, place) or ("" if now.status in _READY else f"the instance is {now.status}")
    return Declined(target, summary, refusal, diff=diff) if refusal else Plan(
        target, summary, Before(zone=now.zone), Parameters(Reboot(now.name, failover, time.time())), diff)


def _plan_member(context: RemediationContext, facts: Facts, rds: Any, place: Place,
                 writer: Instance) -> Planned | Declined:
    """Plan for a member of a cluster: a failover to a healthy reader, or a reboot of the writer where there is none."""
    cluster, database = writer.cluster, context.service.database
    target = f"rds/{cluster}"
    if context.mechanism == "storage_full":
        return Declined(target, "raise the storage", (
            "Aurora's storage grows by itself: there is none to raise" if writer.engine.startswith("aurora") else
            "the storage of a Multi-AZ DB cluster is the cluster's, which is left to people: aws rds modify-db-cluster "
            f"--db-cluster-identifier {shlex.quote(cluster)} --allocated-storage GIB --apply-immediately"))
    if place.cluster is None or database is None:
        return Declined(target, f"fail over {cluster}", f"DB cluster {cluster} could not be read: {place.note}")
    reader = _reader(place, facts.lagging) if database.cluster == cluster else ""
    if reader:
        summary = f"fail over DB cluster {cluster} from {place.cluster.writer} to {reader}"
        diff = shown(f"- writer: {place.cluster.writer}\n+ writer: {reader}")
        refusal = _fails_over(rds, place) or (
            "" if place.cluster.status in _READY else f"the DB cluster is {place.cluster.status}")
        return Declined(target, summary, refusal, diff=diff) if refusal else Plan(
            target, summary, Before(zone=writer.zone), Parameters(
                FailOver(cluster, place.cluster.writer, reader, time.time())), diff)
    if place.writer != database.instance or writer.name != place.writer:
        # It may reboot the configured instance alone.
        return Declined(target, f"fail over {cluster}", (
            f"no reader of DB cluster {cluster} is well and close behind" if database.cluster == cluster else
            f"database.cluster of the configuration does not name DB cluster {cluster}: there is no right to fail it "
            f"over: aws rds failover-db-cluster --db-cluster-identifier {shlex.quote(cluster)}"))
    return _plan_reboot(rds, place, writer, False)


def _reader(place: Place, lagging: Sequence[str]) -> str:
    """Return the reader to fail over to, as Aurora chooses (promotion tier first); empty: none is healthy."""
    healthy = {one.name for one in place.instances if one.status == "available"} - set(lagging)
    readers = sorted((member.tier, member.name) for member in (place.cluster.members if place.cluster else ())
                     if not member.writer and member.name in healthy)
    return readers[0][1] if readers else ""


def _fails_over(rds: Any, place: Place) -> str:
    """Say that the database fails over just now; empty where it does not."""
    if place.cluster is not None and place.cluster.status == _FAILING_OVER:
        return f"DB cluster {place.cluster.name} fails over already"
    kind, name = (("db-cluster", place.cluster.name) if place.cluster else
                  ("db-instance", place.instance.name if place.instance else ""))
    events = _events(rds, kind, name, time.time() - _RECENT_SECONDS, ("failover",))
    return f"{name} fails over already" if goes_on(events) else ""


def _plan_restart(context: RemediationContext, facts: Facts, api: Kubernetes | None) -> Planned | Declined:
    name, why = context.workload, "so that its pods read the new password"
    kind = context.service.component(context.component).kind
    if context.mechanism == "connections_exhausted":
        name, why, kind = facts.connection_holder, "which holds the connections", ""
        if not name:
            return Declined("database", "release the connections",
                            "who holds the connections is not known: Performance Insights could not tell")
    found = restarts.find(connected(context, api), context.namespace, deployments(name), kind)
    if found is None:
        return Declined(f"{kind or 'deployment'}/{name}", f"restart {kind or 'deployment'}/{name}",
                        f"{name}, {why}, is no workload of this namespace")
    summary, diff = f"restart {found.target}, {why}", shown(f"  {found.target}: rollout restart")
    if found.paused:
        return Declined(found.target, summary, f"the {found.kind} is paused: somebody is working on it", diff=diff)
    return Plan(found.target, summary, Before(replicas=found.replicas),
                Parameters(Restart(found.name, found.uid, found.kind)), diff)


def _restart(context: RemediationContext, plan: Planned, step: Restart, api: Kubernetes | None) -> str:
    """Do what ``kubectl rollout restart`` does."""
    api = connected(context, api)
    found = restarts.find(api, context.namespace, (step.name,), step.kind.lower())
    if found is None:
        raise ActionFailed(f"{plan.target} is gone")
    if found.annotations.get(_MARK) == context.mark:
        return f"{plan.summary}: it was done before"
    if found.uid != step.uid:
        raise ActionFailed(f"{plan.target} is another one than was planned for")
    # A merge patch tests nothing: 422 would mean that it is invalid, and a retry would not change that.
    with writing(plan.target, conflicts=frozenset({409})):
        restarts.restart(api, context.namespace, step.kind, step.name, {_MARK: context.mark}, iso(time.time()))
    return plan.summary


def _described(rds: Any, name: str) -> Instance:
    found = databases.instance(rds, name)
    if found is None:
        raise CallFailed("empty", f"RDS knows no instance {name}")
    return found


def _events(rds: Any, kind: str, name: str, since: float, categories: Sequence[str]) -> list[DatabaseEvent]:
    """Return the events of some categories after a moment (seconds since 1970, UTC), oldest first."""
    with aws.failures("RDS"):
        found = rds.describe_events(SourceIdentifier=name, SourceType=kind, EventCategories=list(categories),
                                    StartTime=datetime.fromtimestamp(since, UTC))["Events"]
    return sorted((DatabaseEvent(event["Date"].timestamp(), str(event.get("Message", "")),
                                 tuple(event.get("EventCategories") or ())) for event in found
                   if event["Date"].timestamp() > since), key=lambda event: event.at)


def _statements(service: Service) -> tuple[Statement, ...]:
    database = service.database
    if database is None:
        return cluster_access(service)
    arn = "arn:{partition}:rds:{region}:{account}:"
    instance = (Statement(("rds:RebootDBInstance", "rds:ModifyDBInstance"), (f"{arn}db:{database.instance}",)),)
    cluster = (Statement(("rds:FailoverDBCluster",), (f"{arn}cluster:{database.cluster}",)),)
    return (*cluster_access(service), RDS_EVENTS, *database_reading(database),
            *(instance if database.instance else ()), *(cluster if database.cluster else ()))


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    statements=_statements,
    kubernetes_group="incident-responder:restore-database",
)
