"""Payments by what they are, from the lines that are written about each.

Format: Splunk's "Search Reference": ``stats … by`` leaves out an event that lacks one of the fields, so each has a
value (``eval`` with ``coalesce``); ``count(eval(…))``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from responder.model.evidence import Bucket, Detail, Finding, Series, Window
from responder.model.evidence.approvals import Approvals
from responder.model.service import Payments
from responder.plan.payment_tables import ABSENT, judged, side_by_side, table, total_usual
from responder.plan.periods import period_seconds
from responder.sources import Query
from responder.sources.splunk import rows, spl
from responder.sources.splunk.rows import Row
from responder.sources.splunk.search import Searches, link

_NONE = "Splunk has no line of a payment"
Counted = tuple[tuple[str, ...], tuple[float, float]]


def approvals(source: str, query: Query, payments: Payments,
              searches: Searches) -> Callable[[set[str]], list[Finding[Detail]]]:
    """Begin to count payments; what is returned waits for it and gives ``approvals`` of who takes them."""
    settings, names, version = searches.settings, payments.attributes, searches.settings.version_field
    found = (f"search {settings.search} {spl.named(settings.component_field)}={spl.text(payments.component)} "
             f"({payments.splunk_search})")
    outcome = f"lower({spl.value(payments.outcome)})"
    declined = " OR ".join(f"{outcome}={spl.text(value)}" for value in payments.declined)
    counted = f"stats count, count(eval({declined})) as declined by"
    by = ", ".join(spl.named(field) for field in names)
    asked = f"{found} | {spl.once(*names)} | {counted} {by}"
    bucket = period_seconds(query.window.seconds)
    begun = Window(query.window.start // bucket * bucket, query.window.end)

    def read(row: Row) -> Counted:
        return (tuple(rows.text(row, field) or ABSENT for field in names),
                (rows.number(row, "count", 0.0), rows.number(row, "declined", 0.0)))

    def period(row: Row) -> tuple[str, Bucket]:
        return rows.text(row, version), Bucket(
            rows.moment(row), rows.number(row, "count", 0.0), rows.number(row, "declined", 0.0))

    now, past = (searches.begin(asked, window, read) for window in (query.window, query.baseline))
    series = searches.begin(f"{found} | bin _time span={bucket}s | {spl.timed()} | {spl.once(version)} | {counted} "
                            f"{rows.TIME}, {spl.named(version)}", begun, period)

    def judge(silent: set[str]) -> list[Finding[Detail]]:
        (window, note), (usual, note_before), (periods, note_series) = now(), past(), series()
        finding = Finding(source=source, detail=Approvals(), component=payments.component, window=query.window,
                          unit="share", query=asked, link=link(settings))
        versions: dict[float, dict[str, tuple[float, float]]] = defaultdict(dict)
        for name, bucketed in periods:
            versions[bucketed.start][name] = (bucketed.requests, bucketed.errors)
        counts: Series = tuple(Bucket(start, *map(sum, zip(*by.values(), strict=True)))
                               for start, by in sorted(versions.items()))
        kinds = table(names, dict(window), dict(usual))
        return [judged(finding, [kinds, side_by_side(versions, total_usual(kinds))], counts, float(bucket),
                       note or note_before or note_series, _NONE)]

    return judge
