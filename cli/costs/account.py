"""Read an execution's history and an incident's record, from AWS or from files.

Rights: ``states:GetExecutionHistory`` on the execution; ``s3:GetObject`` on the record, with ``kms:Decrypt``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from cli.costs.incident import Event, Item
from cli.output import Refused
from responder.plan.replay import BadRecord
from responder.records.record import unpack


def history_of(session: boto3.Session, execution: str) -> list[Event]:
    """Return all events of an execution; raises botocore's errors."""
    pages = session.client("stepfunctions").get_paginator("get_execution_history").paginate(
        executionArn=execution, includeExecutionData=True)
    return [event for page in pages for event in page["events"]]


def history_in(path: Path) -> list[Event]:
    """Return the events of a file, as ``aws stepfunctions get-execution-history`` prints them; raises Refused.

    Both versions of the AWS command line are read: times as text, or as seconds since 1970.
    """
    try:
        events: Sequence[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["events"]
        return [{**event, "timestamp": _moment(event["timestamp"])} for event in events]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: expected the output of aws stepfunctions get-execution-history ({error!r})") from error


def _moment(said: str | float) -> datetime:
    return datetime.fromisoformat(said) if isinstance(said, str) else datetime.fromtimestamp(said, UTC)


def items_of(session: boto3.Session, record: str) -> list[Item]:
    """Return the items of a packed record, a file or ``s3://BUCKET/…/record.json.gz``; raises Refused."""
    try:
        if record.startswith("s3://"):
            bucket, _, key = record.removeprefix("s3://").partition("/")
            content: bytes = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        else:
            content = Path(record).read_bytes()
        items: list[Item] = unpack(content)["items"]
    except (OSError, BadRecord, KeyError) as error:
        raise Refused(f"{record}: expected an incident's record.json.gz ({error})") from error
    return items
