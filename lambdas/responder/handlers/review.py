"""Document the incident: the postmortem in S3, and the list of all."""

from __future__ import annotations

import os
import time
from typing import Any

from responder.clients.failure import CallFailed
from responder.handlers.step import Step, log, step
from responder.plan.improvements import came_late
from responder.plan.review import review, row
from responder.records import history
from responder.records.record import pack
from responder.records.report import notes, render, render_index, store, store_index
from responder.records.table import iso, seconds
from responder.sources import cloudwatch


@step("Write the postmortem", renews=False)
def handler(visit: Step) -> dict[str, Any]:
    """Write the report from the record alone, so that it can be written again at any time; returns addresses.

    What people have put beside it as ``review.md`` is merged in, with who wrote it and when.
    """
    bucket, service = os.environ["BUCKET"], visit.service
    items = visit.records.everything(visit.incident)
    rows = history.rows(visit.records, service.service)
    written = None
    try:
        written = notes(bucket, service.service, visit.incident)
    except CallFailed as failed:
        log(step="review", incident=visit.incident, notes=failed.note)
    contents = review(items, rows, _weeks(visit, items), written, service.entry)
    files: dict[str, str | bytes] = {**render(contents), "gz": pack(service, items)}
    try:
        addresses = store(bucket, service.service, visit.incident, files, service.reports.lock_days)
    except CallFailed as failed:
        raise RuntimeError(f"the postmortem could not be stored: {failed.note}") from failed
    mine = row(contents)
    history.keep(visit.records, mine)
    try:
        store_index(bucket, render_index(service.service, [*(old for old in rows if old["id"] != mine["id"]), mine]),
                    service.service)
    except CallFailed as failed:
        # The next report writes it again.
        log(step="review", incident=visit.incident, index=failed.note)
    visit.records.update(visit.incident, report=addresses, reported_at=iso(time.time()))
    visit.note("the postmortem is written", kind="report", detail=addresses)
    return {"report": addresses}


def _weeks(visit: Step, items: list[dict[str, Any]]) -> list[list[float]]:
    """The weeks before, where an alarm that came late is held against them; none where CloudWatch does not answer."""
    incident = next(item for item in items if item["sk"] == "INCIDENT")
    if not came_late(incident):
        return []
    try:
        return [list(row) for row in cloudwatch.weeks(visit.service, seconds(incident["onset"]))]
    except CallFailed as failed:
        log(step="review", incident=visit.incident, weeks=failed.note)
        return []
