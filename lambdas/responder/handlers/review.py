"""Document the incident: write the postmortem to S3, and the list of all incidents."""

from __future__ import annotations

import time

from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.step import Step, StepEvent, log, step
from responder.model.codec import decode
from responder.model.evidence import Series
from responder.model.facts import Reported
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import iso, seconds
from responder.plan.review import Notes, came_late, past_incident, review
from responder.records import history
from responder.records.record import pack
from responder.records.report import notes, render, render_index, store, store_index
from responder.sources import cloudwatch


@dataclass(frozen=True)
class ReviewResult:
    """What this step returns."""

    report: dict[str, str]
    """Addresses in S3 by file ending."""


@step("Write the postmortem", StepEvent, renews=False)
def handler(visit: Step, event: StepEvent) -> ReviewResult:
    """Write the report from the record only, so that it can be written again at any time.

    People's ``review.md`` beside it is merged in, with its author and time.
    """
    bucket, service = environment.bucket(), visit.service
    items = visit.records.items(visit.incident)
    record = IncidentRecord.of(items)
    others = tuple(past for past in history.past_incidents(visit.records, service.service)
                   if past.id != visit.incident)
    contents = review(record, others, _weeks(visit, record.incident), _notes(visit, bucket), service.entry)
    files: dict[str, str | bytes] = {**render(contents), "gz": pack(service, items)}
    try:
        addresses = store(bucket, service.service, visit.incident, files, service.reports.lock_days)
    except CallFailed as failed:
        raise RuntimeError(f"the postmortem could not be stored: {failed.note}") from failed
    mine = past_incident(contents)
    history.keep(visit.records, mine)
    try:
        store_index(bucket, render_index(service.service, [*others, mine]), service.service)
    except CallFailed as failed:
        # The next report will write it again.
        log(step="review", incident=visit.incident, index=failed.note)
    visit.records.update(visit.incident, report=addresses, reported_at=iso(time.time()))
    visit.note("the postmortem is written", kind="report", fact=decode(Reported, addresses))
    return ReviewResult(addresses)


def _notes(visit: Step, bucket: str) -> Notes | None:
    try:
        return notes(bucket, visit.service.service, visit.incident)
    except CallFailed as failed:
        log(step="review", incident=visit.incident, notes=failed.note)
        return None


def _weeks(visit: Step, incident: Incident) -> Series:
    """The data of the weeks before, for a late alarm; none where CloudWatch does not answer."""
    if incident.onset is None or not came_late(incident):
        return ()
    try:
        return cloudwatch.weeks(visit.service, seconds(incident.onset))
    except CallFailed as failed:
        log(step="review", incident=visit.incident, weeks=failed.note)
        return ()
