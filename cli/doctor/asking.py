"""What the functions of a service's sources answer, each asked once, as an incident would ask it.

So the same queries run, by the responder's own roles, secrets and networks. The functions keep their answers word for
word in the report bucket under ``raw/SERVICE/doctor``, which its lifecycle deletes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.account import Account, code_of, is_missing
from cli.doctor.model import NotKnown
from responder.clients.failure import CallFailed
from responder.model.codec import Malformed
from responder.model.evidence import Detail, Finding
from responder.model.incident import SourceAnswer
from responder.model.moment import iso
from responder.model.service import Service
from responder.records import answers
from responder.sources import Phase, Source
from stacks.elsewhere import suffix
from stacks.network import source_units, unit_of
from stacks.used import used_sources

INCIDENT = "doctor"
_PHASES: tuple[Phase, ...] = ("diagnose", "confirm", "isolate", "watch", "aftercare")
"""The phases in which a source is asked, the one with the most questions first."""
_AT_ONCE = 8
_READ_SECONDS = 40


@dataclass(frozen=True)
class Said:
    """What one source's function answered."""

    source: Source
    function: str
    findings: tuple[Finding[Detail], ...] = ()
    failed: str = ""
    """Why the function itself did not answer: the responder would have none in an incident either."""
    unasked: NotKnown | None = None
    """Why it could not be asked by whoever runs the doctor; it may work for the responder."""


@dataclass(frozen=True)
class Answers:
    """What all sources of one service answered."""

    said: tuple[Said, ...]

    @classmethod
    def asked(cls, account: Account, service: Service, every: Sequence[Service]) -> Answers:
        """Ask the functions of all sources of a service, side by side."""
        units = source_units(every)
        named = [(source, service.prefix + suffix("source", unit_of(service, units, source.name)))
                 for source in used_sources([service])]
        account.client("lambda", _READ_SECONDS)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return cls(tuple(pool.map(lambda one: _said(account, service, *one), named)))

    def findings(self) -> Iterator[Finding[Detail]]:
        """Yield the findings of all sources."""
        for said in self.said:
            yield from said.findings


def event(service: Service, source: Source, now: float) -> dict[str, Any]:
    """Return what a source's function is sent: ``responder.handlers.ask.Ask``."""
    return {"incident": {"id": INCIDENT, "service": service.service, "opened_at": iso(now)},
            "phase": next(phase for phase in _PHASES if phase in source.phases), "now": iso(now)}


def _said(account: Account, service: Service, source: Source, function: str) -> Said:
    try:
        with account.asking("lambda"):
            answer = account.client("lambda", _READ_SECONDS).invoke(
                FunctionName=function, Payload=json.dumps(event(service, source, time.time())).encode())
            content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            said = content.get("errorMessage") or content.get("errorType") or "an error"
            return Said(source, function, failed=f"its function {function} failed: {str(said)[:200]}")
        return Said(source, function, _whole(account, SourceAnswer.from_wire(content, source.name)))
    except NotKnown as failed:
        return Said(source, function, unasked=failed)
    except ClientError as error:
        if is_missing(error):
            return Said(source, function, failed=f"there is no function {function}")
        return Said(source, function, failed=f"its function {function} cannot be invoked: {code_of(error)}")
    except BotoCoreError as error:
        return Said(source, function, unasked=NotKnown(f"Lambda did not answer: {type(error).__name__}"))
    except (Malformed, ValueError, KeyError) as error:
        return Said(source, function, failed=f"its function {function} answers in another form: {error}")


def _whole(account: Account, answer: SourceAnswer) -> tuple[Finding[Detail], ...]:
    """Return an answer's findings, also where they lie in S3 because they are many."""
    if answer.kept is None:
        return answer.findings
    bucket = account.stack.output("Reports")
    with account.asking("s3"):
        content = account.client("s3").get_object(Bucket=bucket, Key=answer.kept.key)["Body"].read()
    try:
        return answers.opened(answer.kept, content)
    except CallFailed as failed:
        raise NotKnown(failed.note) from failed
