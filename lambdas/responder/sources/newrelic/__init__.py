"""New Relic, asked by NRQL over NerdGraph.

One request carries all queries, as aliases, so that all are answered for the same moment: ``nrql.py`` asks,
``answer.py`` reads, ``served.py`` and ``called.py`` say what it amounts to. An alias that fails alone costs what it
would have told.
"""

from __future__ import annotations

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding
from responder.model.evidence.deployments import Deployments
from responder.model.evidence.issues import Issues
from responder.model.service import NewRelic
from responder.sources import Budget, Query, Source
from responder.sources.newrelic.answer import Answer, read
from responder.sources.newrelic.called import calls
from responder.sources.newrelic.nrql import Queries, graphql, queries
from responder.sources.newrelic.payments import approvals, payment_queries
from responder.sources.newrelic.served import served

_MARKERS = 50
_ISSUES = 20


def collect(query: Query, http: Http | None = None) -> list[Finding[Detail]]:
    """Return per component ``error_rate``, ``latency_p95_ms``, ``error_rate_by_version`` and ``calls``.

    Where the configuration names an event of payments, also ``approvals``; to diagnose, ``by_pod``, ``deployments`` and
    ``issues``. Raises CallFailed.
    """
    settings = query.service.newrelic
    if settings is None:
        raise CallFailed("unavailable", "New Relic is not configured")
    http = http or Http(query.deadline, headers={"API-Key": aws.secret(settings.secret)})
    nrql, diagnose = Queries(queries(settings, query).asked | payment_queries(settings, query)), (
        query.phase == "diagnose")
    answer = read(http.json("POST", settings.endpoint, json={
        "query": graphql(nrql.asked, diagnose), "variables": {"account": settings.account, **nrql.asked}}),
        nrql.asked)
    link = _link(settings)
    findings: list[Finding[Detail]] = []
    for component in query.service.components:
        findings += served(query, component.name, nrql, answer, link)
    findings += [calls(query, component.name, nrql, answer, link)
                 for component in query.service.components if component.calls]
    payments = query.service.payments
    if payments and payments.newrelic_event:
        findings.append(approvals(query, payments, nrql, answer, link))
    if diagnose:
        findings += [_deployments(query, nrql, answer, link), _issues(query, answer, link)]
    return findings


def _deployments(query: Query, nrql: Queries, answer: Answer, link: str) -> Finding[Deployments]:
    failed = answer.failure("deployments")
    if failed:
        return Finding(source=SOURCE.name, detail=Deployments(), status=failed.status, window=query.window,
                       query=nrql["deployments"], note=str(failed), link=link)
    return Finding(source=SOURCE.name, window=query.window, query=nrql["deployments"], value=float(len(answer.markers)),
                   unit="markers", link=link, left_out=max(0, len(answer.markers) - _MARKERS) or None,
                   detail=Deployments(markers=answer.markers[:_MARKERS]))


def _issues(query: Query, answer: Answer, link: str) -> Finding[Issues]:
    if answer.issues is None:
        return Finding(source=SOURCE.name, detail=Issues(), status="partial", window=query.window,
                       note="NerdGraph gave no issues")
    return Finding(source=SOURCE.name, window=query.window, value=float(len(answer.issues)), unit="open issues",
                   query="actor.account.aiIssues.issues(filter: {states: [ACTIVATED]})", link=link,
                   left_out=max(0, len(answer.issues) - _ISSUES) or None,
                   detail=Issues(issues=answer.issues[:_ISSUES]))


def _link(settings: NewRelic) -> str:
    host = "one.eu.newrelic.com" if ".eu." in settings.endpoint else "one.newrelic.com"
    return f"https://{host}/data-exploration/query-builder?account={settings.account}"


SOURCE = Source(
    name="newrelic",
    phases=frozenset({"confirm", "diagnose", "watch"}),
    collect=collect,
    configured=lambda service: service.newrelic is not None,
    secrets=lambda service: (service.newrelic.secret,) if service.newrelic else (),
    now_only=frozenset({Issues}),
    budget=Budget(
        "NRQL queries", 1500.0, 60.0, "3,000 queries a minute in an account (New Relic: Rate limits with NRQL); "
        "25 requests of a user at once (NerdGraph usage limits), which a look every second does not reach", 3000.0,
        a_look=lambda query: 25, scope=lambda service: str(service.newrelic.account if service.newrelic else "")),
)
