"""What wears out slowly: a leak whose restart is said to be a stop-gap, and credits that no restart brings back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responder.actions import restart_pods
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.memory import Memory
from responder.model.evidence.wear import Resource, Sample, Wear
from responder.model.remedy import Remedy
from responder.model.service import Service
from responder.plan import wear
from responder.plan.messages import stop_gaps
from responder.plan.remedies.restart_pods import Facts
from responder.sources.rds.balances import _RESOURCES
from sandbox.platform.wear import Leak, history
from tests.diagnosis import (
    NOW,
    WINDOW,
    Found,
    both,
    callee,
    calls,
    chain,
    change,
    changes,
    connections,
    database_cpu,
    field,
    instance,
    judged,
    of_gateway,
    pods,
    proposed,
)
from tests.remedies import planned, refusal
from tests.unit.diagnosis.test_hanging_pods import Cluster, case_of

pytestmark = pytest.mark.usefixtures("changes_pass")

GATEWAY = "payment-gateway"


def series(source: str, component: str, name: str, limit: float, *values: float) -> Finding[Wear]:
    return Finding(source=source, component=component, window=WINDOW, detail=Wear({name: Resource(limit, tuple(
        Sample(NOW - 300 * (len(values) - place), value) for place, value in enumerate(values)))}))


RISING = series("utilisation", GATEWAY, "memory", 100.0, *(40.0 + 1.5 * n for n in range(36)))
HELD = Finding(source="utilisation", component=GATEWAY, window=WINDOW, value=0.95, detail=Memory(
    4, 1900.0, 2000.0, by_pod={"p0": 0.97, "p1": 0.94, "p2": 0.91, "p3": 0.4}))
FALLING = tuple(max(0.0, 300.0 - 15 * n) for n in range(36))


def leaking(*found: Found) -> list[Found]:
    backend = calls("backend", {GATEWAY: callee({"connect to payment-gateway:80: connection refused": 600.0})})
    return [*both("frontend", 0.4), *both("backend", 0.4), backend, RISING, HELD, *found, pods(
        GATEWAY, 2, terminated={"OOMKilled": 3}, waiting={"CrashLoopBackOff": 2})]


def starved(*found: Found) -> list[Found]:
    return [*chain(of_gateway({"canceling statement due to statement timeout": 900.0}), 0.5), changes(), pods(GATEWAY),
            instance(), connections(30.0), database_cpu(), *found]


def test_a_leak_is_named_by_its_trend_and_its_restart_is_said_to_be_a_stop_gap(service: Service) -> None:
    told = judged(service, leaking(changes()))
    assert (told.cause, told.mechanism) == ("code_bug", "memory_leak")
    found, = proposed(service, leaking(changes()))
    assert found.action == "restart_pods" and isinstance(found.facts, Facts)
    assert found.facts.worn == ("p0", "p1", "p2") and "the leak is still to be found" in found.facts.stop_gap
    cluster = Cluster(hung=0)
    case, api = case_of(service, cluster)
    plan = planned(restart_pods.plan(case, found.facts, api))
    assert plan.summary.startswith("as a stop-gap, restart 3 of 4 pods") and found.facts.stop_gap in plan.summary
    # Where none is full any more there is nothing to restart: the kernel has done it.
    assert "are ready" in refusal(restart_pods.plan(case, replace(found.facts, worn=()), api))


def test_pods_that_served_are_never_restarted_together(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_pods, "_LOOK_SECONDS", 0.01)
    cluster = Cluster(hung=0)
    case, api = case_of(service, cluster)
    plan = planned(restart_pods.plan(case, Facts(worn=("p0", "p1", "p2"), stop_gap="x"), api))
    assert plan.parameters.at_once == 2
    restart_pods.apply(case, plan, api)
    assert cluster.written == ["p0", "p1", "p2"]
    alone = Cluster(hung=3)
    case, api = case_of(service, alone)
    assert "no other pod is ready" not in refusal(restart_pods.plan(case, Facts(worn=("p3",)), api))


def test_a_limit_that_was_lowered_is_taken_back_and_no_leak(service: Service) -> None:
    lowered = change("Deployment", GATEWAY, field(
        ["template", "spec", "containers", GATEWAY, "resources", "limits", "memory"], "512Mi", "200Mi"))
    flat = series("utilisation", GATEWAY, "memory", 100.0, *(40.0 + n % 2 for n in range(36)))
    found = [flat, *(one for one in leaking(changes(lowered)) if one is not RISING)]
    assert judged(service, found).mechanism == "unfit_workload"


def test_without_a_trend_nobody_speaks_of_a_leak(service: Service) -> None:
    found = [one for one in leaking(changes()) if one is not RISING]
    assert judged(service, found).mechanism != "memory_leak"


@pytest.mark.parametrize("resource", ["CPU credits", "I/O credits", "I/O throughput balance"])
def test_used_up_credits_are_left_to_people_and_the_database_is_not_rebooted(service: Service, resource: str) -> None:
    found = starved(series("rds", "", resource, 0.0, *FALLING))
    told = judged(service, found)
    assert (told.cause, told.mechanism) == ("database_connection", "used_up_credits")
    assert f"the database's {resource} are used up" in told.summary
    assert {one.action for one in proposed(service, found)} <= {"escalate"}
    # With the balance as it should be it is an ordinary slow database.
    level = starved(series("rds", "", resource, 0.0, *(300.0 + n % 3 for n in range(36))))
    assert judged(service, level).mechanism != "used_up_credits"


def test_what_follows_a_stop_gap_is_told_only_of_one_that_helped() -> None:
    def done(mechanism: str, status: str) -> Remedy:
        return Remedy.of({"sk": "ACTION#01", "number": 1, "action": "restart_pods", "target": "deployment/a",
                          "component": "backend", "status": status, "mechanism": mechanism})

    told = stop_gaps([done("memory_leak", "verified"), done("memory_leak", "failed"), done("stuck_pods", "verified"),
                      done("a_mechanism_of_before", "verified")])
    assert told == ("its memory rises again from the restart on, so the leak is still to be found and mended by the "
                    "developers of backend, before the limit is reached once more",)


def test_transaction_ids_that_run_out_are_seen_before_they_are_gone() -> None:
    limit = _RESOURCES["transaction ids"][1]
    rising = series("rds", "", "transaction ids", limit, *(limit - 1e7 + 1e5 * n for n in range(36)))
    found, = wear.running_out(Evidence([rising]), "")
    assert found.resource == "transaction ids" and found.left.likely == pytest.approx(65 * 300, rel=0.01)
    assert not list(wear.used_up(Evidence([rising]), ""))


def test_the_sandboxs_leak_grows_from_where_it_was_and_anew_after_a_restart() -> None:
    leak = Leak(60.0, 1000.0, {"u": 400.0})
    assert leak.held("u", 500.0, 190.0, 1030.0) == 430.0
    assert leak.held("u", 1010.0, 190.0, 1040.0) == 220.0 and leak.held("new", 1020.0, 190.0, 1030.0) == 200.0
    before = history(leak, 400.0, 190.0, 120)
    assert before == sorted(before, reverse=True) and before[-1] == 190.0 and len(before) == 120
