"""Whether more payments are declined than usual: a symptom that no status and no log level shows."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Bucket, Evidence, Finding
from responder.model.evidence.approvals import Approvals
from responder.model.evidence.error_rate import ErrorRate
from responder.plan.declines import expected_share


def beyond_usual(finding: Finding[Approvals]) -> Finding[ErrorRate]:
    """Return payments as requests, of which those failed that were declined beyond what is usual for their kinds.

    So it is judged as any rate is: what issuers decline every day is no failure, and neither is it where the customers
    of strict ones become more. How many payments are usual is left out: that too few come is told by the requests.
    """
    usual = expected_share(finding.detail.tables)
    series = tuple(Bucket(period.start, period.requests, max(0.0, period.errors - usual * period.requests))
                   for period in finding.detail.series)
    requests, errors = (sum(period[place] for period in series) for place in (1, 2))
    return Finding(
        source=finding.source, component=finding.component, status=finding.status, window=finding.window,
        note=finding.note, detail=ErrorRate(series=series, period_seconds=finding.detail.period_seconds,
                                            requests=requests, errors=errors))


def rates(evidence: Evidence) -> Iterator[Finding[ErrorRate]]:
    """Yield the payments of all sources that count them, as requests."""
    return (beyond_usual(finding) for finding in evidence.of(Approvals))
