"""Document the incident: the postmortem in S3, and the list of all."""

from __future__ import annotations

import os
import time

from responder.clients.failure import CallFailed
from responder.handlers.step import Step, log, step
from responder.model.codec import Malformed, decode, encode
from responder.model.evidence import Bucket, Series
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import iso, seconds
from responder.plan.review import Notes, PastIncident, came_late, past_incident, review
from responder.records import history
from responder.records.record import pack
from responder.records.report import notes, render, render_index, store, store_index
from responder.sources import cloudwatch


@step("Write the postmortem", renews=False)
def handler(visit: Step) -> dict[str, dict[str, str]]:
    """Write the report from the record alone, so that it can be written again at any time; returns addresses.

    What people have put beside it as ``review.md`` is merged in, with its author and time.
    """
    bucket, service = os.environ["BUCKET"], visit.service
    items = visit.records.everything(visit.incident)
    record = IncidentRecord.of(items)
    others = tuple(past for past in _history(visit) if past.id != visit.incident)
    contents = review(record, others, _weeks(visit, record.incident), _notes(visit, bucket), service.entry)
    files: dict[str, str | bytes] = {**render(contents), "gz": pack(service, items)}
    try:
        addresses = store(bucket, service.service, visit.incident, files, service.reports.lock_days)
    except CallFailed as failed:
        raise RuntimeError(f"the postmortem could not be stored: {failed.note}") from failed
    mine = past_incident(contents)
    history.keep(visit.records, encode(mine))
    try:
        store_index(bucket, render_index(service.service, [*others, mine]), service.service)
    except CallFailed as failed:
        # The next report writes it again.
        log(step="review", incident=visit.incident, index=failed.note)
    visit.records.update(visit.incident, report=addresses, reported_at=iso(time.time()))
    visit.note("the postmortem is written", kind="report", detail=addresses)
    return {"report": addresses}


def _history(visit: Step) -> list[PastIncident]:
    """The service's incidents; one that cannot be read is left out, for it must not cost this one its report."""
    found = []
    for row in history.rows(visit.records, visit.service.service):
        try:
            found.append(decode(PastIncident, row, "HISTORY"))
        except Malformed as error:
            log(step="review", incident=visit.incident, history=str(error))
    return found


def _notes(visit: Step, bucket: str) -> Notes | None:
    try:
        return notes(bucket, visit.service.service, visit.incident)
    except CallFailed as failed:
        log(step="review", incident=visit.incident, notes=failed.note)
        return None


def _weeks(visit: Step, incident: Incident) -> Series:
    """The weeks before, for an alarm that came late; none where CloudWatch does not answer."""
    if incident.onset is None or not came_late(incident):
        return ()
    try:
        return tuple(Bucket(*row) for row in cloudwatch.weeks(visit.service, seconds(incident.onset)))
    except CallFailed as failed:
        log(step="review", incident=visit.incident, weeks=failed.note)
        return ()
