"""Keep the page of an open incident up to date: written anew whenever an entry is added to its timeline.

The timeline table's stream invokes this, batched (``stacks/live.py``). So no step waits for it, pays for it or fails by
it, and none of the steps' functions may write to the bucket. It may run twice, late and out of order: each time it
reads the record anew, and a page replaces only an older one (``plan/review/live.py:version``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.settings import of_incident
from responder.handlers.step import log, records
from responder.model.codec import Foreign, Json, decode
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import iso
from responder.model.service import load
from responder.plan.review import review
from responder.plan.review.live import live, version
from responder.records.report import render_page, store_live

_TIMELINE = "TIMELINE#"


class PageNotWritten(RuntimeError):
    """At least one page could not be written; the log has the reasons. The batch is tried again."""


@dataclass(frozen=True)
class _Text(Foreign):
    """A text in DynamoDB's own form."""

    KEYS: ClassVar[Mapping[str, str]] = {"text": "S"}
    text: str


@dataclass(frozen=True)
class _Keys(Foreign):
    pk: _Text


@dataclass(frozen=True)
class _Changed(Foreign):
    KEYS: ClassVar[Mapping[str, str]] = {"keys": "Keys"}
    keys: _Keys


@dataclass(frozen=True)
class _StreamRecord(Foreign):
    dynamodb: _Changed


@dataclass(frozen=True)
class _Batch(Foreign):
    """DynamoDB's event (Lambda Developer Guide: "Using AWS Lambda with Amazon DynamoDB"), as far as it is read."""

    KEYS: ClassVar[Mapping[str, str]] = {"records": "Records"}
    records: tuple[_StreamRecord, ...]


@observed()
def handler(event: Json, context: object) -> Json:
    """Write the page of each incident whose timeline has a new entry; raises PageNotWritten."""
    changed = [record.dynamodb.keys.pk.text for record in decode(_Batch, event, "event").records]
    failed = []
    for incident in dict.fromkeys(key.removeprefix(_TIMELINE) for key in changed if key.startswith(_TIMELINE)):
        try:
            _keep(incident)
        except Exception as error:  # What one incident's page fails by must not cost another's.
            log(step="live", incident=incident, failed=repr(error)[:500])
            failed.append(incident)
    if failed:
        raise PageNotWritten(", ".join(failed))
    return {}


def _keep(name: str) -> None:
    started, table, read_at = time.monotonic(), records(), iso(time.time())
    incident = table.find(name)
    if incident is None or _has_postmortem(incident):
        # Deleted meanwhile, or the postmortem is there.
        return
    held = table.lock(incident.service)
    service, record = of_incident(table, load(incident.service), name), IncidentRecord.of(table.items(name))
    page = render_page(review(record, service=service), live(
        service, record, time.time(), execution=held.execution if held and held.incident == name else "",
        answer_url=environment.answer_url(), region=environment.region()))
    written = store_live(environment.bucket(), incident.service, name, page, version(record, read_at))
    log(step="live", incident=name, written=written, entries=len(record.timeline), bytes=len(page),
        milliseconds=round((time.monotonic() - started) * 1000))


def _has_postmortem(incident: Incident) -> bool:
    return incident.status == "closed" and (incident.reported_at or "") >= (incident.closed_at or "~")
