"""The database's machine or volume has used up the credits that it had saved, and is held to its baseline."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import wear
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, database
from responder.plan.signals import wear as worn


def improvements(case: Case) -> Iterator[Advice]:
    """What is needed all the time is bought all the time, and what is saved up is watched."""
    names = sorted({gone.resource for gone in wear.used_up(case.evidence, "")})
    seen = case.seen("wear")
    io = any("I/O" in name for name in names)
    yield Advice(
        "leave-credits", "prevention", "The database lived on what it had saved", seen, f"{case.database}, class and "
        "storage", "move the volume to gp3 with provisioned throughput" if io else
        "move it to a class without CPU credits (db.m or db.r)", "database administrators", Effort.DESIGN,
        "a load test of a day's height leaves its latency level for two hours", case.trouble.whole)
    yield Advice(
        "watch-credits", "detection", "Credits fell for hours and nothing told of it", seen, f"{case.database}, alarms",
        "alarm on CPUCreditBalance, BurstBalance, EBSIOBalance% and EBSByteBalance% at a third of their height",
        "database administrators", Effort.SETTING, "the alarm goes off an hour before they are used up", case.earlier)


MECHANISM = Mechanism(
    id="used_up_credits",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="used up credits of the database",
    subject="used up credits of {database}",
    # A reboot loses what little there is, and a failover leads to a machine of the same class.
    remedies=("escalate",),
    worsened_by=("restore_database", "scale_up"),
    needs=worn.balance_used_up,
    weights={
        worn.balance_used_up: 3.5,
        calls.slow_database_calls: 1.5,
        calls.kind_lock: 1.5,
        calls.kind_read_timeout: 1.0,
        changes.nothing_changed: 0.7,
        worn.balance_runs_out: 0.3,
        database.database_connections_gone: -1.5,
        calls.kind_refused: -2.0,
        calls.kind_credentials: -3.0,
    },
    improvements=improvements,
)
