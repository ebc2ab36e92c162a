"""Payments by what they are, from the event that New Relic has of each.

Formats: New Relic's pages "NRQL reference" (``FACET`` takes five attributes at most, and leaves out rows whose value is
null) and "Report custom event data" (the agents' ``recordCustomEvent`` bears ``appName``); OpenTelemetry sends none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.model.evidence import Bucket, Finding, Series
from responder.model.evidence.approvals import Approvals
from responder.model.service import NewRelic, Payments
from responder.plan.payment_tables import ABSENT, judged, side_by_side, table, total_usual
from responder.sources import Query
from responder.sources.newrelic.answer import Answer
from responder.sources.newrelic.nrql import MAX_FACETS, Queries, attribute, events, first_of, periods, quote, span

NAME = "newrelic"
_FACETS = 5
_SERIES, _VERSIONS, _NOW, _USUAL = "payment_series", "payment_versions", "payment_now_", "payment_usual_"
_NONE = "New Relic has no payment of it: no agent reports the event, or the component sends OpenTelemetry alone"


def _tables(payments: Payments) -> Iterator[tuple[str, ...]]:
    """Yield the attributes of each table."""
    for first in range(0, len(payments.attributes), _FACETS):
        yield payments.attributes[first:first + _FACETS]


def payment_queries(settings: NewRelic, query: Query) -> dict[str, str]:
    """Return what is asked about payments, by alias; nothing where the configuration names no event of them."""
    payments = query.service.payments
    if payments is None or not payments.newrelic_event:
        return {}
    bucket, whole = periods(query.window)
    declined = ", ".join(quote(value) for value in payments.declined)
    measured = (f"SELECT count(*) AS requests, filter(count(*), WHERE {attribute(payments.outcome)} IN ({declined})) "
                "AS errors")
    source = (f"{measured} FROM {events(payments.newrelic_event)} WHERE {attribute(settings.component_attribute)} = "
              f"{quote(payments.component)}")
    version = first_of((attribute(settings.version_attribute),), quote(ABSENT))
    asked = {_SERIES: f"{source} {span(whole)} TIMESERIES {bucket} seconds",
             _VERSIONS: f"{source} FACET {version} {span(whole)} TIMESERIES {bucket} seconds LIMIT {MAX_FACETS}"}
    for number, names in enumerate(_tables(payments)):
        facets = ", ".join(first_of((attribute(name),), quote(ABSENT)) for name in names)
        for alias, window in ((_NOW, query.window), (_USUAL, query.baseline)):
            asked[f"{alias}{number}"] = f"{source} FACET {facets} {span(window)} LIMIT {MAX_FACETS}"
    return asked


def approvals(query: Query, payments: Payments, nrql: Queries, answer: Answer, link: str) -> Finding[Approvals]:
    """Return ``approvals`` of the component that takes payments."""
    tables, cut = [], False
    for number, names in enumerate(_tables(payments)):
        now, usual = ({row.facet: (row.requests, row.errors) for row in answer.rows(f"{alias}{number}")
                       if len(row.facet) == len(names)} for alias in (_NOW, _USUAL))
        cut = cut or max(len(now), len(usual)) >= MAX_FACETS
        tables.append(table(names, now, usual))
    versions: dict[float, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in answer.rows(_VERSIONS):
        versions[row.start][row.facet[0]] = (row.requests, row.errors)
    tables.append(side_by_side(versions, total_usual(tables[0])))
    series: Series = tuple(Bucket(row.start, row.requests, row.errors) for row in answer.rows(_SERIES))
    failed = answer.failure(*(alias for alias in nrql.asked if alias.startswith("payment_")))
    finding = Finding(source=NAME, detail=Approvals(), component=payments.component, window=query.window, unit="share",
                      query=nrql[f"{_NOW}0"], link=link)
    return judged(finding, tables, series, periods(query.window)[0], str(failed) if failed else
                  f"cut at {MAX_FACETS} facets" if cut else "", _NONE)
