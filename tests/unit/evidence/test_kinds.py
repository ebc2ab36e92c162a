"""What a failed call says of itself, by its wording."""

from __future__ import annotations

import pytest

from responder.plan.kinds import ErrorKind, kind_of


@pytest.mark.parametrize(("text", "kind"), [
    ("FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute", ErrorKind.CONNECTIONS),
    ('could not translate host name "db" to address: Name or service not known', ErrorKind.DNS),
    ("dial tcp 10.0.0.1:5432: connect: connection refused", ErrorKind.REFUSED),
    ("ERROR 1045 (28000): Access denied for user 'shop'@'10.0.0.1'", ErrorKind.CREDENTIALS),
    ("ERROR: cannot execute UPDATE in a read-only transaction", ErrorKind.READ_ONLY),
    ("ERROR 1290 (HY000): The MySQL server is running with the --read-only option", ErrorKind.READ_ONLY),
    ("Read timed out", ErrorKind.READ_TIMEOUT), ("payment-gateway answered 500", ErrorKind.CALLEE_5XX),
    ("NullPointerException: merchantId", ErrorKind.OTHER)])
def test_errors_are_distinguished_by_their_wording(text: str, kind: ErrorKind) -> None:
    assert kind_of(text) is kind
