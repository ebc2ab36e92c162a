"""Whether the timeline table keeps what it is given: it is there, can be restored, and forgets what has expired.

Sources: the DynamoDB API Reference's pages "DescribeTable", "DescribeTimeToLive" and "DescribeContinuousBackups"; the
KMS API Reference's page "DescribeKey".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, attempted

_TIME_TO_LIVE = "expires"
"""The attribute by which items end (``stacks/records.py``)."""


def _look(here: Surroundings) -> Iterable[Check]:
    account, name = here.account, here.account.stack.output("Timeline")
    client = account.client("dynamodb")
    with account.asking("dynamodb"):
        try:
            table = client.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"table {name}", "it is gone: no incident can be opened",
                         "restore it, or deploy the stack anew")
            return
    yield from of_table(name, table)
    yield from attempted(f"table {name}: TTL", lambda: _ttl(account, name))
    yield from attempted(f"table {name}: point-in-time recovery", lambda: _recovery(account, name))
    yield from attempted("encryption key", lambda: _key(account, str(
        table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))))


def of_table(name: str, table: Mapping[str, Any]) -> Iterator[Check]:
    """Judge what DescribeTable says."""
    subject, status = f"table {name}", str(table.get("TableStatus"))
    if status not in ("ACTIVE", "UPDATING"):
        yield broken(subject, f"it is {status}", "look at the table in the console")
    else:
        yield well(subject, status)
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield broken(f"{subject}: stream", "it is off: the page of an open incident is not written",
                     "deploy again: make deploy")
    if not table.get("DeletionProtectionEnabled"):
        yield broken(f"{subject}: deletion protection", "it is off", f"aws dynamodb update-table --table-name {name} "
                     "--deletion-protection-enabled")


def _ttl(account: Account, name: str) -> Iterator[Check]:
    with account.asking("dynamodb"):
        found = account.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    yield of_ttl(name, found)


def of_ttl(name: str, found: Mapping[str, Any]) -> Check:
    """Judge what DescribeTimeToLive says."""
    subject, status = f"table {name}: TTL", str(found.get("TimeToLiveStatus"))
    if status in ("ENABLED", "ENABLING") and found.get("AttributeName") == _TIME_TO_LIVE:
        return well(subject, f"items end by their attribute {_TIME_TO_LIVE}")
    return broken(subject, f"it is {status}" + (f" by {found['AttributeName']}" if found.get("AttributeName") else "")
                  + ": nothing that has expired is deleted", f"aws dynamodb update-time-to-live --table-name {name} "
                  f"--time-to-live-specification Enabled=true,AttributeName={_TIME_TO_LIVE}")


def _recovery(account: Account, name: str) -> Iterator[Check]:
    with account.asking("dynamodb"):
        found = account.client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    yield of_recovery(name, str(found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")))


def of_recovery(name: str, status: str) -> Check:
    """Judge the status of point-in-time recovery."""
    subject = f"table {name}: point-in-time recovery"
    if status == "ENABLED":
        return well(subject, "on")
    return broken(subject, "it is off: what is deleted by mistake is lost", "aws dynamodb update-continuous-backups "
                  f"--table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true")


def _key(account: Account, arn: str) -> Iterator[Check]:
    if not arn:
        return
    with account.asking("kms"):
        yield of_key(arn, account.client("kms").describe_key(KeyId=arn)["KeyMetadata"])


def of_key(arn: str, found: Mapping[str, Any]) -> Check:
    """Judge what DescribeKey says."""
    state = str(found.get("KeyState"))
    if state == "Enabled":
        return well("encryption key", "enabled")
    return broken("encryption key", f"it is {state}: table, reports and topic cannot be used", (
        f"aws kms cancel-key-deletion --key-id {arn}; " if state == "PendingDeletion" else "")
        + f"aws kms enable-key --key-id {arn}")


PROBE = Probe("table", "the timeline table and its key", _look, (
    "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups", "kms:DescribeKey"))
