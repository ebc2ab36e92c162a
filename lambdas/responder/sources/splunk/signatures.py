"""Error lines that are alike but for times, numbers and ids, counted together (``plan/signature_counts.py``)."""

from __future__ import annotations

from collections.abc import Callable

from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.plan.signature_counts import SignatureCounts, by_pod
from responder.sources import Query
from responder.sources.splunk import rows, spl
from responder.sources.splunk.rows import Row
from responder.sources.splunk.search import Searches, link

_MAX_LINES = 20_000
_REST_SECONDS = 0.5
"""What is left of the query's time when reading stops, to judge what was read."""


def begin(source: str, query: Query, searches: Searches) -> Callable[[], list[Finding[Detail]]]:
    """Search the error lines of window and baseline; what is returned waits for them, or raises CallFailed.

    It gives ``error_signatures`` and, to diagnose, per component whose lines name their pods ``by_pod``.
    """
    settings = searches.settings
    fields = ", ".join(spl.named(field) for field in (
        rows.TIME, settings.component_field, settings.version_field, settings.pod_field))
    asked = (f"search {settings.search} ({spl.errors(settings)}) | head {_MAX_LINES} | {spl.timed()} "
             f"| fields {fields}, _raw | fields - _time")
    now, usual = (_counted(searches, asked, query, window) for window in (query.window, query.baseline))

    def judge() -> list[Finding[Detail]]:
        counts, note = now()
        before, note_before = usual()
        note = note or note_before
        signed: Finding[ErrorSignatures] = Finding(
            source=source, status="partial" if note else "ok", window=query.window, query=asked, note=note,
            link=link(settings), unit="lines", left_out=counts.left_out, value=float(counts.lines),
            detail=counts.detail(before, query.window.seconds / query.baseline.seconds))
        return [signed, *(by_pod(signed, counts) if query.phase == "diagnose" else ())]

    return judge


def _counted(searches: Searches, asked: str, query: Query,
             window: Window) -> Callable[[], tuple[SignatureCounts, str]]:
    """Count like lines while they stream: they are long, and there may be tens of thousands."""
    settings, counts = searches.settings, SignatureCounts(query.service)

    def count(row: Row) -> None:
        counts.add(rows.text(row, settings.component_field), rows.text(row, "_raw"),
                   rows.seconds(row.get(rows.TIME, row.get("_time"))),
                   rows.text(row, settings.version_field), rows.text(row, settings.pod_field))

    note = searches.each(asked, window, count, query.deadline - _REST_SECONDS)
    return lambda: (counts, note())
