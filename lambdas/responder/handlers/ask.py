"""Ask one source: which one is a matter of the function's environment, for each has a function and a role."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

from responder import sources
from responder.clients import aws, aws_limits, raw
from responder.clients.failure import CallFailed
from responder.handlers.step import log
from responder.model.finding import Finding, Window
from responder.model.masking import mask_all
from responder.model.service import Service, load
from responder.records.table import seconds

_KEPT_PHASES = frozenset({"confirm", "isolate", "diagnose"})
"""While the recovery is watched the same is asked every few seconds, and its numbers are whole in the findings."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return {"source", "findings", "milliseconds"} for {"incident", "phase", "now"}; it never fails.

    What goes wrong is a finding with the status that says how. Time ranges come from the incident and from the state
    machine's clock (``now``), not from the function's.
    """
    started = time.monotonic()
    source = sources.load(os.environ["SOURCE"])
    incident, phase = event["incident"], event["phase"]
    service = load(incident["service"])
    window, baseline = spans(service, phase, seconds(incident["opened_at"]), seconds(event["now"]),
                             seconds(incident.get("first_opened_at") or incident["opened_at"]),
                             seconds(event["since"]) if event.get("since") else None)
    query = sources.Query(service, phase, window, baseline, started + source.deadline_seconds)
    with raw.keeping() as kept:
        try:
            with aws_limits.until(query.deadline):
                findings = source.collect(query)
        except CallFailed as failed:
            findings = [Finding(source.name, "answer", failed.status, window=window, note=failed.note)]
        except Exception as error:
            findings = [Finding(source.name, "answer", "malformed", window=window,
                                note=f"the answer could not be read: {type(error).__name__}")]
            log(source=source.name, incident=incident["id"], error=repr(error)[:500])
    address = _stored(event, source.name, kept) if phase in _KEPT_PHASES else ""
    findings = [replace(finding, raw=address) for finding in findings]
    milliseconds = round((time.monotonic() - started) * 1000)
    log(source=source.name, incident=incident["id"], phase=phase, milliseconds=milliseconds,
        statuses=sorted({finding.status for finding in findings}))
    answer: dict[str, Any] = mask_all({
        "source": source.name, "findings": [finding.to_json() for finding in findings], "milliseconds": milliseconds})
    return answer


def _stored(event: dict[str, Any], source: str, kept: raw.Raw) -> str:
    """Keep the answers word for word; an empty text where there are none, or no place for them."""
    content = kept.packed()
    if not content:
        return ""
    incident = event["incident"]
    moment = event["now"].replace(":", "").replace("-", "")
    key = f"raw/{incident['service']}/{incident['id']}/{moment}-{event['phase']}-{source}.txt.gz"
    try:
        with aws.failures("S3"):
            aws.client("s3", 2).put_object(Bucket=os.environ["BUCKET"], Key=key, Body=content,
                                           ContentType="application/gzip")
    except CallFailed as failed:
        log(source=source, incident=incident["id"], raw=failed.note)
        return ""
    return f"s3://{os.environ['BUCKET']}/{key}"


def spans(service: Service, phase: str, opened_at: float, now: float, first_opened_at: float,
          changed_at: float | None = None) -> tuple[Window, Window]:
    """Return the window that is looked at, and the baseline before it, in seconds since 1970 (UTC).

    While the recovery is watched the window follows the time, and stays long enough to hold what must be well, and
    what was before a change at ``changed_at``; the baseline stays where it was, before the incident was first opened.
    """
    confirm, recovery = service.confirm, service.recovery
    if phase == "aftercare":
        return Window(now - confirm.window_seconds, now), Window(
            now - confirm.window_seconds - confirm.baseline_seconds, now - confirm.window_seconds)
    start = opened_at - confirm.window_seconds
    before = first_opened_at - confirm.window_seconds
    baseline = Window(before - confirm.baseline_seconds, before)
    if phase == "watch":
        latest = now - recovery.hold_seconds - confirm.window_seconds
        start = max(start, latest if changed_at is None else min(latest, changed_at - confirm.window_seconds))
    return Window(start, now), baseline
