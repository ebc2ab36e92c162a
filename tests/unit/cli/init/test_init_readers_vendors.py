"""New Relic, Splunk and Prometheus, by answers in the shapes of their own pages, which the tests name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from cli.init.facts import Call
from cli.init.readers import Asked
from cli.init.readers import mesh as mesh_reader
from cli.init.readers import newrelic as newrelic_reader
from cli.init.readers import splunk as splunk_reader
from tests.unit.cli.init.stubs import known, workload

NEW_RELIC = Asked("pay", "payments", "payments", newrelic_account=1234567, newrelic_key="NRAK-1")
SPLUNK = Asked("pay", "payments", "payments", splunk_url="https://splunk.example:8089/", splunk_token="t")


def nerdgraph(nrql: Callable[[str], Any], pages: tuple[dict[str, Any], ...] = ()) -> Callable[[httpx.Request], Any]:
    """Answer as "NerdGraph tutorial: View entity data" and "… Query your data using NRQL" show."""
    left = list(pages)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["API-Key"] == "NRAK-1"
        body = json.loads(request.content)
        if "entitySearch" in body["query"]:
            results = left.pop(0) if left else {"nextCursor": None, "entities": []}
            return httpx.Response(200, json={"data": {"actor": {"entitySearch": {"count": 1, "results": results}}}})
        fields: dict[str, Any] = {}
        errors = []
        for alias, query in body["variables"].items():
            if alias == "account":
                continue
            rows = nrql(query)
            fields[alias] = None if isinstance(rows, str) else {"results": rows}
            if isinstance(rows, str):
                errors.append({"message": rows, "path": ["actor", "account", alias]})
        return httpx.Response(200, json={"data": {"actor": {"account": fields}}, "errors": errors})

    return answer


def nrdb(query: str) -> Any:
    if "keyset()" in query:
        return [{"allKeys": ["appName", "gitCommit", "service.version"], "stringKeys": [], "numericKeys": []}]
    if "FACET appName " in query:
        return [{"facet": "payment-gateway", "appName": "payment-gateway", "n": 4000}]
    if "FACET entity.name, `server.address`" in query:
        return [{"facet": ["payment-gateway", "API.primary.example"], "n": 90},
                {"facet": ["payment-gateway", "db"], "n": 9}]
    if "FACET entity.name " in query:
        return [{"facet": "payment-gateway", "n": 400}]
    if "FROM Transaction" in query:
        return [{"n": 4000, "f0": 3900}]
    return [{"n": 400, "f0": 390}]


def test_new_relics_applications_attributes_and_calls() -> None:
    pages = ({"nextCursor": "c", "entities": [{"name": "payment-gateway", "domain": "APM", "reporting": True}]},
             {"nextCursor": None, "entities": [{"name": "orders", "domain": "APM", "reporting": True}]})
    given = known(http=nerdgraph(nrdb, pages))
    found = newrelic_reader.read(NEW_RELIC, given)
    assert [(one.name, one.requests, one.entity) for one in found.applications] == [
        ("orders", 0, True), ("payment-gateway", 4000, True)]
    assert found.attributes["service.version"] == 3900
    assert found.known_keys == ("appName", "gitCommit", "service.version")
    by = "New Relic's spans of the last day"
    assert found.calls == (Call("payment-gateway", "api.primary.example", 90, by), Call("payment-gateway", "db", 9, by))
    assert not given.troubles


def test_an_alias_that_times_out_alone_costs_what_it_would_have_told() -> None:
    """GraphQL specification, "Handling field errors": its field is null, and an error has its path."""
    late = "NRDB:1109 - Your query timed out."
    given = known(http=nerdgraph(lambda query: late if "keyset" in query else nrdb(query)))
    found = newrelic_reader.read(NEW_RELIC, given)
    assert found.known_keys == ()
    assert found.calls
    assert given.troubles == ["the query of keys: NRDB:1109 - Your query timed out."]


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(401, json={"errors": [{"message": "The API key provided is invalid"}]}),
     "refused the user key (401)"),
    (httpx.Response(200, text="<html>upstream connect error</html>"), "answered no JSON"),
    (httpx.Response(503), "status 503"),
    (httpx.Response(200, json={"data": {"actor": {"account": None}}, "errors": [
        {"message": "Access denied.", "path": ["actor", "account"]}]}), "may not read the account 1234567")])
def test_new_relic_refuses(answer: httpx.Response, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        newrelic_reader.read(NEW_RELIC, known(http=lambda request: answer))


def test_without_a_key_nobody_is_asked() -> None:
    with pytest.raises(ValueError, match="NEW_RELIC_API_KEY"):
        newrelic_reader.read(Asked("a", "b", "c", newrelic_account=1), known())


def export(request: httpx.Request) -> httpx.Response:
    """Answer as "search/v2/jobs/export" does with ``output_mode=json``: an object a line, previews among them."""
    search = parse_qs(request.content.decode())["search"][0]
    assert request.headers["Authorization"] == "Bearer t"
    if "fieldsummary" in search:
        assert search.startswith("search index=pay-logs sourcetype=kube:container | head")
        rows = [{"field": "service", "count": "80", "values": json.dumps([{"value": "payment-gateway", "count": 80}])},
                {"field": "severity", "count": "100", "values": json.dumps([
                    {"value": "info", "count": 90}, {"value": "critical", "count": 10}])},
                {"field": "status", "count": "70", "values": "[]"}]
    else:
        rows = [{"index": "pay-logs", "sourcetype": "kube:container", "count": "900"},
                {"index": "audit", "sourcetype": "k8s", "count": "12"}]
    lines = [json.dumps({"preview": True, "result": rows[0]}), *(
        json.dumps({"preview": False, "offset": place, "result": row}) for place, row in enumerate(rows))]
    return httpx.Response(200, text="\n".join(lines) + "\n")


def test_splunks_indexes_and_fields() -> None:
    found = splunk_reader.read(SPLUNK, known(workloads=[workload("payment-gateway")], http=export))
    assert [(one.index, one.count) for one in found.sources] == [("pay-logs", 900), ("audit", 12)]
    assert {one.name: one.values for one in found.fields} == {
        "service": ("payment-gateway",), "severity": ("info", "critical"), "status": ()}


def test_an_older_splunk_has_the_first_version_of_the_endpoint_alone() -> None:
    asked: list[str] = []

    def older(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return export(request) if "/v2/" not in request.url.path else httpx.Response(404, json={"messages": []})

    splunk_reader.read(SPLUNK, known(workloads=[workload("payment-gateway")], http=older))
    assert asked == ["/services/search/v2/jobs/export", "/services/search/jobs/export"] * 2


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(401, json={"messages": [{"type": "WARN", "text": "call not properly authenticated"}]}), "token"),
    (httpx.Response(503, json={"messages": [{"type": "WARN", "text": "concurrent searches"}]}), "concurrent searches"),
    (httpx.Response(200, text='{"messages":[{"type":"FATAL","text":"Unknown search command"}]}\n'), "Unknown search"),
    (httpx.Response(200, text='{"preview":false,"result"'), "delimiter")])
def test_splunk_refuses(answer: httpx.Response, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        splunk_reader.read(SPLUNK, known(http=lambda request: answer))


def test_a_meshs_own_count_of_calls() -> None:
    """Prometheus: "HTTP API", instant queries; Istio: "Standard Metrics"."""
    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        rows: list[dict[str, Any]] = []
        if query == "count(istio_requests_total)":
            rows = [{"metric": {}, "value": [1764151200.0, "5"]}]
        elif "source_workload" in query:
            rows = [{"metric": {"source_workload": "frontend",
                                "destination_service": "backend.payments.svc.cluster.local"},
                     "value": [1764151200.0, "120.5"]}]
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": rows}})

    found = mesh_reader.read(Asked("a", "payments", "c", prometheus_url="http://prometheus"), known(http=answer))
    assert (found.metrics, found.calls[0].caller, found.calls[0].count) == ("istio", "frontend", 120)
