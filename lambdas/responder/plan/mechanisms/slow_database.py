"""The database is reached and does not get on: locks, a runaway query, too much of everything."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.waits import Waits
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.kinds import ErrorKind
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, dependency, probes, wear
from responder.plan.wording import decimal


def improvements(case: Case) -> Iterator[Advice]:
    """A statement cannot hold what others wait for without end; load that holds it is told of early."""
    waits = case.evidence.one(Waits)
    seen = case.seen("waits", "cpu") or case.seen("calls")
    if case.mostly(ErrorKind.LOCK) or any(database.is_lock(wait) for wait in (waits.detail.waits if waits else ())):
        yield Advice(
            "limit-lock-waits", "prevention", "A transaction could hold locks for as long as it liked", seen,
            f"{case.database}, " + ("innodb_lock_wait_timeout and max_execution_time" if case.mysql else
                                    "lock_timeout and idle_in_transaction_session_timeout"),
            f"set both for the {'sessions' if case.mysql else 'roles'} of batch jobs and of people, and let jobs commit"
            " in small steps", "database administrators", Effort.SETTING,
            "`SHOW VARIABLES` in such a session shows both" if case.mysql else
            "`SELECT rolname, rolconfig FROM pg_roles` shows both for these roles", case.trouble.whole)
    else:
        yield Advice(
            "find-statement", "prevention", "The database was kept busy", seen,
            f"{case.database}, the statement with most load", "find it in Performance Insights, and give it an index, "
            "a limit or another hour", "database administrators", Effort.CHECK,
            "its load in Performance Insights is below the number of vCPUs at the same hour", case.trouble.whole)
    if waits and waits.value:
        yield Advice(
            "alarm-load", "detection", "Nothing told that sessions were waiting",
            f"Performance Insights: {decimal(waits.value)} active sessions on average; {seen}",
            f"CloudWatch alarm on DBLoad of {case.instance}", "set an alarm on DBLoad above the number of vCPUs",
            "database administrators", Effort.SETTING,
            f"`aws cloudwatch describe-alarms-for-metric --namespace AWS/RDS --metric-name DBLoad --dimensions "
            f"Name=DBInstanceIdentifier,Value={case.instance}` shows it",
            case.earlier)


MECHANISM = Mechanism(
    id="slow_database",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="slow database",
    subject="slow answers of {database}",
    remedies=("restore_database",),
    weights={
        calls.slow_database_calls: 2.5,
        database.database_waits_for_locks: 2.5,
        calls.kind_lock: 2.0,
        database.database_cpu_high: 1.5,
        calls.kind_read_timeout: 1.0,
        calls.database_calls_end_quickly: -3.0,
        # A machine without credits is slow, and is so after a reboot as well.
        wear.balance_used_up: -3.0,
        calls.kind_credentials: -2.5,
        calls.kind_dns: -2.0,
        calls.kind_read_only: -2.0,
        database.database_connections_gone: -2.0,
        dependency.cache_hit_ratio_fell: -2.0,
        calls.kind_refused: -1.5,
        calls.kind_space: -1.5,
        probes.probe_is_refused: -1.0,
        calls.kind_connections: -0.5,
        probes.probe_does_not_get_through: -0.5,
    },
    improvements=improvements,
)
