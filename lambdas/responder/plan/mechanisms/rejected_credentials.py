"""The database refuses the credentials that the component brings."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.trail import Trail
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import DATABASE_CONNECTION
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, database, probes, trail


def improvements(case: Case) -> Iterator[Advice]:
    """A rotation must leave the old password valid until the pods have read the new one; nobody else writes it."""
    rotated = [event for finding in case.evidence.of(Trail) for event in finding.detail.events
               if event.topic == "rotation" and event.name == "RotationSucceeded"]
    if not rotated:
        yield Advice(
            "guard-secret", "prevention", "A password changed, and no rotation is on record", case.seen(),
            f"the credentials of {case.component} for {case.callee}", "let only the rotation write them (a condition "
            "in the secret's resource policy and in RBAC), and find out by CloudTrail and the cluster's audit log who "
            "did", "SRE", Effort.ACCESS, "the write of a test user to the secret is denied", case.trouble.whole)
    for secret in dict.fromkeys(name for event in rotated for name in event.resources):
        yield Advice(
            "rotate-alternating-users", "prevention", "The rotation made the password in use invalid at once",
            f"CloudTrail tells of RotationSucceeded of {secret}; {case.seen('calls')}", f"secret {secret}, rotation",
            "rotate by the alternating users strategy of Secrets Manager, in which the password before stays valid "
            "until the next rotation", "database administrators", Effort.CHECK,
            f"`aws secretsmanager rotate-secret --secret-id {secret}` passes without a failed request",
            case.trouble.whole)
        yield Advice(
            "reload-on-rotation", "recovery", "The pods kept the old password",
            f"they got the new one by a remedy: {case.helped.summary}" if case.helped else case.seen('calls'),
            f"{case.workload}, how it reads secret {secret}", "read the password again when a login is refused, or "
            "restart the Deployment on EventBridge's event of the rotation", case.developers, Effort.CHECK,
            "after a rotation new logins succeed without a restart by hand", case.trouble.whole)


MECHANISM = Mechanism(
    id="rejected_credentials",
    cause=DATABASE_CONNECTION,
    title="rejected database credentials",
    subject="rejected credentials for {database}",
    remedies=("restore_database",),
    weights={
        calls.kind_credentials: 2.5,
        trail.credentials_rotated: 2.5,
        database.proxy_is_not_let_in: 2.0,
        calls.kind_connect_timeout: -2.5,
        calls.kind_dns: -2.5,
        calls.kind_connections: -2.5,
        calls.kind_space: -2.5,
        calls.kind_lock: -2.5,
        calls.kind_read_only: -2.5,
        calls.kind_refused: -2.0,
        changes.database_settings_changed: -1.5,
        probes.probe_is_refused: -1.5,
        probes.probe_does_not_get_through: -1.0,
    },
    improvements=improvements,
)
