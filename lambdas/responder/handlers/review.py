"""Document the incident: the postmortem in S3."""

from __future__ import annotations

import os
import time
from typing import Any

from responder.clients.failure import CallFailed
from responder.handlers.step import Step, step
from responder.plan.review import review
from responder.records.record import pack
from responder.records.report import render, store
from responder.records.table import iso


@step("Write the postmortem")
def handler(visit: Step) -> dict[str, Any]:
    """Write the report from the record alone, so that it can be written again at any time; returns addresses."""
    items = visit.records.everything(visit.incident)
    contents = review(items)
    files: dict[str, str | bytes] = {**render(contents), "gz": pack(visit.service, items)}
    try:
        addresses = store(os.environ["BUCKET"], visit.service.service, visit.incident, files)
    except CallFailed as failed:
        raise RuntimeError(f"the postmortem could not be stored: {failed.note}") from failed
    visit.records.update(visit.incident, report=addresses, reported_at=iso(time.time()))
    visit.note("the postmortem is written", kind="report", detail=addresses)
    return {"report": addresses}
