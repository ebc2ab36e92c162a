"""Restore the connection to the database, by what is wrong with it: who holds its connections."""

from __future__ import annotations

from responder.model.evidence.waits import Waits
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, OnRecord, Remedy

_OWN_CLIENTS = frozenset({"rdsadmin"})
"""RDS itself."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Who holds the connections."""

    connection_holder: str = ""
    """The client with the most load that is not of the service; empty: none is known."""


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
class Parameters:
    """What is done."""

    step: Restart | MoreStorage | Reboot


def facts(considered: Considered) -> Facts:
    """Find out who holds the connections, as Performance Insights tells it."""
    holder = ""
    for finding in considered.evidence.of(Waits, source="rds"):
        clients = {name: load for name, load in finding.detail.clients.items()
                   if not considered.service.called(name) and name not in _OWN_CLIENTS}
        holder = max(clients, key=lambda name: clients[name], default="")
    return Facts(holder)


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """A restart, more storage or a reboot; nothing undoes any of them."""
    step = record.parameters.step
    if isinstance(step, Restart):
        return Deed(f"Restart {record.target}", (site.kubectl("rollout", "restart", record.target),))
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
    deed=deed,
    kinds=(Facts, Before, Parameters),
    risk="high",
    default_policy="approve",
    reversible=False,
    keep_when_not_helped=True,
)
