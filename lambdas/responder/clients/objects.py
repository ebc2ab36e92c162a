"""Texts in S3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Stored:
    """A text as it is stored."""

    text: str
    modified: datetime
    author: str
    """The metadata ``author``; empty where its writer gave none."""


def read(bucket: str, key: str, most_bytes: int) -> Stored | None:
    """Return a text, reading at most ``most_bytes``; None where there is none. Raises CallFailed."""
    try:
        with aws.failures("S3"):
            answer = aws.client("s3").get_object(Bucket=bucket, Key=key)
            text = answer["Body"].read(most_bytes).decode("utf-8", "replace")
            return Stored(text, answer["LastModified"], str((answer.get("Metadata") or {}).get("author") or ""))
    except CallFailed as failed:
        # Without the right to list, S3 answers AccessDenied for a key that does not exist.
        if failed.code == "NoSuchKey" or failed.status == "unauthorized":
            return None
        raise


def write(bucket: str, key: str, body: str | bytes, content_type: str, lock_days: int = 0) -> None:
    """Write a new version of an object; raises CallFailed.

    With ``lock_days`` that version cannot be deleted before that many days have passed.
    """
    lock: dict[str, str | datetime] = {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(days=lock_days)} if lock_days else {}
    with aws.failures("S3"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, ContentType=content_type,
                                    Body=body.encode() if isinstance(body, str) else body, **lock)
