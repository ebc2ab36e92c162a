"""``responder init`` finds the same calls and fields, whatever instruments the platform and however logs look.

The platform and its vendors are the sandbox's, which answer in the forms of the vendors' own pages.
"""

from __future__ import annotations

import random
import time
from typing import Any

import httpx
import pytest
import yaml

from cli.init.decide.draft import draft
from cli.init.document import written
from cli.init.facts import Databases, Facts, Instance
from cli.init.readers import Asked, Known
from cli.init.readers import newrelic as newrelic_reader
from cli.init.readers import splunk as splunk_reader
from sandbox.platform.flow import Calls as Called
from sandbox.platform.flow import Served
from sandbox.platform.spoken import Spoken
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors.gate import Gates
from sandbox.vendors.newrelic import KEY, NewRelic
from sandbox.vendors.splunk import TOKEN, Splunk
from tests.unit.cli.init.stubs import cluster, workload

GATEWAY, PROVIDER, DATABASE = "payment-gateway", "api.primary.example", "payments-db"
NAMES = ("frontend", "backend", GATEWAY)
ASKED = Asked(GATEWAY, "payments", "payments", newrelic_account=1234567, newrelic_key=KEY,
              newrelic_endpoint="http://newrelic/graphql", splunk_url="http://splunk", splunk_token=TOKEN)
END = float(int(time.time()) // 10 * 10)


@pytest.fixture(scope="module")
def telemetry() -> Telemetry:
    """Two healthy hours."""
    telemetry, rng = Telemetry(Versions()), random.Random(7)
    telemetry.reset(END - 60, 10, rng)
    for second in range(60):
        served = [Served(GATEWAY, f"{GATEWAY}-{pod}", "1.0.0", 10, 0, (150.0,) * 3, {}, {
            DATABASE: Called(10, 0, 40.0), PROVIDER: Called(10, 0, 900.0)}) for pod in range(4)]
        served += [Served(name, f"{name}-0", "1.0.0", 40, 0, (180.0,) * 3, {}, {called: Called(40, 0, 7000.0)})
                   for name, called in (("frontend", "backend"), ("backend", GATEWAY))]
        telemetry.second(END - 60 + second, served, rng)
    return telemetry


def known(answer: Any) -> Known:
    def serve(request: httpx.Request) -> httpx.Response:
        given = answer(request)
        return httpx.Response(given.status, content=given.body, headers={"Content-Type": given.kind})

    return Known(None, tuple(workload(name) for name in NAMES), httpx.Client(transport=httpx.MockTransport(serve)))


def configuration(part: object) -> tuple[dict[str, Any], str]:
    space = cluster(*(workload(name) for name in NAMES), workload("ledger-export"), services=NAMES)
    rds = Databases((Instance(DATABASE, f"{DATABASE}.abc.us-east-1.rds.amazonaws.com"),))
    text = written(draft(ASKED, Facts((space, rds, part)), (), "2026-11-26"))
    return yaml.safe_load(text), " ".join(text.replace("#", " ").split())


@pytest.mark.parametrize("dialect", ["agents", "opentelemetry", "python", "whole"])
def test_the_call_graph_by_every_instrumentation(telemetry: Telemetry, dialect: str) -> None:
    for item in telemetry.transactions:
        item.made.clear()
    stand_in = NewRelic(telemetry, Gates(), Delays(0, 0, 0, 0, 0))
    stand_in.spoken = Spoken(dialect, "a")
    found = newrelic_reader.read(ASKED, known(lambda request: stand_in.answer(
        {"api-key": request.headers["api-key"]}, request.content)))
    value, text = configuration(found)
    assert {one["name"]: sorted(one["calls"]) for one in value["components"]} == {
        "frontend": ["backend"], "backend": [GATEWAY], GATEWAY: [DATABASE, "primary"]}, text
    assert value["entry"] == "frontend"
    assert value["newrelic"]["component_attribute"] == "appName"


@pytest.mark.parametrize("dialect", ["plain", "json", "doubled"])
def test_the_fields_of_logs_in_every_form(telemetry: Telemetry, dialect: str) -> None:
    stand_in = Splunk(telemetry, Gates(), Delays(0, 0, 0, 0, 0), lambda: dialect)
    found = splunk_reader.read(ASKED, known(lambda request: stand_in.answer(
        {"authorization": request.headers["authorization"]}, request.content, request.url.path)))
    value, text = configuration(found)
    assert value["splunk"]["search"] == "index=payments sourcetype=app", text
    assert {key: value["splunk"][key] for key in (
        "component_field", "level_field", "version_field", "pod_field", "client_field", "duration_field")} == {
        "component_field": "component", "level_field": "level", "version_field": "version", "pod_field": "pod",
        "client_field": "client_ip", "duration_field": "duration_ms"}
