"""All connections of the database are taken."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.connections import Connections
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, database, probes
from responder.plan.wording import count


def improvements(case: Case) -> Iterator[Advice]:
    """A client cannot take all connections, and people hear of it before the last one is gone."""
    seen = case.seen("connections", "waits") or case.seen()
    helped = case.helped.target.removeprefix("deployment/") if case.helped and case.helped.target.startswith(
        "deployment/") else ""
    holder = helped or case.component
    limit, shown, none = (
        ("MySQL: ALTER USER … WITH MAX_USER_CONNECTIONS", "user, max_user_connections FROM mysql.user", "0")
        if case.mysql else ("PostgreSQL: ALTER ROLE … CONNECTION LIMIT", "rolname, rolconnlimit FROM pg_roles", "-1"))
    yield Advice(
        "limit-connections", "prevention", "One client could take all connections",
        said(seen, f"what ended it: {case.helped.summary}" if case.helped else ""),
        f"the database {'user' if case.mysql else 'role'} of {holder} in {case.database}",
        f"limit its connections ({limit}; and the maximum of its pool), so that the sum over all clients stays below "
        "the maximum", f"developers of {holder}", Effort.SETTING,
        f"`SELECT {shown}` shows a limit for it, and not {none}", case.trouble.whole)
    connections = case.evidence.one(Connections)
    if connections and connections.detail.maximum:
        alarm = count(0.8 * connections.detail.maximum)
        yield Advice(
            "alarm-connections", "detection", "Nothing told that connections ran short",
            case.seen("connections") or seen,
            f"CloudWatch alarm on DatabaseConnections of {case.instance}",
            f"set an alarm at {alarm} connections, four fifths of the maximum", "database administrators",
            Effort.SETTING, f"`aws cloudwatch describe-alarms-for-metric --namespace AWS/RDS --metric-name "
            f"DatabaseConnections --dimensions Name=DBInstanceIdentifier,Value={case.instance}` shows it",
            case.earlier)


MECHANISM = Mechanism(
    id="connections_exhausted",
    cause=DATABASE_CONNECTION,
    lies_in="database",
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
