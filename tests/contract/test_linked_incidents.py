"""Several services that fail for one cause: people are woken once, one incident leads, customers read one message.

The steps and the channels are the deployed ones, the vendors' stand-ins speak their formats.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from responder import people
from responder.clients import aws
from responder.handlers import assemble, close, customers, guard, linking, step
from responder.model.facts import Delivered, Linked, ToldFor
from responder.model.incident import IncidentRecord, Proposed, Remedy, RemedyStatus
from responder.model.moment import iso
from responder.model.service import Customers, Service
from responder.people import pagerduty, slack, sns, statuspage
from responder.plan.guardrails import RELEASED
from responder.plan.neighbours import leads, tells_customers
from responder.records.table import Records
from sandbox.server import serve
from sandbox.vendors.people import BOT_TOKEN, PAGE_KEY, ROUTING_KEY, SIGNING_SECRET
from tests.contract.test_channels import Vendors
from tests.dynamo import Dynamo

BEGAN = 1_795_000_000.0
PLACE = "aws/111122223333/eu-central-1/rds/payments-db"


class Bed:
    """Services of one team on one table, whose clock is set by the test."""

    def __init__(self, service: Service, vendors: Vendors, root: str) -> None:
        self.now, self.vendors, self._service, self._root = BEGAN, vendors, service, root
        self.records = Records("timeline", Dynamo())
        self.services: dict[str, Service] = {}

    def begins(self, name: str, *, places: tuple[str, ...] = (PLACE,), **more: Any) -> str:
        """Let a service's incident be confirmed and diagnosed; return its id."""
        pager, chat, page = self._service.pagerduty, self._service.slack, self._service.statuspage
        assert pager and chat and page
        self.services[name] = replace(self._service, **{
            "service": name, "mode": "auto", "customers": Customers(f"{name} payments"),
            "policy": {"inform_customers": "auto", "restore_database": "auto"},
            "pagerduty": replace(pager, events=f"{self._root}/pagerduty/v2/enqueue", api_secret=""),
            "slack": replace(chat, api=f"{self._root}/slack"),
            "statuspage": replace(page, api=f"{self._root}/statuspage/v1", components={
                component.name: f"page-{name}" for component in self._service.components}), **more})
        incident = f"i-{name}"
        self.records.put({"pk": f"INCIDENT#{incident}", "sk": "INCIDENT", "id": incident, "service": name,
                          "opened_at": iso(self.now), "onset": iso(self.now), "status": "open", "confirmed": True,
                          "kind": "high_error_rate", "affected": [self._service.entry], "places": list(places)})
        return incident

    def run(self, handler: Callable[..., Any], incident: str, **event: Any) -> Any:
        self.now += 1
        return handler({"incident": {"id": incident, "service": incident.removeprefix("i-"),
                                     "opened_at": iso(BEGAN), "execution": f"arn:{incident}"},
                        "entered": iso(self.now), **event}, None)

    def pages(self, incident: str) -> None:
        self.run(assemble.handler, incident, confirmation={"answer": "confirmed", "onset": BEGAN, "votes": {},
                                                           "kind": "high_error_rate"})

    def links(self, incident: str, *places: str) -> None:
        self.now += 1
        run = step.StepRun("Diagnose the root cause", incident, self.services[incident.removeprefix("i-")], BEGAN,
                           iso(self.now), self.records)
        linking.link(run, self.records.load(incident), places or (PLACE,))

    def escalates(self, incident: str) -> None:
        self.run(close.handler, incident, operation="escalate", why="nothing helped")

    def recovers(self, incident: str) -> None:
        self.records.update(incident, recovery_verified_at=iso(self.now), recovered_at=iso(self.now))

    def ends(self, incident: str) -> None:
        self.run(close.handler, incident, operation="stand_down", force=True)

    def restores(self, incident: str, number: int = 2) -> str:
        """Let the guardrails rule on a remedy of the database; returns ``permitted``, or the guardrail that refuses."""
        self._plans(incident, number, "restore_database", "rds/payments-db")
        ruling = self.run(guard.handler, incident, number=number)
        return str(ruling["guardrail"] or ruling["ruling"])

    def _plans(self, incident: str, number: int, action: str, target: str, audience: str = "") -> None:
        kept, = self.records.keep_proposals(incident, iso(self.now), [Proposed(
            "", action, "database_connection", "refuses_connections", "api", confidence=0.95,
            sources=("newrelic", "rds"))])
        self.records.plan_remedy(incident, Remedy(
            number, action, component="api", mechanism="refuses_connections", target=target, summary="s",
            proposal=kept.id, audience=audience))

    def asks_to_tell(self, incident: str) -> str:
        """Let the guardrails rule on the message to customers, and apply it where they permit it."""
        if self.records.remedy(incident, 1) is None:
            self._plans(incident, 1, "inform_customers", "customers", audience="customers")
        ruling = self.run(guard.handler, incident, number=1)
        if ruling["ruling"] == "permitted":
            self.records.note(incident, iso(self.now), "Apply the remedy", "customers were told", kind="notification",
                              fact=Delivered("customers", "", said=("looking",)))
            self.records.set_remedy(incident, 1, "inform_customers", status=RemedyStatus.DONE)
            self.updates(incident)
        return str(ruling["guardrail"])

    def updates(self, incident: str) -> None:
        self.run(customers.handler, incident, more_by=iso(self.now + 1800))

    def record(self, incident: str) -> IncidentRecord:
        return self.records.load(incident)

    def woken(self) -> list[str]:
        """The alerts that notified somebody."""
        return [key for key, _ in self.vendors.pagerduty.notified]

    def page(self) -> dict[str, Any]:
        """The only incident of the status page."""
        found, = self.vendors.page.incidents.values()
        return found | {"components": {each["id"]: each["status"] for each in found["components"]}}


@pytest.fixture
def bed(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bed]:
    vendors = Vendors()
    server = serve(0, vendors.route)
    found = Bed(service, vendors, f"http://127.0.0.1:{server.server_address[1]}")
    secrets = {"incident-response/pagerduty": ROUTING_KEY, "incident-response/slack": BOT_TOKEN,
               "incident-response/slack-signing": SIGNING_SECRET, "incident-response/statuspage": PAGE_KEY}
    monkeypatch.setattr(aws, "secret", lambda name: secrets.get(name, ROUTING_KEY))
    monkeypatch.setattr(people, "every", lambda: (pagerduty.CHANNEL, slack.CHANNEL, statuspage.CHANNEL))
    monkeypatch.setattr(step, "records", lambda: found.records)
    monkeypatch.setattr(step, "load", found.services.__getitem__)
    monkeypatch.setattr(guard, "kill_switch", lambda service: RELEASED)
    monkeypatch.setattr(close, "_alarms_on", lambda run: ())
    monkeypatch.setattr(time, "time", lambda: found.now)
    yield found
    server.shutdown()
    server.server_close()


# --- one page --------------------------------------------------------------------------------------------------------


def test_of_many_services_that_begin_to_fail_one_pages_the_team(bed: Bed) -> None:
    incidents = [bed.begins(f"s{number}", places=()) for number in range(12)]
    for incident in incidents:
        bed.pages(incident)
    assert bed.woken() == ["i-s0/0"]
    # Nothing is lost: the alert's log names each, and each has its own thread.
    log = bed.vendors.pagerduty.alerts["i-s0/0"]["events"]
    assert [event["payload"]["custom_details"]["incident"] for event in log] == incidents
    assert "called for incident i-s0" in log[3]["payload"]["custom_details"]["text"]
    assert sum("<@" in str(post) for post in bed.vendors.slack.told()) <= 1
    entries = [entry.what for entry in bed.record("i-s3").timeline]
    assert "the incident response team is called, with incident i-s0" in entries


@pytest.mark.parametrize("pager", [True, False])
def test_an_e_mail_says_that_the_same_people_were_woken_before(bed: Bed, monkeypatch: pytest.MonkeyPatch,
                                                               pager: bool) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setenv("TOPIC", "incidents")
    monkeypatch.setattr(people, "every", lambda: (*((pagerduty.CHANNEL,) if pager else ()), sns.CHANNEL))
    monkeypatch.setattr(aws, "client", lambda service, *_: SimpleNamespace(
        publish=lambda **given: sent.append(given) or {"MessageId": "m"}))
    for number in range(3):
        bed.pages(bed.begins(f"s{number}", places=()))
    # A subscription that filters by it gets one page for all; without a pager nobody was woken, and each is its own.
    assert [one["MessageAttributes"].get("joins", {}).get("StringValue") for one in sent] == (
        [None, "i-s0", "i-s0"] if pager else [None, None, None])
    assert ["for incident i-s0" in one["Message"] for one in sent] == [False, pager, pager]
    # What is about one incident alone is nobody else's.
    bed.recovers("i-s1")
    bed.ends("i-s1")
    assert "joins" not in sent[-1]["MessageAttributes"] and "i-s1" in str(sent[-1]["MessageAttributes"])


def test_the_alert_is_over_with_the_last_that_needs_it_in_whatever_order(bed: Bed) -> None:
    incidents = [bed.begins(f"s{number}", places=()) for number in range(3)]
    for incident in incidents:
        bed.pages(incident)
    alert = bed.vendors.pagerduty.alerts["i-s0/0"]
    for incident in ("i-s0", "i-s2"):
        bed.recovers(incident)
        bed.ends(incident)
        assert alert["status"] == "triggered"
    # A step that is repeated leaves it open as well.
    bed.ends("i-s2")
    assert alert["status"] == "triggered"
    bed.recovers("i-s1")
    bed.ends("i-s1")
    assert alert["status"] == "resolved"


def test_a_page_that_is_repeated_is_still_one(bed: Bed) -> None:
    first, second = bed.begins("a", places=()), bed.begins("b", places=())
    for incident in (first, second, first, second):
        bed.pages(incident)
    assert bed.woken() == ["i-a/0"]


def test_another_team_and_another_urgency_are_paged_by_themselves(bed: Bed, service: Service) -> None:
    assert service.pagerduty
    bed.pages(bed.begins("watched", places=(), mode="observe"))
    bed.pages(bed.begins("ours", places=()))
    settings = bed.services["ours"].pagerduty
    assert settings
    bed.pages(bed.begins("theirs", places=(), pagerduty=replace(settings, secret="another-team")))
    # An alert of low urgency wakes nobody at night, so it stands for no other.
    assert bed.woken() == ["i-watched/0", "i-ours/0", "i-theirs/0"]


def test_later_it_is_another_page_and_so_is_one_whose_alert_somebody_has_resolved(bed: Bed) -> None:
    bed.pages(bed.begins("a", places=()))
    bed.vendors.pagerduty.alerts["i-a/0"]["status"] = "resolved"
    bed.pages(bed.begins("b", places=()))
    assert bed.woken() == ["i-a/0", "i-a/0"]
    bed.now += 1200
    bed.pages(bed.begins("c", places=()))
    assert bed.woken()[2:] == ["i-c/0"]


def test_if_the_first_page_was_never_sent_the_next_one_wakes(bed: Bed) -> None:
    first, second = bed.begins("a", places=()), bed.begins("b", places=())
    bed.vendors.gates.set("pagerduty", "down")
    with pytest.raises(assemble.NotPaged):
        bed.pages(first)
    bed.vendors.gates.set("pagerduty", "")
    bed.pages(second)
    assert bed.woken() == ["i-a/0"]


# --- people who must take over ----------------------------------------------------------------------------------------


def test_who_must_take_over_for_one_cause_is_woken_once_for_it(bed: Bed) -> None:
    for name in ("a", "b"):
        bed.escalates(bed.begins(name))
    bed.escalates(bed.begins("c", places=("cluster/another/nodes",)))
    bed.escalates(bed.begins("d", places=()))
    assert [key.partition("/")[0] for key in bed.woken()] == ["i-a", "i-c", "i-d"]
    alert = bed.vendors.pagerduty.alerts[bed.woken()[0]]
    bed.recovers("i-a")
    bed.ends("i-a")
    assert alert["status"] == "triggered"  # The other one still needs people.
    bed.recovers("i-b")
    bed.ends("i-b")
    assert alert["status"] == "resolved"


# --- linked ----------------------------------------------------------------------------------------------------------


def linked(bed: Bed, incident: str) -> list[tuple[str, bool]]:
    return [(fact.incident, fact.leads) for _, fact in bed.record(incident).facts(Linked)]


def test_the_first_at_a_place_leads_and_both_name_each_other(bed: Bed) -> None:
    for name in ("a", "b", "c"):
        bed.links(bed.begins(name))
    bed.links("i-b")  # A later diagnosis says nothing new.
    assert linked(bed, "i-a") == [("i-b", False), ("i-c", False)]
    assert linked(bed, "i-b") == linked(bed, "i-c") == [("i-a", True)]
    bed.links(bed.begins("d", places=("provider/api.example",)), "provider/api.example")
    assert linked(bed, "i-d") == []


def test_when_the_leading_incident_ends_the_next_one_leads(bed: Bed) -> None:
    for name in ("a", "b"):
        bed.links(bed.begins(name))
    bed.recovers("i-a")
    bed.ends("i-a")
    bed.links("i-b")
    assert bed.records.holder(leads(PLACE)) == "i-b"
    # And who finds another cause leads no more at the first one.
    bed.links("i-b", "cluster/payments/nodes")
    bed.records.update("i-b", places=["cluster/payments/nodes"])
    assert bed.records.holder(leads(PLACE)) == "" and bed.records.holder(leads("cluster/payments/nodes")) == "i-b"


# --- one message to customers ----------------------------------------------------------------------------------------


def test_customers_read_one_message_that_ends_with_the_last_service(bed: Bed) -> None:
    first, second = bed.begins("card"), bed.begins("payout")
    assert bed.asks_to_tell(first) == ""
    assert bed.asks_to_tell(second) == "lease"
    assert [fact.service for _, fact in bed.record(first).facts(ToldFor)] == ["payout"]
    bed.updates(first)
    bed.updates(second)  # It was told nothing, so it has nothing to add.
    page = bed.page()
    assert "Also affected: payout payments." in page["incident_updates"][0]["body"]
    assert page["components"] == {"page-card": "partial_outage", "page-payout": "partial_outage"}
    bed.recovers(first)
    bed.ends(first)
    page = bed.page()
    assert page["status"] == "monitoring" and page["resolved_at"] is None
    assert page["components"] == {"page-card": "operational", "page-payout": "partial_outage"}
    assert "They work again. Still affected: payout payments." in page["incident_updates"][0]["body"]
    assert [fact.incident for _, fact in bed.record(second).facts(ToldFor)] == [first]
    # The other one goes on, with the same incident of the page.
    bed.updates(second)
    assert "payout payments" in bed.page()["incident_updates"][0]["body"]
    bed.recovers(second)
    bed.ends(second)
    page = bed.page()
    assert page["status"] == "resolved"
    assert page["components"] == {"page-card": "operational", "page-payout": "operational"}
    assert "Also working again: card payments." in page["incident_updates"][0]["body"]


def test_who_ends_last_of_three_speaks_for_all(bed: Bed) -> None:
    names = ("a", "b", "c")
    for name in names:
        bed.asks_to_tell(bed.begins(name))
    bed.updates("i-a")
    for name in names:
        assert bed.page()["status"] != "resolved"
        bed.recovers(f"i-{name}")
        bed.ends(f"i-{name}")
    page = bed.page()
    assert page["status"] == "resolved" and set(page["components"].values()) == {"operational"}
    assert len(page["components"]) == 3


def test_if_the_heir_ends_at_the_same_moment_customers_hear_the_end_all_the_same(
        bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = bed.begins("card"), bed.begins("payout")
    bed.asks_to_tell(first)
    bed.asks_to_tell(second)
    hand_over = linking.hand_over

    def meanwhile(*given: Any) -> None:
        bed.recovers(second)
        bed.ends(second)
        hand_over(*given)

    monkeypatch.setattr(customers, "hand_over", meanwhile)
    bed.recovers(first)
    bed.ends(first)
    page = bed.page()
    assert page["status"] == "resolved" and set(page["components"].values()) == {"operational"}
    # Both messages are on record, the one before it was known that the other one had ended among them.
    assert len([entry for entry in bed.record(first).timeline if entry.what.startswith("customers were told:")]) >= 2


def test_what_ends_without_being_over_is_not_said_to_work(bed: Bed) -> None:
    first, second = bed.begins("card"), bed.begins("payout")
    bed.asks_to_tell(first)
    bed.asks_to_tell(second)
    bed.updates(first)
    bed.ends(second)  # Its people have it, and nobody knows how it is.
    bed.recovers(first)
    bed.ends(first)
    body = bed.page()["incident_updates"][0]["body"]
    assert "They work again." in body and "payout" not in body
    assert bed.records.holder(tells_customers(PLACE, bed.services["card"])) == ""


def test_a_service_that_may_not_speak_is_not_spoken_of_and_keeps_nobody_silent(bed: Bed) -> None:
    silent = bed.begins("silent", policy={"inform_customers": "off"})
    assert bed.asks_to_tell(silent) == "policy"
    watched = bed.begins("watched", mode="observe")
    assert bed.asks_to_tell(watched) == "mode"
    assert bed.asks_to_tell(bed.begins("card")) == ""
    assert bed.asks_to_tell(silent) == "policy" and bed.asks_to_tell(watched) == "mode"
    assert list(bed.record("i-card").facts(ToldFor)) == []


def test_readers_of_another_page_hear_of_their_own_incident(bed: Bed) -> None:
    assert bed.asks_to_tell(bed.begins("card")) == ""
    page = bed.services["card"].statuspage
    assert page
    other = replace(page, page="another-page", api=page.api)
    bed.vendors.page.incidents.clear()
    assert tells_customers(PLACE, bed.services["card"]) != tells_customers(PLACE, replace(
        bed.services["card"], statuspage=other))


def test_a_region_s_bad_day_is_one_alert_for_the_team_one_remedy_and_one_message(bed: Bed) -> None:
    """Two hundred services of one team by one database, to the end of each, in an order of chance."""
    chance, services = random.Random(1), 200
    incidents = [bed.begins(f"s-{number:03d}") for number in range(services)]
    for incident in incidents:
        bed.pages(incident)
        bed.links(incident)
    rulings = [bed.restores(incident) for incident in incidents]
    assert rulings == ["permitted", *["lease"] * (services - 1)]
    assert [bed.asks_to_tell(incident) for incident in incidents] == ["", *["lease"] * (services - 1)]
    bed.updates(incidents[0])
    assert bed.woken() == ["i-s-000/0"]
    assert len(bed.page()["components"]) == services
    # Nobody reads two hundred names: the page marks each, and the message names some.
    said = bed.page()["incident_updates"][0]["body"]
    assert f"s-012 payments, … (+{services - 1 - 12})." in said and len(said) < 1000
    assert sum(fact.leads for incident in incidents for _, fact in bed.record(incident).facts(Linked)) == services - 1
    chance.shuffle(incidents)
    for left, incident in zip(range(services, 0, -1), incidents, strict=True):
        assert bed.page()["status"] != "resolved", left
        assert bed.vendors.pagerduty.alerts["i-s-000/0"]["status"] == "triggered", left
        bed.recovers(incident)
        bed.ends(incident)
    assert bed.page()["status"] == "resolved"
    assert set(bed.page()["components"].values()) == {"operational"}
    assert bed.vendors.pagerduty.alerts["i-s-000/0"]["status"] == "resolved"
    assert bed.woken() == ["i-s-000/0"]
