"""What callers see of a component that is well by its own clock decides where the fault is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from responder.model.evidence import Evidence, Finding
from responder.model.service import Service
from responder.plan.callers_views import callers_views
from responder.plan.isolate import isolate
from responder.plan.symptom import Verdict
from tests.findings import observed


def called(caller: str, waits: Mapping[str, tuple[float, float]], source: str = "newrelic") -> Finding[Any]:
    """What a caller waits for each host, milliseconds: usually and now."""
    return observed(source, "calls", component=caller, detail={"callees": {
        host: {"requests": 2000.0, "errors": 0.0, "mean_ms": now, "baseline_requests": 60_000.0, "baseline_errors": 0.0,
               "baseline_ms": usual} for host, (usual, now) in waits.items()}})


def p95(component: str, usual: float, now: float) -> Finding[Any]:
    return observed("newrelic", "latency_p95_ms", component=component, value=now, baseline=usual,
                    detail={"requests": 2000.0})


def slow(component: str) -> Verdict:
    return Verdict(source="newrelic", component=component, state="slow", reason="it is slow")


def faulty(service: Service, *findings: Finding[Any]) -> tuple[str, ...]:
    return isolate(service, [slow("frontend")], Evidence(findings)).faulty


def test_a_callee_that_is_well_by_its_own_clock_but_slow_for_its_caller_is_at_fault(service: Service) -> None:
    findings = (called("frontend", {"backend": (50.0, 900.0)}), p95("backend", 80.0, 82.0))
    result = isolate(service, [slow("frontend")], Evidence(findings))
    assert (result.faulty, result.impacted) == (("backend",), ("frontend",))
    assert result.reasons["backend"].startswith("Requests spend 0.9 s on the way between frontend and backend, 0.1 s")


@pytest.mark.parametrize("now", [50.0, 60.0])
def test_a_wait_that_is_hardly_longer_blames_nobody_else(service: Service, now: float) -> None:
    assert faulty(service, called("frontend", {"backend": (50.0, now)})) == ("frontend",)


def test_what_a_callees_own_clock_shows_is_divided_out(service: Service) -> None:
    findings = (called("frontend", {"backend": (50.0, 500.0)}), p95("backend", 80.0, 800.0))
    seen = callers_views(service, Evidence(findings))
    now, = seen.now[0].edges
    assert (now.caller, now.callee, now.caller_seconds) == ("frontend", "backend", pytest.approx(0.05))


def test_one_source_of_each_caller_counts_and_times_that_are_not_known_do_not(service: Service) -> None:
    unknown = observed("application_signals", "calls", component="frontend", detail={"callees": {
        "backend": {"requests": 5.0, "errors": 0.0}}})
    seen = callers_views(service, Evidence((unknown, called("frontend", {"backend": (50.0, 60.0)}),
                                            called("frontend", {"backend": (1.0, 9.0)}, "application_signals"))))
    assert len(seen.now[0].edges) == len(seen.before[0].edges) == 1
    assert callers_views(service, Evidence((unknown,))).now == ()
