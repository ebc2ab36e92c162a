"""The database has no space left to write."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.instance import DatabaseInstance
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes
from responder.plan.wording import count


def improvements(case: Case) -> Iterator[Advice]:
    """Storage grows by itself, and people hear days before it is full."""
    seen = case.seen("free_storage", "instance") or case.seen()
    instance = case.evidence.one(DatabaseInstance)
    size = f" of {count(instance.detail.allocated_gib)} GiB" if instance and instance.detail.allocated_gib else ""
    yield Advice(
        "grow-storage", "prevention", "The storage did not grow with the data",
        f"{seen}; its storage{size} was full" if size else seen, f"{case.database}, storage autoscaling",
        "set a maximum storage threshold (MaxAllocatedStorage) well above what is allocated",
        "database administrators", Effort.SETTING,
        f"`aws rds describe-db-instances --db-instance-identifier {case.instance}` shows MaxAllocatedStorage above "
        "AllocatedStorage", case.trouble.whole)
    yield Advice(
        "alarm-storage", "detection", "Nobody was told that storage ran out", seen,
        f"CloudWatch alarm on FreeStorageSpace of {case.instance}", "set an alarm at a tenth of the allocated storage, "
        "and look at what grew", "database administrators", Effort.SETTING,
        f"`aws cloudwatch describe-alarms-for-metric --namespace AWS/RDS --metric-name FreeStorageSpace --dimensions "
        f"Name=DBInstanceIdentifier,Value={case.instance}` shows it", case.trouble.whole)


MECHANISM = Mechanism(
    id="storage_full",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="database storage full",
    subject="full storage of {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_space: 2.5,
        database.database_storage_full: 2.5,
        database.database_storage_gone: 2.5,
        calls.kind_connect_timeout: -2.5,
        calls.kind_dns: -2.5,
        calls.kind_credentials: -2.5,
        calls.kind_refused: -2.0,
        calls.kind_connections: -2.0,
        calls.kind_lock: -2.0,
        database.database_available: -2.0,
        database.database_connections_gone: -1.0,
        probes.probe_does_not_get_through: -1.0,
        probes.probe_is_refused: -1.0,
        calls.kind_read_only: -0.5,
    },
    improvements=improvements,
)
