"""Findings that are too large to travel between states: each source's are objects below a folder of its own in S3.

The key has the digest of the object, so an answer is never replaced: a source that runs twice writes the same object,
or another one beside it, and what was passed on says which of them is meant. IAM lets a source write below its own
folder alone, and the steps that decide read all of them (``stacks/workflow.py``).
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from responder.clients import aws, objects
from responder.clients.failure import CallFailed
from responder.model.codec import Malformed
from responder.model.evidence import Detail, Finding
from responder.model.evidence.answer import Answer
from responder.model.incident import KeptAnswer, SourceAnswer, findings_of
from responder.plan.fitting import ANSWER_BYTES, FOLDER

_SECONDS = 2
_SIDE_BY_SIDE = 8


def keep(bucket: str, place: str, source: str, findings: Sequence[Finding[Detail]]) -> KeptAnswer:
    """Write a source's findings and return where they are; raises CallFailed.

    ``place`` names service, incident, moment and phase, as the end of a path.
    """
    text = json.dumps([finding.to_json() for finding in findings], separators=(",", ":"))
    content = zlib.compress(text.encode(), 6)
    digest = hashlib.sha256(content).hexdigest()
    key = f"{FOLDER}/{source}/{place}-{digest[:16]}.json.zz"
    with aws.failures("S3"):
        aws.client("s3", _SECONDS).put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/zlib")
    return KeptAnswer(key, digest, len(findings))


def fetched(bucket: str, answers: Sequence[SourceAnswer]) -> tuple[SourceAnswer, ...]:
    """Return answers with the findings that lie in S3; one that cannot be read says so, as one of a silent source."""
    if not any(answer.kept for answer in answers):
        return tuple(answers)
    aws.client("s3", _SECONDS)  # boto3 makes no clients side by side.
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return tuple(pool.map(partial(_whole, bucket), answers))


def _whole(bucket: str, answer: SourceAnswer) -> SourceAnswer:
    if answer.kept is None:
        return answer
    try:
        findings = _read(bucket, answer.source, answer.kept)
    except CallFailed as failed:
        findings = (Finding(source=answer.source, detail=Answer(), status=failed.status, note=(
            f"its {answer.kept.findings} findings could not be read: {failed.note}")),)
    return replace(answer, findings=findings, kept=None)


def _read(bucket: str, source: str, kept: KeptAnswer) -> tuple[Finding[Detail], ...]:
    if not kept.key.startswith(f"{FOLDER}/{source}/"):
        raise CallFailed("malformed", "they are not in the source's own folder")
    # A compressed answer is smaller than the answer.
    return opened(kept, objects.content(bucket, kept.key, ANSWER_BYTES + 1, _SECONDS))


def opened(kept: KeptAnswer, content: bytes) -> tuple[Finding[Detail], ...]:
    """Return the findings in an object's content; raises CallFailed where it is not what the source passed on."""
    if hashlib.sha256(content).hexdigest() != kept.digest:
        raise CallFailed("malformed", "they are not those that the source passed on")
    try:
        return findings_of(json.loads(zlib.decompressobj().decompress(content, ANSWER_BYTES + 1)), kept.key)
    except (zlib.error, ValueError, Malformed, AttributeError, TypeError) as error:
        raise CallFailed("malformed", f"they are not findings: {type(error).__name__}") from error
