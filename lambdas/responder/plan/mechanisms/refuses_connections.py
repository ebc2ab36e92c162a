"""The database's process is down or deaf: nobody listens."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.moment import epoch
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes
from responder.plan.wording import clock


def improvements(case: Case) -> Iterator[Advice]:
    """Why it stopped listening is asked of AWS, and clients ride out the change to the standby."""
    yield Advice(
        "ask-for-cause", "prevention", "Why the database stopped taking connections is not known",
        case.seen("connections", "probe", "service_events") or case.seen(), case.database,
        f"read its {'MySQL error' if case.mysql else 'PostgreSQL'} log and Enhanced Monitoring from "
        f"{clock(case.trouble.start)} UTC on, and open a case with AWS where they do not "
        "tell", "database administrators", Effort.QUESTION,
        "the reason is written in the notes (review.md) of this report")
    if case.helped and case.helped.applied_at:
        yield Advice(
            "pool-in-front", "recovery", "Clients waited for the failover",
            f"{case.helped.summary}, applied at {clock(case.helped.applied_at)}; well again at "
            f"{clock(case.record.incident.recovered_at)}", f"connections from {case.component} to {case.database}",
            "put a pool in front that holds clients' connections through a failover (RDS Proxy)",
            "database administrators", Effort.DESIGN,
            f"`{case.fail_over}` fails fewer requests than in this incident",
            case.trouble.after(epoch(case.helped.applied_at)))


MECHANISM = Mechanism(
    id="refuses_connections",
    cause=DATABASE_CONNECTION,
    lies_in="database",
    title="database refuses connections",
    subject="refused connections to {database}",
    remedies=("restore_database",),
    weights={
        database.database_connections_gone: 2.5,
        # A failover says by itself why nobody listens for a while; a failed one leaves it so.
        database.database_fails_over: -2.0,
        database.database_failed_over: -1.0,
        database.database_failover_failed: 1.0,
        database.proxy_does_not_get_through: 1.0,
        calls.kind_refused: 1.5,
        probes.probe_is_refused: 1.5,
        calls.kind_credentials: -3.0,
        calls.kind_read_only: -3.0,
        calls.kind_space: -2.5,
        database.database_connections_at_maximum: -2.5,
        calls.kind_dns: -2.0,
        calls.kind_connections: -2.0,
        calls.kind_lock: -2.0,
        database.database_connections_usual: -2.0,
        probes.probe_gets_through: -1.5,
        probes.probe_resolves: -1.5,
        calls.kind_connect_timeout: -1.0,
        probes.probe_finds_bad_tls: -1.0,
        probes.probe_does_not_resolve: -0.7,
        calls.kind_reset: -0.5,
        probes.probe_does_not_get_through: -0.5,
        probes.probe_ends_in_tls: -0.5,
    },
    improvements=improvements,
)
