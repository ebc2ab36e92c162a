"""All connections of the database are taken."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.connections import Connections
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes
from responder.plan.wording import count


def improvements(case: Case) -> Iterator[Advice]:
    """A client cannot take all connections, and people hear of it before the last one is gone."""
    seen = case.seen("connections", "waits") or case.seen("calls")
    helped = case.helped.target.removeprefix("deployment/") if case.helped and case.helped.target.startswith(
        "deployment/") else ""
    holder = helped or case.component
    yield Advice(
        "limit-connections", "prevention", "One client could take all connections",
        f"{seen}; what ended it: {case.helped.summary}" if case.helped else seen,
        f"the database role of {holder} in {case.database}", "limit its connections (PostgreSQL: ALTER ROLE … "
        "CONNECTION LIMIT; and the maximum of its pool), so that the sum over all clients stays below the maximum",
        f"developers of {holder}", Effort.SETTING,
        "`SELECT rolname, rolconnlimit FROM pg_roles` shows a limit for it, and not -1", case.trouble.whole)
    connections = case.evidence.one(Connections)
    if connections and connections.detail.maximum:
        alarm = count(0.8 * connections.detail.maximum)
        yield Advice(
            "alarm-connections", "detection", "Nothing told that connections ran short", case.seen("connections"),
            f"CloudWatch alarm on DatabaseConnections of {case.instance}",
            f"set an alarm at {alarm} connections, four fifths of the maximum", "database administrators",
            Effort.SETTING, f"`aws cloudwatch describe-alarms-for-metric --namespace AWS/RDS --metric-name "
            f"DatabaseConnections --dimensions Name=DBInstanceIdentifier,Value={case.instance}` shows it",
            case.earlier)


MECHANISM = Mechanism(
    id="connections_exhausted",
    cause=DATABASE_CONNECTION,
    title="database out of connections",
    subject="exhausted connections of {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_connections: 2.5,
        database.database_connections_at_maximum: 2.5,
        database.one_client_holds_connections: 1.5,
        database.database_connections_gone: -3.0,
        calls.kind_dns: -2.5,
        calls.kind_read_only: -2.5,
        calls.kind_refused: -2.0,
        calls.kind_connect_timeout: -2.0,
        calls.kind_credentials: -2.0,
        calls.kind_space: -2.0,
        database.database_connections_usual: -2.0,
        probes.probe_is_refused: -1.5,
        probes.probe_does_not_get_through: -1.0,
        database.database_waits_for_locks: -0.5,
    },
    improvements=improvements,
)
