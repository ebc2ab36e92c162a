"""Query one source, which the function's environment names; each source has a function and a role of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from responder import sources
from responder.clients import aws, aws_limits, raw, targets
from responder.clients.failure import CallFailed
from responder.clients.looks import ALONE, Alone
from responder.handlers import environment, looks, warm
from responder.handlers.observed import observed
from responder.handlers.step import Spans, log
from responder.model.codec import Json, Malformed, decode, encode
from responder.model.evidence import Detail, Finding, Window, finding_of
from responder.model.evidence.answer import Answer
from responder.model.frozen import dataclass
from responder.model.incident import SourceAnswer
from responder.model.masking import mask_all
from responder.model.service import Service, load
from responder.plan.fitting import ANSWER_BYTES, fitted, size_bytes
from responder.plan.own_metrics import FAILED
from responder.records import answers
from responder.records.table import seconds
from responder.sources import Phase

_KEPT_PHASES = frozenset({"confirm", "isolate", "diagnose"})
"""While the recovery is watched, the same query repeats every few seconds, and the findings have all its numbers."""

_KEEPING_SECONDS = 7.0
"""How long both the answers word for word and the findings take at most to be kept, behind a source's deadline."""


@dataclass(frozen=True)
class Ask:
    """The state machine's request to a source."""

    incident: Asked
    phase: Phase
    now: str
    """The state machine's clock, ISO 8601 in UTC, not the function's."""
    since: str | None = None
    """When a remedy changed something, while the recovery is watched."""


@dataclass(frozen=True)
class Asked:
    """The incident of the query; times are ISO 8601 in UTC."""

    id: str
    service: str
    opened_at: str
    execution: str = ""
    first_opened_at: str | None = None
    """Where the incident was opened again."""
    settings: str = ""
    """The version of its settings; empty: as bundled."""
    spans: Spans | None = None
    """The lengths of time of the incident's own settings; None: as bundled."""


@observed(states=1)
def handler(event: Json, context: object) -> Json:
    """Return ``SourceAnswer`` for ``Ask``, masked; a failure becomes a finding with a status, never an error."""
    if warmed := warm.warmed(event, warm.source):
        _ask_ahead(warmed.ahead)
        return {}
    started = time.monotonic()
    source, ask = sources.load(environment.source()), decode(Ask, event, "event")
    query = _query(source, ask, started)
    together = _together(source, query, ask)
    with raw.keeping() as kept:
        findings = collected(source, replace(query, looks=together), ask)
    # Its function ends ten seconds after its deadline (stacks/workflow.py).
    with aws_limits.until(query.deadline + _KEEPING_SECONDS):
        address = (_stored(ask, source.name, kept) if ask.phase in _KEPT_PHASES else "") or together.raw
        found = fitted(source.name, [masked(replace(finding, raw=address), ask) for finding in findings], ANSWER_BYTES)
        answer = _passed_on(ask, SourceAnswer(source.name, found, round((time.monotonic() - started) * 1000),
                                              shared=tuple(together.said)))
    log(source=source.name, incident=ask.incident.id, phase=ask.phase, milliseconds=answer.milliseconds,
        statuses=sorted({finding.status for finding in found}), kept=answer.kept.key if answer.kept else "",
        configuration=ask.incident.settings or "bundled")
    return encode(answer)


def _ask_ahead(question: Json) -> None:
    """Ask what the first diagnosis will need, where the source takes long; nobody waits for it, so it never fails.

    The diagnosis finds the answer as it finds one of another incident, and asks itself where there is none.
    """
    started = time.monotonic()
    try:
        source, table = sources.load(environment.source()), environment.looks_table()
        if source.ahead is None or question is None or not table:
            return
        ask = decode(Ask, question, "ahead")
        query = _query(source, ask, started)
        # Also an answer from before the incident's opening: where others have just asked, nobody asks ahead.
        query = replace(query, looks=looks.Ahead(
            table, source, query, ask.incident.id, seconds(ask.now) - looks.FRESH_SECONDS, _address(ask, source.name)))
        with raw.keeping() as kept:
            try:
                with aws_limits.until(query.deadline), targets.aimed(query.service):
                    source.ahead(query)
            finally:
                with aws_limits.until(query.deadline + _KEEPING_SECONDS):
                    _stored(ask, source.name, kept)
        log(source=source.name, incident=ask.incident.id, ahead=ask.phase,
            milliseconds=round((time.monotonic() - started) * 1000))
    except Exception as error:
        log(ahead=repr(error)[:500])


def _query(source: sources.Source, ask: Ask, started: float) -> sources.Query:
    """Return what a source is asked; ``started`` is when its function was called, in ``time.monotonic`` seconds."""
    service = _as_opened(load(ask.incident.service), ask.incident.spans)
    window, baseline = spans(service, ask.phase, seconds(ask.incident.opened_at), seconds(ask.now),
                             seconds(ask.incident.first_opened_at or ask.incident.opened_at),
                             seconds(ask.since) if ask.since else None)
    return sources.Query(service, ask.phase, window, baseline, started + source.deadline_seconds)


def _together(source: sources.Source, query: sources.Query, ask: Ask) -> Alone:
    """Return how look-ups are made: beside those of other incidents, where the function may ask the table."""
    table = environment.looks_table()
    if not table:
        return ALONE
    return looks.Together(table, source, query, ask.incident.id, max(
        seconds(ask.incident.opened_at), seconds(ask.now) - looks.FRESH_SECONDS))


def _passed_on(ask: Ask, answer: SourceAnswer) -> SourceAnswer:
    """Return an answer as it travels to the next state: as it is where it has room there, else where it is kept.

    Small ones travel with the state, which takes no time. Where a large one cannot be kept, what has room is passed
    on, and the rest is left out by name. What could not be read travels with the reference, for the heartbeat.
    """
    room = environment.answer_bytes()
    if size_bytes(encode(answer)) <= room:
        return answer
    try:
        kept = answers.keep(environment.bucket(), _place(ask), answer.source, answer.findings)
    except CallFailed as failed:
        log(source=answer.source, incident=ask.incident.id, kept=failed.note)
        beside = size_bytes(encode(replace(answer, findings=())))
        return replace(answer, findings=fitted(answer.source, answer.findings, room - beside))
    there = replace(answer, findings=(), kept=kept)
    unread = [finding for finding in answer.findings if finding.status in FAILED]
    return replace(there, findings=fitted(answer.source, unread, room - size_bytes(encode(there))))


def collected(source: sources.Source, query: sources.Query, ask: Ask) -> Sequence[Finding[Detail]]:
    """Return a source's findings; if it gives none, one finding that says why."""
    try:
        with aws_limits.until(query.deadline), targets.aimed(query.service):
            if source.shared is None:
                query.looks.turn()
            return source.collect(query)
    except CallFailed as failed:
        return [Finding(source=source.name, detail=Answer(), status=failed.status, window=query.window,
                        note=failed.note)]
    except Exception as error:
        log(source=source.name, incident=ask.incident.id, error=repr(error)[:500])
        return [Finding(source=source.name, detail=Answer(), status="malformed", window=query.window,
                        note=f"the answer could not be read: {type(error).__name__}")]


def masked(finding: Finding[Detail], ask: Ask) -> Finding[Detail]:
    """Return a finding masked; one that is not as its type says is ``malformed``, without its values."""
    try:
        return finding_of(mask_all(finding.to_json()))
    except (Malformed, TypeError, ValueError, AttributeError) as error:
        log(source=finding.source, incident=ask.incident.id, malformed=repr(error)[:500])
        plain = Finding[Detail](
            source=finding.source, detail=type(finding.detail)(), status="malformed", component=finding.component,
            window=finding.window, raw=finding.raw, note=f"the answer is not of the type it should be: {error}"[:300])
        return finding_of(mask_all(plain.to_json()))


def _stored(ask: Ask, source: str, kept: raw.Raw) -> str:
    """Keep the unchanged answers and return their address; empty where there are none, or no bucket for them."""
    content = kept.packed()
    if not content:
        return ""
    try:
        with aws.failures("S3"):
            aws.client("s3", 2).put_object(Bucket=environment.bucket(), Key=_raw_key(ask, source), Body=content,
                                           ContentType="application/gzip")
    except CallFailed as failed:
        log(source=source, incident=ask.incident.id, raw=failed.note)
        return ""
    return _address(ask, source)


def _address(ask: Ask, source: str) -> str:
    """Return where the unchanged answers of a look are kept."""
    return f"s3://{environment.bucket()}/{_raw_key(ask, source)}"


def _raw_key(ask: Ask, source: str) -> str:
    return f"raw/{_place(ask)}-{source}.txt.gz"


def _place(ask: Ask) -> str:
    """Return service, incident, moment and phase as the end of a path."""
    moment = ask.now.replace(":", "").replace("-", "")
    return f"{ask.incident.service}/{ask.incident.id}/{moment}-{ask.phase}"


def _as_opened(service: Service, lengths: Spans | None) -> Service:
    """Return the service with the lengths of time under which its incident was opened."""
    if lengths is None:
        return service
    return replace(service, recovery=replace(service.recovery, hold_seconds=lengths.hold_seconds), confirm=replace(
        service.confirm, window_seconds=lengths.window_seconds, baseline_seconds=lengths.baseline_seconds))


def spans(service: Service, phase: str, opened_at: float, now: float, first_opened_at: float,
          changed_at: float | None = None) -> tuple[Window, Window]:
    """Return the query window and the baseline before it, in seconds since 1970 (UTC).

    While the recovery is watched, the window moves with the time. It stays long enough for the required healthy time
    and for the time before a change at ``changed_at``. The baseline stays before the first opening of the incident.
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
