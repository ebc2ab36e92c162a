"""Document the incident: write the postmortem to S3, and the list of all incidents."""

from __future__ import annotations

import time
from collections.abc import Sequence

from responder.clients.failure import CallFailed
from responder.clients.objects import Lock
from responder.handlers import environment
from responder.handlers.issues import file_improvements
from responder.handlers.step import StepEvent, StepRun, log, step
from responder.model.codec import decode
from responder.model.evidence import Series
from responder.model.facts import Reported
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import iso, seconds
from responder.plan.review import Notes, PastIncident, Review, came_late, past_incident, review
from responder.plan.review.live import live, version
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
def handler(run: StepRun, event: StepEvent) -> ReviewResult:
    """Write the report from the record only, so that it can be written again at any time.

    People's ``review.md`` beside it is merged in, with its author and time.
    """
    bucket, service = environment.bucket(), run.service
    others = tuple(past for past in history.past_incidents(run.records, service.service) if past.id != run.incident)
    record, contents, addresses = _write(run, bucket, others)
    if file_improvements(run, record, contents):
        record, contents, addresses = _write(run, bucket, others)  # Once more, with the issues' addresses.
    mine = past_incident(contents)
    history.keep(run.records, mine)
    try:
        store_index(bucket, render_index(service.service, [*others, mine]), service.service)
    except CallFailed as failed:
        # The next report will write it again.
        log(step="review", incident=run.incident, index=failed.note)
    run.records.update(run.incident, report=addresses, reported_at=iso(time.time()))
    run.note("the postmortem is written", kind="report", fact=decode(Reported, addresses))
    return ReviewResult(addresses)


def _write(run: StepRun, bucket: str, others: Sequence[PastIncident]) -> tuple[IncidentRecord, Review, dict[str, str]]:
    """Write the report; return the record, what the report holds and where it is."""
    service, read_at = run.service, iso(time.time())
    items = run.records.items(run.incident)
    record = IncidentRecord.of(items)
    contents = review(record, others, _weeks(run, record.incident), _notes(run, bucket), service)
    over = record.incident.status == "closed"
    rendered = render(contents, None if over else live(
        service, record, time.time(), execution=run.execution, region=environment.region()))
    page = rendered.pop("html")
    files: dict[str, str | bytes] = {**rendered, "gz": pack(service, items)}
    try:
        addresses = store(bucket, service.service, run.incident, page, version(record, read_at, final=over), files,
                          Lock(service.reports.lock_days, service.reports.lock_mode), final=over)
    except CallFailed as failed:
        raise RuntimeError(f"the postmortem could not be stored: {failed.note}") from failed
    return record, contents, addresses


def _notes(run: StepRun, bucket: str) -> Notes | None:
    try:
        return notes(bucket, run.service.service, run.incident)
    except CallFailed as failed:
        log(step="review", incident=run.incident, notes=failed.note)
        return None


def _weeks(run: StepRun, incident: Incident) -> Series:
    """The data of the weeks before, for a late alarm; none where CloudWatch does not answer."""
    if incident.onset is None or not came_late(incident):
        return ()
    try:
        return cloudwatch.weeks(run.service, seconds(incident.onset))
    except CallFailed as failed:
        log(step="review", incident=run.incident, weeks=failed.note)
        return ()
