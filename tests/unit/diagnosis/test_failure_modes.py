"""Where a component's failures arise, by client spans, latencies and error lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from responder.model.codec import decode, encode
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.service import Service
from responder.plan.diagnose import Hypothesis, rank
from responder.plan.failure_modes import FailureMode
from responder.plan.weights import shipped
from responder.records.record import unpack
from tests.diagnosis import (
    NOW,
    Found,
    callee,
    calls,
    change,
    changes,
    error_lines,
    field,
    modes,
    of_gateway,
    rates,
    signals,
    slow,
)

RECORDS = Path(__file__).resolve().parents[2] / "records"


def test_few_failures_of_what_it_calls_are_not_the_component_s_own(service: Service) -> None:
    """The fault has just begun, and two in a hundred calls of the last minute failed."""
    rows = [(NOW - 60 + 10 * n, 400.0, 38.0 if n == 5 else 0.0) for n in range(6)]
    spans = of_gateway({'FATAL: password authentication failed for user "payments"': 30}, {"HTTP 402 card declined": 8})
    parts = modes(service, "payment-gateway", [rates("payment-gateway", 0.0, series=rows), spans])
    assert [part.where for part in parts] == ["database"]


def test_failures_too_few_to_blame_a_callee_are_not_attributed_to_the_component(service: Service) -> None:
    rows = [(NOW - 60 + 10 * n, 400.0, 20.0 if n == 5 else 0.0) for n in range(6)]
    spans = of_gateway({"FATAL: password authentication failed": 12}, {"HTTP 402 card declined": 8})
    parts = modes(service, "payment-gateway", [rates("payment-gateway", 0.0, series=rows), spans])
    assert not any(part.sources for part in parts)


@pytest.mark.parametrize(("failed", "line", "where"), [
    (1400, "", ["provider:primary"]),  # each count is a tenth off, and what is left of one is no failure
    (1400, "error CardAuthorizer NullPointerException", ["provider:primary", "own"]),  # the log tells of it as well
    (1600, "", ["provider:primary", "own"])])
def test_what_is_left_of_two_counts_is_a_fault_where_it_is_more_than_they_may_differ_or_somebody_else_sees_it(
        service: Service, failed: float, line: str, where: list[str]) -> None:
    rows = [(NOW - 60 + 10 * n, 400.0, failed / 6) for n in range(6)]
    found: list[Found] = [rates("payment-gateway", 0.0, series=rows), of_gateway(provider={"Read timed out": 1000})]
    if line:
        of_calls, own = (error_lines(text, count) for text, count in (
            ("error CardAuthorizer call to api.primary.example failed: Read timed out", 600), (line, 300)))
        found.append(replace(of_calls, detail=ErrorSignatures((*of_calls.detail.signatures, *own.detail.signatures))))
    parts = modes(service, "payment-gateway", found)
    assert [part.where for part in parts] == where


@pytest.mark.parametrize(("database", "primary", "where"), [
    (1600, 500, "provider:primary"),  # the database is called as ever
    (500, 480, "database"),  # a gateway that does not get to the database asks no provider either
    (0, 0, "database")])
def test_a_name_that_nobody_knows_stands_for_what_is_called_no_more(service: Service, database: float, primary: float,
                                                                   where: str) -> None:
    spans = calls("payment-gateway", {
        "api.primary.example": callee(requests=primary), "payments-db": callee(requests=database),
        "somewhere.example": callee({"could not resolve host: somewhere.example": 1100}, requests=1100, before=0.0)})
    part, *_ = modes(service, "payment-gateway", [rates("payment-gateway", 0.7), spans])
    assert part.where == where
    # That it is asked for at all comes from a setting, whatever it stands for.
    changed = changes(change("ConfigMap", "payment-gateway-config", field(["data", "HOST"], "a", "b")))
    found = signals(service, part, [spans, changed])
    assert "other_host_called" in {signal.id for signal in found}
    likeliest = rank(part, found, shipped())[0].mechanism
    assert likeliest == ("wrong_database_settings" if where == "database" else "bad_configuration")


def test_a_provider_that_the_switch_chose_is_no_other_host(service: Service) -> None:
    spans = calls("payment-gateway", {"api.fallback.example": callee({
        "could not resolve host: api.fallback.example": 1600}, before=0.0)})
    part, = modes(service, "payment-gateway", [rates("payment-gateway", 1.0), spans])
    assert part.where == "provider:fallback"
    assert "other_host_called" not in {signal.id for signal in signals(service, part, [spans])}


@pytest.mark.parametrize(("component", "findings", "parts"), [
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240)],
     [("own", "cloudwatch")]),
    # New Relic is behind: its spans show what was before, and another source counts.
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240),
                 slow("backend", "newrelic", 260), calls("backend", {"payment-gateway": callee()})],
     [("own", "cloudwatch")]),
    ("backend", [slow("backend", "newrelic", 4200), calls("backend", {"payment-gateway": callee()})],
     [("own", "newrelic")]),
    # What the callee is asked for comes there, or does not: then its clock does not show what its caller waits for.
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240),
                 rates("backend", 0.1, source="cloudwatch"), rates("payment-gateway", 0.0, source="cloudwatch")],
     [("own", "cloudwatch")]),
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 240),
                 rates("backend", 0.1, source="cloudwatch"), rates("payment-gateway", 0.0, 20.0, source="cloudwatch")],
     []),
    # The callee is slow as well, or nobody knows: where the time is spent is not known.
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "cloudwatch", 3900)], []),
    ("backend", [slow("backend", "cloudwatch", 4200), slow("payment-gateway", "newrelic", 240)], []),
    ("backend", [slow("backend", "cloudwatch", 4200)], []),
    # Without spans nobody sees how long the provider takes.
    ("payment-gateway", [slow("payment-gateway", "cloudwatch", 4200)], []),
    ("payment-gateway", [slow("payment-gateway", "cloudwatch", 4200), slow("payment-gateway", "newrelic", 230),
                         calls("payment-gateway", {"api.primary.example": callee()})], [])])
def test_a_component_is_slow_in_itself_where_its_calls_are_known_to_be_quick(
        service: Service, component: str, findings: list[Found], parts: list[tuple[str, str]]) -> None:
    found = modes(service, component, findings)
    assert [(part.where, part.sources[0]) for part in found if part.slow] == parts
    assert ("slow_in_itself" in {signal.id for signal in signals(service, found[0], findings)}) is bool(parts)


def test_failure_modes_of_all_records_are_read_and_written_the_same() -> None:
    for path in sorted(RECORDS.glob("two-*.json.gz")):
        for item in unpack(path.read_bytes())["items"]:
            for kept in (item.get("detail") or {}).get("parts") or ():
                assert encode(decode(FailureMode, kept)) == kept
            for kept in (item.get("detail") or {}).get("ranking") or ():
                assert encode(decode(Hypothesis, kept)) == kept
