"""What several services share is remediated by one incident, whatever their namespaces; the others watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from responder.handlers import guard, step
from responder.model.incident import Proposed, Remedy, RemedyStatus
from responder.model.service import AwsAccount, Service
from responder.plan.course import Course, RemedyRef, Settings, State
from responder.plan.guardrails import RELEASED
from responder.plan.neighbours import object_of
from responder.plan.next_step import Planned, Ruled, Watched
from responder.records.table import Records
from tests.dynamo import Dynamo

AT = "2026-11-25T00:00:00.000Z"


def of(service: Service, name: str, *, namespace: str = "", cluster: str = "", **more: Any) -> Service:
    """One of several services of an account."""
    place = replace(service.cluster, namespace=namespace or name, name=cluster or service.cluster.name)
    return replace(service, **{"service": name, "cluster": place, "mode": "auto",
                               "policy": {"restore_database": "auto", "rollback": "auto"}, **more})


@pytest.mark.parametrize("target", ["rds/payments-db", "parameter-group/pg16", "security-group/sg-1"])
def test_what_is_aws_s_is_one_object_for_all_namespaces_and_clusters(service: Service, target: str) -> None:
    shop, stock = of(service, "shop"), of(service, "stock", cluster="another")
    assert object_of(shop, target) == object_of(stock, target)
    elsewhere = replace(shop, aws=AwsAccount(role_arn="arn:aws:iam::222222222222:role/x"))
    assert object_of(elsewhere, target) != object_of(shop, target)
    assert object_of(replace(shop, aws=AwsAccount(region="eu-west-1")), target) != object_of(shop, target)


def test_a_node_is_its_cluster_s_and_a_workload_its_namespace_s(service: Service) -> None:
    shop, stock, far = of(service, "shop"), of(service, "stock"), of(service, "far", cluster="another")
    assert object_of(shop, "node/n1") == object_of(stock, "node/n1") != object_of(far, "node/n1")
    assert object_of(shop, "deployment/api") != object_of(stock, "deployment/api")


class Bed:
    """Incidents of several services on one table, each with one remedy that is planned."""

    def __init__(self) -> None:
        self.table = Dynamo()
        self.records = Records("timeline", self.table)
        self.services: dict[str, Service] = {}

    def rules(self, service: Service, target: str = "rds/payments-db", action: str = "restore_database") -> Any:
        """Let the guardrails rule on a service's remedy."""
        name, incident = service.service, f"i-{service.service}"
        self.services[name] = service
        if self.records.find(incident) is None:
            self.records.put({"pk": f"INCIDENT#{incident}", "sk": "INCIDENT", "id": incident, "service": name,
                              "opened_at": AT, "status": "open"})
            kept, = self.records.keep_proposals(incident, AT, [Proposed(
                "", action, "database_connection", "refuses_connections", "api", confidence=0.95,
                sources=("newrelic", "rds"))])
            self.records.plan_remedy(incident, Remedy(
                1, action, component="api", mechanism="refuses_connections", target=target, summary="s",
                proposal=kept.id))
        return guard.handler({"incident": {"id": incident, "service": name, "opened_at": AT}, "entered": AT,
                              "number": 1}, None)

    def status(self, name: str) -> RemedyStatus:
        remedy = self.records.remedy(f"i-{name}", 1)
        assert remedy
        return remedy.status


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    found = Bed()
    monkeypatch.setattr(step, "records", lambda: found.records)
    monkeypatch.setattr(step, "load", found.services.__getitem__)
    monkeypatch.setattr(guard, "kill_switch", lambda service: RELEASED)
    return found


def test_of_many_services_one_restores_their_database_and_the_others_wait_for_it(bed: Bed, service: Service) -> None:
    names = [f"s-{number:02d}" for number in range(20)]
    rulings = [bed.rules(of(service, name)) for name in names]
    assert [ruling["ruling"] for ruling in rulings] == ["permitted", *["refused"] * 19]
    assert {ruling["guardrail"] for ruling in rulings[1:]} == {"lease"}
    assert rulings[7]["reason"] == "incident i-s-00 is changing rds/payments-db"
    # The one that leads lists those that wait.
    waiting = [item["what"] for (pk, _), item in bed.table.items.items() if pk == "TIMELINE#i-s-00"
               and "waits" in item["what"]]
    assert len(waiting) == 19 and "incident i-s-07 waits for this one" in waiting


def test_what_was_just_done_for_all_is_not_done_again_by_the_next(bed: Bed, service: Service) -> None:
    assert bed.rules(of(service, "shop"))["ruling"] == "permitted"
    bed.records.release(object_of(bed.services["shop"], "rds/payments-db"), "i-shop")
    ruling = bed.rules(of(service, "stock"))
    assert (ruling["ruling"], ruling["guardrail"]) == ("refused", "neighbour")
    assert "incident i-shop carried out restore_database on rds/payments-db" in ruling["reason"]
    # Once that is long ago it may.
    for (pk, _), item in bed.table.items.items():
        if pk.startswith("REMEDIES#"):
            item["at"] -= 10 * bed.services["stock"].guardrails.cooldown_seconds
    assert bed.rules(bed.services["stock"])["ruling"] == "permitted"


@pytest.mark.parametrize("cannot", [
    lambda service: replace(service, mode="observe"),
    lambda service: replace(service, policy={"restore_database": "off"}),
    lambda service: replace(service, guardrails=replace(service.guardrails, minimum_confidence=0.99))])
def test_a_service_that_may_not_act_does_not_keep_the_others_from_it(
        bed: Bed, service: Service, cannot: Callable[[Service], Service]) -> None:
    assert bed.rules(cannot(of(service, "shop")))["ruling"] in ("refused", "observe")
    assert bed.rules(of(service, "stock"))["ruling"] == "permitted"


def test_while_people_are_asked_by_one_incident_no_other_one_asks(bed: Bed, service: Service) -> None:
    assert bed.rules(of(service, "shop", policy={"restore_database": "approve"}))["ruling"] == "approval"
    assert bed.rules(of(service, "stock", policy={"restore_database": "approve"}))["guardrail"] == "lease"


def test_a_remedy_of_its_own_workload_stays_each_service_s(bed: Bed, service: Service) -> None:
    assert [bed.rules(of(service, name), "deployment/api", "rollback")["ruling"] for name in ("shop", "stock")] == [
        "permitted", "permitted"]


def test_who_waits_for_another_watches_first_and_then_looks_again(service: Service) -> None:
    course = Course(Settings(3, 15, 3, 30, 30, 900, 900), remedies=(RemedyRef("restore_database", "p", "f"),))
    planned = Planned(False).follows(course, AT).course
    watched = Ruled("refused", "lease", "incident i-1 is changing rds/x").follows(planned, AT)
    assert watched.state is State.WATCH and watched.course.watching == "remedy" and not watched.course.changed
    assert Watched("recovered", "", 30, False, (), 2).follows(watched.course, AT).state is State.STAND_DOWN
    # Not recovered with the other one: the evidence is gathered again, and by then this one may act itself.
    again = Watched("not_helped", "", 30, False, (), 2).follows(watched.course, AT)
    assert again.course.then is State.GATHER and not again.course.undo
    second = Ruled("refused", "neighbour", "…").follows(again.course, AT)
    assert second.state is State.WATCH and second.course.watching == "look"
    last = replace(second.course, attempt=course.settings.attempts)
    assert Ruled("refused", "lease", "…").follows(last, AT).state is State.ESCALATE
