"""Texts in S3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.frozen import dataclass
from responder.model.service.reports import LockMode

_CHANGED_MEANWHILE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""What S3 answers where the object is not the one that the writer has seen."""
_TRIES = 5


@dataclass(frozen=True)
class Stored:
    """A text as it is stored."""

    text: str
    modified: datetime
    author: str
    """The metadata ``author``; empty where its writer gave none."""


_MODES: Mapping[LockMode, str] = {"governance": "GOVERNANCE", "compliance": "COMPLIANCE"}
"""In the words of S3's API."""


@dataclass(frozen=True)
class Lock:
    """For how long a version of an object cannot be deleted (S3 Object Lock)."""

    days: int = 0
    mode: LockMode = "governance"

    def arguments(self) -> dict[str, str | datetime]:
        """What ``PutObject`` takes for it (S3's API reference: PutObject, x-amz-object-lock-mode)."""
        return {"ObjectLockMode": _MODES[self.mode],
                "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(days=self.days)} if self.days else {}


NO_LOCK = Lock()


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


def content(bucket: str, key: str, most_bytes: int, seconds: int = 5) -> bytes:
    """Return an object as it is stored, reading at most ``most_bytes``; raises CallFailed, also where there is none.

    ``seconds`` is how long S3 may take to answer.
    """
    with aws.failures("S3"):
        found: bytes = aws.client("s3", seconds).get_object(Bucket=bucket, Key=key)["Body"].read(most_bytes)
    return found


def write(bucket: str, key: str, body: str | bytes, content_type: str, lock: Lock = NO_LOCK) -> None:
    """Write a new version of an object; raises CallFailed.

    With a ``lock`` that version cannot be deleted before its days have passed.
    """
    with aws.failures("S3"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, ContentType=content_type, Body=_bytes(body),
                                    **lock.arguments())


def write_newer(bucket: str, key: str, body: str, content_type: str, version: str, *, lock: Lock = NO_LOCK,
                tags: str = "") -> bool:
    """Write an object unless the one that is there has this version or a later one; returns whether it was written.

    Versions are texts that sort; an object has its own in its metadata ``version``. Any number of writers may run at
    the same time, because each replaces only the object that it has compared with. ``tags`` are as in a query string.
    Raises CallFailed. Source: the S3 User Guide's page "How to prevent object overwrites with conditional writes".
    """
    marked = {"Tagging": tags} if tags else {}
    for _ in range(_TRIES):
        there = _head(bucket, key)
        if there.version >= version:
            return False
        try:
            with aws.failures("S3"):
                aws.client("s3").put_object(
                    Bucket=bucket, Key=key, ContentType=content_type, Body=_bytes(body),
                    Metadata={"version": version}, **marked, **lock.arguments(),
                    **({"IfMatch": there.etag} if there.etag else {"IfNoneMatch": "*"}))
        except CallFailed as failed:
            if failed.code not in _CHANGED_MEANWHILE:
                raise
        else:
            return True
    raise CallFailed("unavailable", "S3: the object was changed each time that it was to be written")


@dataclass(frozen=True)
class _There:
    """The object that is there; both are empty where there is none."""

    etag: str = ""
    version: str = ""


def _head(bucket: str, key: str) -> _There:
    try:
        with aws.failures("S3"):
            answer = aws.client("s3").head_object(Bucket=bucket, Key=key)
            return _There(str(answer["ETag"]), str((answer.get("Metadata") or {}).get("version") or ""))
    except CallFailed as failed:
        # An answer to HEAD has no body that names the error. Without the right to list, 403 stands for an object that
        # does not exist.
        if failed.http_status in (403, 404):
            return _There()
        raise


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
