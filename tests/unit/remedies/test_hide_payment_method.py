"""Hiding a method of payment: what is written, what is put back, and each guardrail with what breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responder.actions import ActionFailed
from responder.actions.hide_payment_method import apply, plan, revert
from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.approvals import Approvals, Group, Table
from responder.model.incident import Hypothesis
from responder.model.service import Payments, Service
from responder.plan.deeds import Site
from responder.plan.remedies import Considered, OnRecord
from responder.plan.remedies.hide_payment_method import REMEDY, Facts, Hidden
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

GATEWAY = "payment-gateway"
WALLET = Facts("wallet", ("newrelic", "splunk"), ("card", "invoice"), "card")


class Api:
    """A cluster with the one ConfigMap."""

    def __init__(self, value: str | None, **labels: str) -> None:
        self.data = {} if value is None else {"HIDDEN_METHODS": value}
        self.labels = labels

    def get(self, *where: str) -> dict[str, Any]:
        return {"metadata": {"name": "payment-gateway-config", "labels": self.labels}, "data": dict(self.data)}

    def patch(self, version: str, plural: str, namespace: str, name: str, steps: list[dict[str, Any]],
              manager: str = "") -> None:
        assert self.data["HIDDEN_METHODS"] == steps[0]["value"]
        self.data["HIDDEN_METHODS"] = steps[1]["value"]


def counted(source: str, wallet: float, card: float = 50.0, wallets: float = 300.0) -> Finding[Approvals]:
    groups = (Group(("card", "north"), 500, card, 9000, 900), Group(("invoice", "-"), 200, 20, 4000, 400),
              Group(("wallet", "-"), wallets, wallet, wallets * 20, wallets))
    return Finding(source=source, component=GATEWAY, window=Window(0, 60), detail=Approvals((
        Table(("method", "issuer"), groups),)))


def considered(service: Service, *findings: Finding[Approvals]) -> Considered:
    hypothesis = Hypothesis("provider_outage", "payments_declined", GATEWAY, "declined", 0.9, 2.0, (), (), ())
    return Considered(service, "hide_payment_method", GATEWAY, hypothesis, 0.0, Evidence(findings))


def test_the_method_is_added_to_the_hidden_ones_and_shown_again(service: Service) -> None:
    api, case = Api("invoice"), asked(service, "payments_declined")
    found = planned(plan(case, WALLET, api))  # type: ignore[arg-type]
    assert (found.target, found.before, found.parameters) == (
        "configmap/payment-gateway-config", Hidden("invoice"), Hidden("invoice,wallet"))
    apply(case, found, api)  # type: ignore[arg-type]
    assert api.data["HIDDEN_METHODS"] == "invoice,wallet"
    assert "done before" in apply(case, found, api)  # type: ignore[arg-type]
    revert(case, found, api)  # type: ignore[arg-type]
    assert api.data["HIDDEN_METHODS"] == "invoice"


def test_what_somebody_else_has_set_meanwhile_stays(service: Service) -> None:
    api, case = Api(""), asked(service, "payments_declined")
    found = planned(plan(case, WALLET, api))  # type: ignore[arg-type]
    api.data["HIDDEN_METHODS"] = "invoice"
    with pytest.raises(ActionFailed, match="by somebody else"):
        apply(case, found, api)  # type: ignore[arg-type]
    assert api.data["HIDDEN_METHODS"] == "invoice"


@pytest.mark.parametrize(("facts", "api", "why"), [
    (replace(WALLET, method="wallet\nx"), Api(""), "none that could be written"),
    (WALLET, Api(None), "there is no HIDDEN_METHODS"),
    (WALLET, Api("wallet"), "hidden already"),
    (WALLET, Api("card,invoice"), "no method would be left"),
    (WALLET, Api("", **{"argocd.argoproj.io/instance": "pay"}), "would undo it")])
def test_it_is_checked_anew_before_anything_is_written(service: Service, facts: Facts, api: Api, why: str) -> None:
    assert why in refusal(plan(asked(service, "payments_declined"), facts, api))  # type: ignore[arg-type]


def test_two_counts_of_one_method_propose_it(service: Service) -> None:
    facts, objection = REMEDY.judge(considered(service, counted("newrelic", 290), counted("splunk", 288)))
    assert (facts.method, objection) == ("wallet", "")
    assert facts.others == ("card", "invoice")


@pytest.mark.parametrize(("findings", "why"), [
    ([counted("newrelic", 290)], "alone sees it"),
    ([counted("newrelic", 290), counted("splunk", 15)], "alone sees it"),
    ([counted("newrelic", 15), counted("splunk", 15)], "not one method"),
    ([counted("newrelic", 15, card=480), counted("splunk", 15, card=480)], "most customers pay by card"),
    ([counted("newrelic", 1190, wallets=1200), counted("splunk", 1190, wallets=1200)],
     "most customers pay by wallet")])
def test_each_guardrail_keeps_it_from_being_proposed(service: Service, findings: list[Finding[Approvals]],
                                                     why: str) -> None:
    assert why in REMEDY.judge(considered(service, *findings))[1]


def test_without_a_configured_place_it_is_left_to_people(service: Service) -> None:
    unset = replace(service, payments=Payments(GATEWAY))
    assert "not configured" in REMEDY.judge(considered(unset, counted("newrelic", 290), counted("splunk", 290)))[1]
    assert "not configured" in refusal(plan(asked(unset, "payments_declined"), WALLET))


def test_the_commands_do_and_undo_it_by_hand(service: Service) -> None:
    deed = REMEDY.deed(Site(service, "eu-west-1"), OnRecord(
        "configmap/payment-gateway-config", GATEWAY, Hidden(""), Hidden("wallet")))
    assert deed.title == "Do not offer wallet to customers"
    assert '{"data":{"HIDDEN_METHODS":"wallet"}}' in deed.by_hand[0]
    assert '{"data":{"HIDDEN_METHODS":""}}' in deed.undo[0]
