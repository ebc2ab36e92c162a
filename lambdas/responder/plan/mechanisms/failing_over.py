"""The database fails over to its standby, which heals by itself."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.events import DatabaseEvents
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.failovers import stage
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes
from responder.plan.wording import clock


def improvements(case: Case) -> Iterator[Advice]:
    """A failover is to be ridden out by the clients; and why it came is asked."""
    events = [event for finding in case.evidence.of(DatabaseEvents) for event in finding.detail.events]
    told = "; ".join(dict.fromkeys(f"{event.message} at {clock(event.at)}" for event in events if stage(event)))
    yield Advice(
        "ride-out-failover", "recovery", "A failover of the database was felt by customers",
        said(told, case.seen("calls")), f"connections from {case.component} to {case.database}",
        "put RDS Proxy in front, or let the pool check a connection before use, resolve the name anew (DNS caches of "
        "at most 5 s) and repeat what is safe to repeat", case.developers, Effort.DESIGN,
        f"`{case.fail_over}` in a quiet hour fails fewer requests than in this incident", case.trouble.whole)
    yield Advice(
        "ask-why-failover", "prevention", "Why the database failed over is not known", told or case.seen(),
        case.database, "read RDS's events and the log of that minute: a patch belongs in the maintenance window, a "
        "crash in a case with AWS", "database administrators", Effort.QUESTION,
        "the reason is written in the notes (review.md) of this report")


MECHANISM = Mechanism(
    id="failing_over",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="database failover",
    subject="failover of {database}",
    remedies=("wait",),
    weights={
        database.database_fails_over: 4.0,
        database.database_failed_over: 2.0,
        # The events name it; that it goes on is what waiting is for.
        database.database_failover_failed: -1.0,
        calls.kind_read_only: 1.5,
        calls.kind_refused: 1.0,
        probes.probe_is_refused: 1.0,
        database.database_connections_gone: 0.7,
        calls.kind_reset: 0.5,
        calls.kind_credentials: -2.0,
        database.no_failover: -2.0,
        database.database_connections_usual: -1.5,
        calls.kind_dns: -1.0,
        probes.probe_gets_through: -0.7,
        probes.probe_resolves: -0.7,
        database.database_available: -0.3,
    },
    improvements=improvements,
)
