"""Make an incident's decisions again from its record alone, and say which ones come out otherwise."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3

from cli.incidents.asking import asking
from cli.incidents.reports import RIGHT
from cli.output import WRONG_INPUT, Refused
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.plain_json import parsed
from responder.plan.replay import BadRecord, Decision, replay
from responder.plan.weights import Weights, weights_of
from responder.records.record import unpack
from stacks.configuration import read_file


@dataclass(frozen=True)
class Replayed:
    """A decision that was made again."""

    at: str
    """When its state was entered, ISO 8601 in UTC."""
    step: str
    id: str
    recorded: dict[str, Json]
    again: dict[str, Json]
    why: str
    """The reason that is given now."""
    same: bool


def again(content: bytes, name: str, weights: Path | None, config: Path | None) -> tuple[list[Replayed], float]:
    """Return the decisions of a packed record, and how many milliseconds they took; raises Refused.

    ``name`` is what the record is called in a refusal. ``weights`` and ``config`` are files of other weights and of
    another configuration. Raises ConfigurationError for a configuration that cannot be used.
    """
    try:
        record, other = unpack(content), _weights(weights)
        started = time.perf_counter()
        decisions = replay(record, other, read_file(config) if config else None)
    except BadRecord as error:
        raise Refused(f"{name}: {error}", WRONG_INPUT) from error
    return [_replayed(one) for one in decisions], (time.perf_counter() - started) * 1000


def _replayed(one: Decision) -> Replayed:
    return Replayed(one.at, one.step, one.id, one.recorded, one.again, one.why, one.same)


def _weights(file: Path | None) -> Weights | None:
    if file is None:
        return None
    try:
        return weights_of(parsed(file.read_text(encoding="utf-8")), file.name)
    except (OSError, ValueError) as error:
        raise Refused(f"--weights {file}: {error}", WRONG_INPUT) from error


def of_file(name: str) -> bytes:
    """Return the content of a file; raises Refused."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{name}: expected a record's file ({error.strerror})", WRONG_INPUT) from error


def of_address(address: str, profile: str, region: str) -> bytes:
    """Return the content of ``s3://BUCKET/KEY``; raises Refused, and botocore's errors."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise Refused(f"{address}: expected s3://BUCKET/KEY", WRONG_INPUT)
    client: Any = boto3.Session(profile_name=profile or None, region_name=region or None).client("s3")
    with asking("read reports", RIGHT, "read-only"):
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def replayed_lines(decisions: Sequence[Replayed], milliseconds: float) -> Iterator[str]:
    """Yield each decision, what it was where it comes out otherwise, and how many do."""
    for decision in decisions:
        yield f"{'same ' if decision.same else 'OTHER'} {decision.at}  {decision.step}: {_told(decision.again)}"
        if not decision.same:
            yield f"      it was: {_told(decision.recorded)}"
        yield f"      {decision.why}"
    other = sum(not decision.same for decision in decisions)
    yield (f"{len(decisions)} decisions in {milliseconds:.0f} ms; "
           f"{other or 'none'} come{'s' if other == 1 else ''} out otherwise")


def _told(decision: dict[str, Json]) -> str:
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in decision.items() if value not in (None, "", []))
