"""What people are told: right, in time, once, and to customers nothing that is not established or not theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers import assemble, close, inform, notify, remind, step
from responder.handlers import customers as update_customers
from responder.handlers import open as opening
from responder.model.facts import Answered, Delivered
from responder.model.incident import IncidentRecord, Signal
from responder.model.moment import seconds
from responder.model.service import Deployment, Person, Service
from responder.model.service.loading import Remedy as DeployedRemedy
from responder.people import Channel, Message, sns
from responder.plan import messages, needs
from responder.plan.remedies.inform_provider import Failing, text
from responder.plan.updates import called, update
from responder.records.table import Records, iso
from responder.records.tasks import Task, Tasks
from tests.conftest import shipped_service, timeline


def test_the_provider_gets_times_codes_and_counts() -> None:
    said = text("primary", 1_800_000_000.0, Failing(2400.0, 1200.0, {"HTTP 503": 1100.0, "read timed out": 100.0},
                                                    1_800_000_120.0, 1_800_000_060.0))
    for part in ("1,200 of our 2,400 requests to your API failed from 2027-01-15 08:01:00 UTC to 2027-01-15 08:02:00 "
                 "UTC (50%).", "It began at 2027-01-15 08:00:00 UTC.", "1,100  HTTP 503"):
        assert part in said
    # What is not known is left out.
    unknown = text("p", None, Failing())
    assert [word for word in ("0 of", "%", "began", "not known", "by count") if word in unknown] == []


def items(**incident: Any) -> list[dict[str, Any]]:
    return [{"sk": "INCIDENT", "id": "i", "service": "payment-gateway", "kind": "high_error_rate",
             "opened_at": "2026-11-25T03:00:10.000Z", "onset": "2026-11-25T03:00:00.000Z", **incident}]


BUG = {"cause": {"id": "code_bug", "confidence": 0.97, "summary": "a bad release"}, "affected": ["payment-gateway"]}


def action(status: str, **more: Any) -> dict[str, Any]:
    return {"sk": "ACTION#01", "action": "rollback", "status": status, "summary": "roll it back", **more}


@pytest.mark.parametrize(("found", "does", "who"), [
    (items(), "before an outage is confirmed", "look whether there is an outage"),
    (items(confirmed=True), "gathers evidence", "nobody yet"),
    ([*items(**BUG, confirmed=True), action("waiting")], "waits for a decision on this: roll it back",
     "approve or reject"),
    ([*items(**BUG, confirmed=True), action("applied")], "watches whether that helps", "Stay near"),
    ([*items(**BUG, confirmed=True), action("refused", reason="a freeze is on")], "a freeze is on", "Stay near"),
    (items(**BUG, confirmed=True, outcome="escalated"), "changes nothing more", "take over"),
    (items(**BUG, confirmed=True, recovered_at="2026-11-25T03:05:00.000Z"), "closes the incident", "stays well"),
    (items(**BUG, confirmed=True, status="closed", outcome="resolved", recovered_at="2026-11-25T03:05:00.000Z"),
     "writes the postmortem", "read the report")])
def test_an_update_says_what_happened_who_must_act_and_what_the_responder_does(
        service: Service, found: list[dict[str, Any]], does: str, who: str) -> None:
    said = update(replace(service, mode="auto"), IncidentRecord.of(found))
    assert does in said.responder and who in said.who
    assert said.text().startswith(said.what) and "03:0" in said.what


@pytest.mark.parametrize(("mode", "who"), [
    ("observe", "Who must act: you. The responder only watches and will not change anything."),
    ("approve", "Who must act: you, as soon as it asks (about 1 min)."),
    ("auto", "Who must act: nobody yet. Stay near: you are asked or paged again if it cannot fix it.")])
def test_the_first_page_says_by_the_mode_who_must_act(service: Service, mode: Any, who: str) -> None:
    page = messages.page(replace(service, mode=mode), IncidentRecord.of(items(confirmed=True)))
    assert who in page.text.splitlines()


def test_in_mode_observe_people_get_the_remedy_and_the_command(service: Service) -> None:
    found = [*items(**BUG, confirmed=True, outcome="observed"), action(
        "observed", deed="Roll deployment/x back to revision 1", by_hand="kubectl rollout undo deployment/x")]
    for policy, would in (("auto", "would do this"), ("approve", "would ask to do this")):
        watched = replace(service, mode="observe", policy={"rollback": policy})
        said = messages.escalation(watched, IncidentRecord.of(found), "mode observe: nothing was changed")
        assert said.subject == "payment-gateway: outage, mode observe: you must fix it"
        assert "Roll deployment/x back to revision 1. Mode observe, nothing was changed" in said.text
        assert would in said.text
        assert said.code == "# Roll deployment/x back to revision 1\nkubectl rollout undo deployment/x"


def test_a_rollback_that_nobody_approved_is_told_with_its_times_and_its_command(service: Service) -> None:
    asked = {"sk": "TIMELINE#2026-11-25T03:01:00.000Z#00#Ask for approval", "at": "2026-11-25T03:01:00.000Z",
             "step": "Ask for approval", "what": "approval is asked for: x", "kind": "approval",
             "fact": "approval_asked",
             "detail": {"task": "01", "asked": ["sre: Ada"], "expires": "2026-11-25T03:16:00.000Z"}}
    found = [*items(**BUG, confirmed=True, outcome="escalated"), asked, action(
        "rejected", reason="the mode is approve, and nobody decided within 900 s", decided_by="policy",
        by_hand="kubectl rollout undo deployment/x")]
    said = messages.hotfix(service, IncidentRecord.of(found))
    assert said
    assert "Not done: roll it back: not approved in time (asked 03:01:00, expired 03:16:00 UTC)." in said.text
    assert "To do it now, run the command below. A hotfix is needed only if you do not want that." in said.text
    assert said.code.endswith("kubectl rollout undo deployment/x")


def test_after_a_relapse_the_rollback_is_told_as_done_once_and_not_as_help(service: Service) -> None:
    found = [*items(**BUG, confirmed=True, outcome="escalated", reopened_at=["2026-11-25T03:10:00.000Z"]), action(
        "verified", planned_at="2026-11-25T03:01:00.000Z", applied_at="2026-11-25T03:01:30.000Z")]
    said = messages.escalation(service, IncidentRecord.of(found), "a bad release")
    assert "Not done: rollback was done once in this incident at 03:01:30 UTC and is not repeated." in said.text
    assert "helped" not in said.text and "opened again at 03:10:00 UTC" in said.text


def test_developers_are_called_for_what_fails_and_nobody_for_a_provider(service: Service) -> None:
    team = replace(service, team=(Person("SRE", "sre"), Person("Gateway", "developer", components=("payment-gateway",)),
                                  Person("Shop", "developer", components=("frontend",)), Person("All", "developer"),
                                  Person("Net", "network")))
    assert [person.name for person in called(team, "code_bug", ["payment-gateway"])] == ["Gateway", "All"]
    assert [person.name for person in called(team, "network", ["backend"])] == ["Net"]
    assert called(team, "provider_outage", ["payment-gateway"]) == called(team, "unknown", []) == ()


class Team:
    """Who reads the incident topic."""

    def __init__(self, records: Records) -> None:
        self.records, self.told = records, [("", "")]
        self.told.clear()
        self._entered = 0

    def publish(self, topic: str, subject: str, message: str, incident: str, audience: str = "team",
                joins: str = "") -> str:
        self.told.append((audience, subject))
        return "m"

    def step(self, handler: Any, **more: Any) -> Any:
        self._entered += 1
        return handler({"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": iso(time.time() - 90),
                                     "execution": "e"}, "entered": f"2026-11-25T01:{self._entered:02d}:00.000Z",
                        "confirmation": {"answer": "confirmed", "kind": "high_error_rate"}, **more}, None)


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.setenv("TOPIC", "t")
    quiet = replace(shipped_service(), pagerduty=None, slack=None, statuspage=None, approval=replace(
        shipped_service().approval, remind_seconds=60, links=False))
    with mock_aws():
        found = Team(timeline())
        monkeypatch.setattr(sns, "publish", found.publish)
        monkeypatch.setattr(step, "records", lambda: found.records)
        monkeypatch.setattr(step, "load", lambda name: quiet)
        monkeypatch.setattr(close, "deployed", lambda name: SimpleNamespace(alarms=()))
        at = iso(time.time() - 90)
        found.records.open("payment-gateway", "i-1", "e", at, Signal(at, "alarm", "a", "k"))
        yield found


def test_the_team_is_paged_once_and_again_for_a_relapse(team: Team) -> None:
    for _ in range(2):
        assert team.step(assemble.handler)["notified"] == ["team"]
    assert len(team.told) == 1
    team.records.update("i-1", reopened_at=[iso(time.time())])
    team.step(assemble.handler)
    assert len(team.told) == 2


def test_an_undelivered_page_is_retried_and_nobody_is_notified_twice(team: Team,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def wake(service: Service, message: Message, state: people.Nothing) -> people.Nothing:
        tries.append(message.key)
        if len(tries) == 1:
            raise CallFailed("unavailable", "it answered with status 503")
        return state

    channels = (Channel("pager", frozenset({"page", "closed"}), wake, people.Nothing, wakes=True), sns.CHANNEL)
    monkeypatch.setattr(people, "every", lambda: channels)
    with pytest.raises(assemble.NotPaged):
        team.step(assemble.handler)
    assert team.step(assemble.handler)["notified"] == ["team"]
    assert (len(tries), len(team.told)) == (2, 1)
    # What turns out to be a false alarm calls off who was called for it.
    team.records.update("i-1", confirmed=False, evidence_cutoff=iso(time.time()))
    team.step(close.handler, operation="stand_down")
    assert tries[-1] == "closed-0"


class Pager:
    """A channel that wakes people, and what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[Message] = []
        self.fails, self.tries = False, 0
        monkeypatch.setattr(people, "every", lambda: (Channel(
            "pager", frozenset({"page", "escalation", "question", "status", "closed"}), self._wake, people.Nothing,
            wakes=True), sns.CHANNEL))

    def _wake(self, service: Service, message: Message, state: people.Nothing) -> people.Nothing:
        self.tries += 1
        if self.fails:
            raise CallFailed("unavailable", "it answered with status 503")
        self.given.append(message)
        return state

    @property
    def woken(self) -> int:
        """How often it woke somebody to take over."""
        return sum(message.kind == "escalation" for message in self.given)


def test_an_escalation_wakes_somebody_once_for_each_opening(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    pager = Pager(monkeypatch)
    team.records.update("i-1", **BUG, confirmed=True, kind="high_error_rate")
    pager.fails = True
    monkeypatch.setattr(close, "_AGAIN_SECONDS", 0.0)
    team.step(close.handler, operation="escalate", why="it did not help")
    assert (pager.woken, pager.tries) == (0, 2)
    # What reached nobody is no news to anybody.
    pager.fails = False
    team.step(close.handler, operation="escalate", why="it did not help")
    assert pager.woken == 1
    team.step(close.handler, operation="escalate", why="it did not help")
    assert pager.woken == 1 and pager.given[-1].needs == ("escalated",)
    time.sleep(0.002)
    team.records.update("i-1", reopened_at=[iso(time.time())])
    team.step(close.handler, operation="escalate", why="it came back")
    assert pager.woken == 2


def test_whom_a_task_has_woken_the_escalation_after_it_does_not_wake_again(
        team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    pager = Pager(monkeypatch)
    team.records.update("i-1", confirmed=True, cause={"id": "network", "confidence": 0.99, "summary": "s"})
    team.records.plan_action("i-1", 1, {"action": "engage_network_team", "target": "x", "summary": "give it",
                                        "status": "done", "component": "backend", "where": "database"})
    Tasks(team.records).ask(Task("i-1", 1, "payment-gateway", "manual", time.time(), time.time() + 600, ("x",)), "")
    run = step.StepRun("Apply", "i-1", shipped_service(), 0.0, "2026-11-25T01:00:00.000Z", team.records)
    notify.notify(run, Message("question", "task-01m", "i-1", "a task", "t"))
    team.step(close.handler, operation="escalate", why="people have a task")
    assert pager.woken == 0
    assert "has the task to restore the path from backend to its database" in messages.escalation(
        shipped_service(), team.records.load("i-1"), "x").text
    # Of another incident, or once it is done, it would.
    assert needs.needs(team.records.load("i-1")) == ("task-01m", "remind-01m", "escalated")
    team.records.note("i-1", "2026-11-25T02:00:00.000Z", "Decide", "done", kind="approval",
                      fact=Answered("01m", "done"))
    assert needs.needs(team.records.load("i-1")) == ("escalated",)
    team.step(close.handler, operation="escalate", why="no automatic step is left")
    assert pager.woken == 1


def test_a_false_alarm_for_which_nobody_was_called_notifies_nobody(team: Team) -> None:
    team.records.update("i-1", confirmed=False, evidence_cutoff=iso(time.time()))
    team.step(close.handler, operation="stand_down")
    assert team.told == []


def test_developers_are_called_once_the_cause_is_known(team: Team) -> None:
    team.step(inform.handler)
    assert team.told == []
    team.records.update("i-1", **BUG, kind="high_error_rate")
    for _ in range(2):
        team.step(inform.handler)
    assert [subject for _, subject in team.told] == [
        "payment-gateway is failing (code or configuration): Payment gateway developers, please join"]


def test_developers_get_a_hotfix_task_if_the_release_could_not_be_rolled_back(team: Team) -> None:
    hypothesis = {"cause": "code_bug", "mechanism": "bad_release", "component": "payment-gateway", "where": "",
                  "confidence": 0.9, "log_odds": 2.2, "evidence_for": ["it began with 1.1.0"], "evidence_against": [],
                  "sources": ["splunk"]}
    team.records.update("i-1", **BUG, ranking=[hypothesis])
    plan = {"action": "rollback", "target": "deployment/x", "summary": "roll back x", "diff": "- image: 1.1.0"}
    team.records.plan_action("i-1", 1, plan | {"status": "applied"})
    team.step(close.handler, operation="escalate", why="it did not help")
    assert "payment-gateway: a hotfix is needed" not in [subject for _, subject in team.told]
    team.records.set_action("i-1", 1, "rollback", status="refused",
                            reason="a migration that the version before cannot live with")
    for _ in range(2):
        team.step(close.handler, operation="escalate", why="no automatic step is left")
    assert [subject for _, subject in team.told].count("payment-gateway: a hotfix is needed") == 1
    said = messages.hotfix(shipped_service(), IncidentRecord.of(team.records.everything("i-1")))
    assert said and "- image: 1.1.0" in said.code
    for told in ("roll back x: a migration", "it began with 1.1.0"):
        assert told in said.text
    team.records.update("i-1", cause={"id": "overload", "confidence": 0.9, "summary": ""})
    assert messages.hotfix(shipped_service(), IncidentRecord.of(team.records.everything("i-1"))) is None


def first_message(team: Team, **more: Any) -> None:
    """Put on record that customers had their first message."""
    team.records.plan_action("i-1", 2, {"action": "inform_customers", "status": "done", "audience": "customers",
                                        "target": "customers", "summary": "tell customers"})
    team.records.note("i-1", "2026-11-25T01:00:00.000Z", "Apply the remedy", "customers were told", kind="notification",
                      fact=Delivered("customers", "statuspage", said=("problems", "looking", "unsure", "more"), **more))


def heard(team: Team) -> list[str]:
    return [entry.what for entry, said in IncidentRecord.of(team.records.everything("i-1")).facts(Delivered)
            if said.to == "customers"][1:]


def test_only_customers_who_were_notified_get_updates_until_the_end(team: Team) -> None:
    team.records.update("i-1", kind="high_error_rate", confirmed=True)
    team.records.plan_action("i-1", 1, {"action": "rollback", "status": "applied", "target": "x", "summary": "r"})
    # Of an outage that customers were not told of they are told neither news nor that it is over.
    team.step(inform.handler)
    assert "customers" not in [audience for audience, _ in team.told]
    first_message(team)
    for _ in range(2):
        team.step(inform.handler, more_by="2026-11-25T01:40:00.000Z")
    assert len(heard(team)) == 1
    assert "We have made a change" in heard(team)[0] and "2026-11-25 01:40 UTC" in heard(team)[0]
    team.records.update("i-1", recovery_verified_at=iso(time.time()), evidence_cutoff=iso(time.time()))
    # A step that comes late does not say that it lasts.
    team.step(inform.handler)
    assert team.step(update_customers.handler, more_by="2026-11-25T02:00:00.000Z") == {"told": False}
    for _ in range(2):
        team.step(close.handler, operation="stand_down")
    assert len(heard(team)) == 2 and "They work again." in heard(team)[1]


def test_a_promised_update_is_sent_with_nothing_new_and_is_on_record_with_the_next_time(team: Team) -> None:
    team.records.update("i-1", kind="high_error_rate", confirmed=True)
    first_message(team, more_by="2026-11-25T01:30:00.000Z")
    assert team.step(update_customers.handler, more_by="2026-11-25T02:00:00.000Z") == {"told": True}
    assert "There is nothing new yet." in heard(team)[0]
    last = [said for _, said in IncidentRecord.of(team.records.everything("i-1")).facts(Delivered)][-1]
    assert (last.more_by, "more" in last.said) == ("2026-11-25T02:00:00.000Z", True)


def test_an_update_that_no_channel_took_is_tried_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **more: Any) -> str:
        raise CallFailed("unavailable", "it answered with status 503")

    team.records.update("i-1", kind="high_error_rate", confirmed=True)
    first_message(team)
    with monkeypatch.context() as broken:
        broken.setattr(sns, "publish", refuse)
        with pytest.raises(CallFailed):
            team.step(update_customers.handler, more_by="2026-11-25T02:00:00.000Z")
    assert team.step(update_customers.handler, more_by="2026-11-25T02:00:00.000Z") == {"told": True}


def test_customers_hear_that_it_is_back_and_of_the_whole_in_the_end(team: Team) -> None:
    team.records.update("i-1", kind="high_error_rate", confirmed=True, onset="2026-11-25T00:10:00.000Z",
                        recovery_verified_at="2026-11-25T00:30:00.000Z", evidence_cutoff=iso(time.time()))
    first_message(team)
    team.step(close.handler, operation="stand_down")
    team.records.update("i-1", reopened_at=["2026-11-25T00:40:00.000Z"], status="open", recovery_verified_at=None)
    team.step(update_customers.handler)
    team.records.update("i-1", recovery_verified_at="2026-11-25T00:50:00.000Z", recovered_at="2026-11-25T00:49:30.000Z")
    team.step(close.handler, operation="stand_down")
    assert [said.removeprefix("customers were told: ")[:40] for said in heard(team)] == [
        "Between 2026-11-25 00:10 and 2026-11-25 ", "The problem that we had reported as over",
        "Between 2026-11-25 00:10 and 2026-11-25 "]
    assert "00:50 UTC" in heard(team)[2]


def opened_again(team: Team, monkeypatch: pytest.MonkeyPatch, *remedies: DeployedRemedy) -> Any:
    """Let another execution take the incident up, whose execution is gone."""
    team.records.expire("payment-gateway", "e")
    for name, value in (("load", lambda name: shipped_service()), ("records", lambda: team.records),
                        ("deployed", lambda name: Deployment((), {}, remedies)),
                        ("_still_running", lambda execution: "")):
        monkeypatch.setattr(opening, name, value)
    return opening.handler({"entered": iso(time.time()), "started": iso(time.time()), "execution": "e-2", "input": {
        "service": "payment-gateway", "reason": "trying it", "started_by": "me"}}, None)


@pytest.mark.parametrize(("said", "more_by", "over"), [
    (("problems", "more"), "2026-11-25T01:30:00.000Z", False), (("had_problems", "works_again"), "", True)])
def test_who_opens_an_incident_again_knows_what_customers_were_told(
        team: Team, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...], more_by: str, over: bool) -> None:
    first_message(team)
    team.records.note("i-1", "2026-11-25T01:10:00.000Z", "Update customers", "customers were told", kind="notification",
                      fact=Delivered("customers", "statuspage", said=said, more_by=more_by))
    opened = opened_again(team, monkeypatch)
    assert (opened["incident"]["id"], opened["told_over"], opened["more_by"]) == ("i-1", over, more_by)
    assert opened["settings"]["update_seconds"] == 1800 and opened["settings"]["approval_seconds"] == 930


@pytest.mark.parametrize(("status", "closed_at", "taken_up"), [
    ("applied", "", True), ("applied", "2026-11-25T00:50:00.000Z", True), ("verified", "", False),
    # It was closed since, so what is seen now has begun after that.
    ("applied", "2026-11-25T01:10:00.000Z", False), ("reverted", "", False), ("applying", "", False)])
def test_who_takes_an_incident_up_knows_what_was_applied_and_not_judged(
        team: Team, monkeypatch: pytest.MonkeyPatch, status: str, closed_at: str, taken_up: bool) -> None:
    at = "2026-11-25T01:00:00.000Z"
    team.records.plan_action("i-1", 1, {"action": "rollback", "cause": "code_bug", "target": "x", "summary": "r",
                                        "proposal": "p-1", "status": status, "applied_at": at})
    if closed_at:
        team.records.update("i-1", closed_at=closed_at)
    opened = opened_again(team, monkeypatch, DeployedRemedy("rollback", "incident-response-action-rollback"))
    found = [(one["number"], one["remedy"]["action"], one["remedy"]["id"], one["remedy"]["cause"])
             for one in opened.get("changed", [])]
    assert found == ([(1, "rollback", "p-1", "code_bug")] if taken_up else [])
    # Its time is up long since; but what is well at last still has the time to hold.
    since = opened.get("changed_since", "")
    assert abs(time.time() - shipped_service().recovery.give_up_seconds - seconds(since)) < 5 if taken_up else (
        since == "")
    # By the name of the function that can take it back.
    assert all(one["remedy"]["function"].endswith("action-rollback") for one in opened.get("changed", []))


def test_customers_hear_when_the_work_ends_before_the_outage(team: Team) -> None:
    team.records.update("i-1", kind="high_error_rate", confirmed=True, escalated_at=iso(time.time()),
                        outcome="escalated", evidence_cutoff=iso(time.time()))
    first_message(team, more_by="2026-11-25T01:30:00.000Z")
    team.step(close.handler, operation="stand_down")
    assert "We cannot say yet when it will be over." in heard(team)[0] and "more by" not in heard(team)[0]


def test_the_person_with_a_task_is_reminded_and_the_next_person_notified(team: Team) -> None:
    now = time.time()
    Tasks(team.records).ask(Task("i-1", 1, "payment-gateway", "manual", now - 130, now + 600,
                                 ("network: Network team",)), "")
    for _ in range(2):
        team.step(remind.handler)
    assert len(team.told) == 1 and "waits for" in team.told[0][1]
    Tasks(team.records).answer("i-1", "01m", "done", "ada")
    assert team.step(remind.handler) == {"reminded": []}
