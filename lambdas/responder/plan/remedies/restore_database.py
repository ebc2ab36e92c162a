"""Restore the connection to the database, by what is wrong with it: who holds its connections, who can take over."""

from __future__ import annotations

from responder.model.evidence.database_cluster import DatabaseCluster
from responder.model.evidence.database_proxy import DatabaseProxy
from responder.model.evidence.waits import Waits
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.database_clients import other_clients
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.signals.database import is_quiet

_LAG_SECONDS = 5.0
"""A reader of Aurora is usually less than 0.1 s behind; one that is seconds behind is busy or broken, and a Multi-AZ DB
cluster waits until the new writer has applied what it lacks (AWS: "Replication with Amazon Aurora", "Failing over a
Multi-AZ DB cluster")."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Who holds the connections, and which of a cluster's readers should not take over."""

    connection_holder: str = ""
    """The client with the most load that is not of the service; empty: none is known."""
    lagging: tuple[str, ...] = ()
    """Readers that are too far behind the writer."""


@dataclass(frozen=True)
class Before:
    """What was found, as far as it is known."""

    replicas: int | None = None
    """Of the workload that is restarted."""
    gib: int | None = None
    """Storage that was allocated."""
    zone: str = ""
    """The instance's availability zone."""


@dataclass(frozen=True)
class Restart:
    """A workload is restarted."""

    name: str
    uid: str
    kind: str = "Deployment"


@dataclass(frozen=True)
class MoreStorage:
    """The instance's storage is raised."""

    instance: str
    gib: int


@dataclass(frozen=True)
class Reboot:
    """The instance is rebooted."""

    instance: str
    failover: bool
    planned: float
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class FailOver:
    """A DB cluster fails over to one of its readers."""

    cluster: str
    writer: str
    """The instance that took writes when it was planned."""
    target: str
    """The reader that takes over."""
    planned: float
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Parameters:
    """What is done."""

    step: Restart | MoreStorage | Reboot | FailOver


def facts(considered: Considered) -> Facts:
    """Find out who holds the connections, as Performance Insights tells it, and which readers lag."""
    holder = ""
    for finding in considered.evidence.of(Waits, source="rds"):
        clients = other_clients(considered.service, finding.detail)
        holder = max(clients, key=lambda name: clients[name], default="")
    lagging = tuple(member.name for finding in considered.evidence.of(DatabaseCluster, source="rds")
                    for member in finding.detail.members
                    if not member.writer and (member.lag_seconds or 0.0) > _LAG_SECONDS)
    return Facts(holder, lagging)


def against(considered: Considered, facts: Facts) -> str:
    """Where a proxy logs in for the service, a restart of the pods gives it no other credentials.

    A reboot against slow answers needs the database's own word: what its callers see alone may come from what they ask.
    """
    if considered.mechanism == "slow_database" and is_quiet(considered.evidence):
        return ("the database itself shows neither load nor waiting sessions so far: what its callers see alone is no "
                "reason for a reboot")
    if considered.mechanism != "rejected_credentials":
        return ""
    refused = [finding.detail.proxy for finding in considered.evidence.of(DatabaseProxy, source="rds")
               if any(target.reason == "AUTH_FAILURE" for target in finding.detail.targets)]
    return (f"the database refuses what RDS Proxy {refused[0]} brings: its secret must be put right, and no restart of "
            "pods does that") if refused else ""


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """A restart, more storage, a reboot or a failover; nothing undoes any of them."""
    step = record.parameters.step
    if isinstance(step, Restart):
        return Deed(f"Restart {record.target}", (
            site.kubectl("argo", "rollouts", "restart", step.name) if step.kind == "Rollout" else
            site.kubectl("rollout", "restart", record.target),))
    if isinstance(step, FailOver):
        return Deed(f"Fail the DB cluster {step.cluster} over from {step.writer} to {step.target}",
                    (site.aws("rds", "failover-db-cluster", "--db-cluster-identifier", step.cluster,
                              "--target-db-instance-identifier", step.target),))
    instance = ("--db-instance-identifier", step.instance)
    if isinstance(step, MoreStorage):
        return Deed(f"Raise the storage of the database {step.instance} from {record.before.gib} to {step.gib} GiB",
                    (site.aws("rds", "modify-db-instance", *instance, "--allocated-storage", str(step.gib),
                              "--apply-immediately"),))
    return Deed(f"Reboot the database {step.instance}{' with failover to its standby' if step.failover else ''}",
                (site.aws("rds", "reboot-db-instance", *instance,
                          *(("--force-failover",) if step.failover else ())),))


REMEDY = Remedy(
    name="restore_database",
    phrase="restore of the database",
    facts=facts,
    against=against,
    deed=deed,
    kinds=(Facts, Before, Parameters),
    by_mechanism=True,
    risk="high",
    default_policy="approve",
    reversible=False,
    keep_when_not_helped=True,
    stays="nothing undoes it",
    hazard="a restart or failover breaks the connections that work, and storage that was added is never taken away "
           "again",
)
