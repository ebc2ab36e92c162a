"""No name, level or value of the configuration, and none that a cluster tells, changes what a query means.

Each query is made once with a harmless name and once with a hostile one, and read by the vendor's rules of quoting:
what is left beside the quoted parts must be the same. Source: New Relic's "NRQL reference" (strings in single quotes
with a backslash before what would end them, names in backticks); Splunk's "Search Reference" (texts in double quotes,
names in single ones) and "Use search macros in searches"; AWS's "CloudWatch Logs Insights language query syntax";
Prometheus' "Querying basics" (Go's escapes, no line break within quotes); Atlassian's "Advanced search reference -
JQL".
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.init.readers import mesh as mesh_reader
from cli.init.readers import splunk as splunk_reader
from responder.clients import aws
from responder.model.evidence import Window
from responder.model.service import CloudWatchLogs, Component, Prometheus, Service
from responder.model.service.issues import Jira
from responder.people import Filed, Message, jira
from responder.sources import Query, cloudwatch_logs, splunk
from responder.sources.cloudwatch_logs.queries import pattern
from responder.sources.newrelic.nrql import queries
from responder.sources.newrelic.payments import payment_queries
from responder.sources.prometheus.promql import CONVENTIONS, Asked, Names
from tests.conftest import shipped_service
from tests.odd import FUZZ, TEXTS

INNOCENT = "an innocent name"
HOSTILE = (
    "x' OR '1'='1", 'x" | delete', 'x" OR "" | outputlookup users', "x\\", 'x\\" | delete index=* "',
    "x\\' LIMIT MAX -- ", "x` UNTIL now FACET `", "`x`", "x]] | [[", "[search index=secrets]", "x) OR (1=1", "*", "x|y",
    "a\nb", "a\r\nb", "\x00",
    "/ | fields @message | filter /", "\\/ | x", "$by", "${jndi:ldap://x}", '"}) or vector(1) #', "<!-- -->", "x, y",
    "\u202ex", "a\u200bb", "\ud83d\ude00", "%27%20OR", "x;--", "'" * 40, '"' * 41, "\\" * 33, "x" * 100_000)
NAMES = (st.sampled_from((*HOSTILE, *(text for text in TEXTS if text.strip() and "\ud800" not in text)))
         | st.text(st.sampled_from("'\"\\`|[](){}/,;=<>#$*% \n\tx0"), min_size=1, max_size=12)).map(
             lambda text: f"{text} ")
"""Each needs quoting, as the innocent one does."""
WINDOWS = Window(1_795_000_000.0, 1_795_000_180.0), Window(1_794_996_400.0, 1_795_000_000.0)


class Language(NamedTuple):
    """How a query language quotes."""

    quoted: str
    """Parts in quotes."""


NRQL = Language(r"r'[^']*'|'(?:[^'\\]|\\.)*'|`[^`]*`")
SPL = Language(r'"(?:[^"\\]|\\.)*"' r"|'[^']*'|`[^`]*`")
INSIGHTS = Language(r'"(?:[^"\\]|\\.)*"' r"|'(?:[^'\\]|\\.)*'|`[^`]*`|(?<=like )/(?:[^/\\]|\\.)*/")
PROMQL = Language(r'"(?:[^"\\\n]|\\[abfnrtv\\"]|\\u[0-9a-f]{4})*"' r"|'[^'\\\n]*'|`[^`]*`")
JQL = Language(r'"(?:[^"\\]|\\.)*"')


def read(query: str, language: Language) -> tuple[str, list[str]]:
    """Return what is left of a query beside its quoted parts, each of which is a mark, and the parts."""
    parts: list[str] = []

    def taken(found: re.Match[str]) -> str:
        parts.append(found[0])
        return "\N{BULLET}"

    left = re.sub(language.quoted, taken, query, flags=re.DOTALL)
    assert not re.search("[\"'`]", left), left[:300]
    return left, parts


def values(parts: list[str]) -> set[str]:
    """Return what the quoted texts stand for."""
    return {re.sub(r"\\(.)", r"\1", part[1:-1], flags=re.DOTALL) for part in parts}


def named(name: str) -> Service:
    """Return the shipped service with a name wherever a query has one."""
    service = shipped_service()
    assert service.newrelic and service.splunk and service.payments
    fields = dict.fromkeys(("component_field", "level_field", "version_field", "pod_field", "client_field",
                            "status_field", "duration_field"), name)
    return replace(
        service, entry=name, components=(Component(name), Component("plain")), payments=replace(
            service.payments, component=name, attributes=(name, "method"), outcome=name, declined=(name.lower(),),
            newrelic_event="a b " + name.replace(",", ""), splunk_search="kind=payment"),
        newrelic=replace(service.newrelic, event="c d " + name.replace(",", ""), component_attribute=name,
                         version_attribute=name, peer_attribute=name),
        splunk=replace(service.splunk, error_levels=(name, "ERROR"), **fields),
        cloudwatch_logs=CloudWatchLogs(("/payments",), error_levels=(name, "ERROR"), **fields))


def asked_of(service: Service) -> Query:
    return Query(service, "diagnose", *WINDOWS, deadline=time.monotonic() + 5)


def nrql_of(service: Service) -> list[str]:
    query = asked_of(service)
    assert service.newrelic
    return [*queries(service.newrelic, query).asked.values(), *payment_queries(service.newrelic, query).values()]


class Splunks:
    """Takes searches and finds nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def lines(self, method: str, url: str, data: dict[str, str], **_: Any) -> Iterator[bytes]:
        self.asked.append(data["search"])
        yield from ()

    def post(self, url: str, data: dict[str, str], **_: Any) -> Any:
        self.asked.append(data["search"])
        return SimpleNamespace(status_code=200, text="")

    def get(self, url: str, params: dict[str, str]) -> Any:
        self.asked.append(params["query"])
        return SimpleNamespace(status_code=200, json=lambda: {"data": {"result": [
            {"metric": {}, "value": [0, "1"]}]}})


def spl_of(service: Service) -> list[str]:
    http = Splunks()
    splunk.collect(asked_of(service), http)  # type: ignore[arg-type]  # it only keeps what it is asked
    return sorted(http.asked, key=lambda spl: re.sub(r"\W.*", "", spl) + str(spl.count("|")) + str(len(spl)))


class Insights:
    """Takes queries and finds nothing."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def start_query(self, **given: Any) -> dict[str, str]:
        self.asked.append(given["queryString"])
        return {"queryId": "q"}

    def get_query_results(self, **_: str) -> dict[str, Any]:
        return {"status": "Complete", "results": []}


def insights_of(service: Service) -> list[str]:
    client = Insights()
    cloudwatch_logs.collect(asked_of(service), client)
    return client.asked


def promql_of(service: Service) -> list[str]:
    asked: list[str] = []
    for known in CONVENTIONS.values():
        one = Asked(Prometheus("https://p.example"), Names(known, "app", "version"), tuple(service.graph))
        asked += [one.requests(60, version=True), one.errors(60), one.p95_ms(60)]
        asked += [text for called in known.calls for text in (one.calls(called, 60), one.called_ms(called, 60))]
    return asked


LANGUAGES = {"NRQL": (NRQL, nrql_of), "SPL": (SPL, spl_of), "Logs Insights": (INSIGHTS, insights_of),
             "PromQL": (PROMQL, promql_of)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_query_has_the_same_form_whatever_its_names_are(language: str) -> None:
    rules, made = LANGUAGES[language]

    def forms(name: str) -> tuple[list[str], list[list[str]]]:
        found = [read(text, rules) for text in made(named(name))]
        return sorted(left for left, _ in found), [parts for _, parts in found]

    innocent, _ = forms(f"{INNOCENT} ")
    assert innocent

    @FUZZ
    @example('x" | delete\\ ')
    @example("x' OR 1=1 \\ ")
    @given(NAMES)
    def same(name: str) -> None:
        found, parts = forms(name)
        assert found == innocent
        if language in ("NRQL", "SPL", "Logs Insights"):
            assert any(name in values(one) for one in parts), "the component is asked for by its very name"

    same()


@pytest.mark.parametrize("expression", ["a/b", r"a\/b", r"a\\/b", "/", r"\\/ | fields @message", "a\\\\", "[/]"])
def test_an_expression_ends_where_it_is_closed(expression: str) -> None:
    left, parts = read(f"filter @message like {pattern(expression)} | x", INSIGHTS)
    assert left == "filter @message like \N{BULLET} | x" and len(parts) == 1


@FUZZ
@given(NAMES)
def test_a_name_that_a_cluster_tells_does_not_change_what_is_asked_for_a_first_configuration(name: str) -> None:
    def asked(name: str) -> list[str]:
        http = Splunks()
        known: Any = SimpleNamespace(workloads=(SimpleNamespace(name=name),), http=http)
        wanted: Any = SimpleNamespace(
            splunk_token="t", splunk_url="https://s.example", splunk_search="", components=(), service=name,
            namespace=name, prometheus_url="https://p.example")
        splunk_reader.read(wanted, known)
        mesh_reader.read(wanted, known)
        return http.asked

    for one, innocent in zip(asked(name), asked(INNOCENT), strict=True):
        rules = SPL if one.startswith("search ") else PROMQL
        assert read(one, rules)[0] == read(innocent, rules)[0]


def test_a_project_s_name_does_not_change_what_is_looked_for_in_jira(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Http:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def answer(self, method: str, url: str, json: dict[str, Any], **_: Any) -> Any:
            asked.append(str(json.get("jql", "")))
            return SimpleNamespace(status_code=200, json=lambda: {"issues": [], "key": "PAY-1"})

        def close(self) -> None: ...

    monkeypatch.setattr("responder.clients.http.Http", Http)
    monkeypatch.setattr(aws, "secret", lambda name: "secret")

    def looked_for(name: str) -> str:
        asked.clear()
        jira.CHANNEL.send(replace(shipped_service(), jira=Jira("https://j.example", name, "a@b", "s", label=name)),
                          Message("improvement", "", "i-1", "x", "y", mark="m"), Filed())
        return asked[0]

    @FUZZ
    @given(NAMES)
    def same(name: str) -> None:
        left, parts = read(looked_for(name), JQL)
        assert left == read(looked_for(INNOCENT), JQL)[0] and values(parts) == {name, f"{name}-m"}

    same()
