"""What several incidents ask at once: one asks for all, and all together stay within the budget."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder import sources
from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.looks import ALONE, Answered
from responder.handlers import ask, looks, warm
from responder.handlers.step import StepRun
from responder.model.evidence import Window
from responder.model.incident import SourceAnswer
from responder.model.moment import iso
from responder.model.service import Service
from responder.records.table import Records
from responder.sources import Budget, Query, Source, cloudtrail
from tests.clock import Clock
from tests.conftest import timeline_in_aws
from tests.dynamo import Dynamo

KEY = "history/own"
SOURCE = Source("history", frozenset({"diagnose"}), lambda query: [], shared=lambda query: (KEY,), budget=Budget(
    "look-ups", 1.0, 1.0, "2 a second", 2.0, scope=lambda service: "own", a_look=lambda query: 2))


class Storm:
    """Incidents that ask at once, and the system that they ask."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service, self.clock, self.table = service, clock, Dynamo()
        self.asked: list[float] = []
        """When the system was asked."""
        self.answers: dict[int, Answered | str] = {}
        self.said: dict[int, list[str]] = {}
        self.raw: dict[int, str] = {}
        self.takes_seconds = 2.0
        self.fails = 0
        """How many of the first calls fail."""

    def look(self, number: int, needed_from: float | None = None, source: Source = SOURCE,
             kind: type[looks.Together] = looks.Together) -> Callable[[], None]:
        """One incident's look, of the ten seconds that it has."""
        def work() -> None:
            now = time.time()
            query = Query(self.service, "diagnose", Window(now - 90, now), Window(now - 3690, now - 90),
                          time.monotonic() + 10)
            mine = kind("timeline", source, query, f"i-{number}",
                        now - looks.FRESH_SECONDS if needed_from is None else needed_from, f"s3://raw/{kind.__name__}")
            try:
                self.answers[number] = mine.once(KEY, query.window, self._ask)
            except CallFailed as failed:
                self.answers[number] = failed.status
            self.said[number], self.raw[number] = mine.said, mine.raw
        return work

    def _ask(self, window: Window) -> Any:
        self.asked.append(time.time())
        assert window.start % 60 == 0
        time.sleep(self.takes_seconds)
        if len(self.asked) <= self.fails:
            raise CallFailed("unavailable", "it is down")
        return {"from": window.start, "number": len(self.asked)}


@pytest.fixture
def storm(service: Service, monkeypatch: pytest.MonkeyPatch) -> Storm:
    clock = Clock()
    clock.patch(monkeypatch)
    found = Storm(service, clock)
    monkeypatch.setattr(looks, "client", lambda: found.table)
    return found


def most_within(moments: list[float], seconds: float) -> int:
    """The most of these moments within any stretch of time."""
    return max(sum(at <= one < at + seconds for one in moments) for at in moments)


# --- sharing ---------------------------------------------------------------------------------------------------------


def test_of_twenty_incidents_one_asks_and_all_have_its_answer(storm: Storm) -> None:
    storm.clock.run([(0.1 * number, storm.look(number)) for number in range(20)])
    assert len(storm.asked) == 1
    assert {json.dumps(one.value) for one in storm.answers.values() if isinstance(one, Answered)} == {
        json.dumps({"from": (storm.asked[0] - 90) // 60 * 60, "number": 1})}
    # Who asked says nothing of it, the others say who did, and when; none has an answer of after its own window.
    assert storm.said[0] == [] and storm.said[7] == [
        f"history was asked for at {iso(storm.asked[0])[11:19]} UTC by incident i-0"]
    assert isinstance(storm.answers[7], Answered) and storm.answers[7].window.end == storm.asked[0]


def test_an_answer_from_before_its_own_alarm_is_none(storm: Storm) -> None:
    began = storm.clock.now
    storm.clock.run([(0, storm.look(0)), (4, storm.look(1, began + 3)), (5, storm.look(2, began - 5))])
    assert len(storm.asked) == 2 and storm.said[1] == [] and storm.said[2] != []


def test_an_old_answer_is_none_and_neither_is_one_that_begins_too_late(storm: Storm) -> None:
    storm.clock.run([(0, storm.look(0)), (looks.FRESH_SECONDS + 3, storm.look(1))])
    assert len(storm.asked) == 2
    wider = looks.Together("timeline", SOURCE, Query(
        storm.service, "diagnose", Window(0, 1), Window(0, 1), time.monotonic() + 10), "i-3", 0.0)
    storm.clock.run([(3, lambda: wider.once(KEY, Window(time.time() - 7200, time.time()), storm._ask))])
    assert len(storm.asked) == 3


def test_an_incident_that_looks_again_has_no_answer_of_its_own(storm: Storm) -> None:
    storm.clock.run([(0, storm.look(0)), (3, storm.look(0)), (6, storm.look(1))])
    assert len(storm.asked) == 2 and storm.said[0] == [] and len(storm.said[1]) == 1


def ahead(storm: Storm, number: int) -> Callable[[], None]:
    return storm.look(number, kind=looks.Ahead)


def test_what_an_incident_asked_ahead_it_has_when_it_needs_it(storm: Storm) -> None:
    storm.takes_seconds = 5.0
    storm.clock.run([(0, ahead(storm, 0)), (3, storm.look(0)), (4, storm.look(1))])
    assert len(storm.asked) == 1
    answer = storm.answers[0]
    # It tells of no more than of when it was asked, and where it is kept word for word is known to whose it is alone.
    assert isinstance(answer, Answered) and answer.window.end == storm.asked[0]
    assert (storm.said[0], storm.raw[0]) == ([], "s3://raw/Ahead")
    assert (len(storm.said[1]), storm.raw[1]) == (1, "")


def test_what_was_asked_ahead_too_long_ago_is_asked_again(storm: Storm) -> None:
    storm.clock.run([(0, ahead(storm, 0)), (looks.FRESH_SECONDS + 1, storm.look(0))])
    assert len(storm.asked) == 2 and storm.raw[0] == ""


def test_nobody_asks_ahead_what_another_one_asks_or_has_just_asked(storm: Storm) -> None:
    storm.clock.run([(0, storm.look(0)), *((0.5 * n, ahead(storm, n)) for n in range(1, 9))])
    assert len(storm.asked) == 1
    # Those who came while it was asked did not wait, those who came later found the answer.
    assert {n: storm.answers[n] for n in (1, 2, 3)} == dict.fromkeys((1, 2, 3), "throttled")
    assert all(isinstance(storm.answers[n], Answered) for n in range(5, 9))


def test_where_asking_ahead_fails_the_look_asks_itself(storm: Storm) -> None:
    storm.fails = 1
    storm.clock.run([(0, ahead(storm, 0)), (1, storm.look(0))])
    assert len(storm.asked) == 2 and isinstance(storm.answers[0], Answered)


def test_where_the_one_who_asks_fails_another_one_asks(storm: Storm) -> None:
    storm.fails, storm.takes_seconds = 1, 1.0
    storm.clock.run([(0.1 * number, storm.look(number)) for number in range(5)])
    assert len(storm.asked) == 2 and storm.answers[0] == "unavailable"
    assert sum(isinstance(one, Answered) for one in storm.answers.values()) == 4


def test_where_the_one_who_asks_dies_the_others_ask_alone_in_time(storm: Storm) -> None:
    looks.Shared("timeline", storm.table).lease("history", KEY, "dead", 60)
    began = storm.clock.now
    storm.clock.run([(0, storm.look(0))])
    assert isinstance(storm.answers[0], Answered) and storm.asked[0] - began <= 6.5


def test_what_has_no_room_to_be_shared_is_asked_alone_at_once(storm: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("responder.records.shared.ITEM_CHARACTERS", 10)
    storm.clock.run([(0, storm.look(0)), (3, storm.look(1))])
    assert len(storm.asked) == 2 and storm.asked[1] - storm.asked[0] < 4 and storm.said[1] == []


def test_without_the_table_everybody_asks_alone(storm: Storm) -> None:
    def down(operation: str, partition: str) -> None:
        raise aws.EndpointConnectionError(endpoint_url="https://dynamodb")

    storm.table.before = down
    storm.clock.run([(0, storm.look(number)) for number in range(3)])
    assert len(storm.asked) == 3 and all(isinstance(one, Answered) for one in storm.answers.values())


def test_what_is_not_declared_is_not_shared(storm: Storm) -> None:
    query = Query(storm.service, "diagnose", Window(0, 1), Window(0, 1), time.monotonic() + 10)
    with pytest.raises(ValueError, match="does not declare"):
        looks.Together("timeline", SOURCE, query, "i", 0.0).once("another", query.window, storm._ask)


def test_it_works_on_the_real_table_s_terms(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto refuses reserved words, and what is no expression."""
    with mock_aws():
        timeline_in_aws()
        client = boto3.client("dynamodb")
        monkeypatch.setattr(looks, "client", lambda: client)
        now = time.time()
        query = Query(service, "diagnose", Window(now - 90, now), Window(now - 3690, now - 90), time.monotonic() + 10)
        first, second = (looks.Together("timeline", SOURCE, query, f"i-{n}", now - 5) for n in (1, 2))
        assert first.once(KEY, query.window, lambda wide: {"a": [1.5, "x"]}).value == {"a": [1.5, "x"]}
        assert second.once(KEY, query.window, lambda wide: pytest.fail("asked again")).value == {"a": [1.5, "x"]}
        assert len(second.said) == 1
        first.give_back(1)
        second.turn(1)
        second.turn(20)
        with pytest.raises(CallFailed, match="no turn in time"):
            second.turn(1)


# --- budgets ---------------------------------------------------------------------------------------------------------


def test_calls_stay_within_the_budget_and_who_has_no_turn_says_so(storm: Storm) -> None:
    """Fifty incidents within five seconds, each with two calls of one a second."""
    unshared = replace(SOURCE, shared=None)
    calls: list[float] = []
    ended: dict[int, str] = {}
    waited: list[float] = []

    def work(number: int) -> None:
        query = Query(storm.service, "diagnose", Window(0, 1), Window(0, 1), time.monotonic() + 10)
        began = time.monotonic()
        try:
            looks.Together("timeline", unshared, query, f"i-{number}", 0.0).turn()
        except CallFailed as failed:
            ended[number] = f"{failed.status}: {failed.note}"
            waited.append(time.monotonic() - began)
        else:
            assert time.monotonic() <= query.deadline - 4, "a look needs time of its own"
            calls.extend([time.time(), time.time() + 0.55])

    storm.clock.run([(0.1 * number, lambda number=number: work(number)) for number in range(50)])
    assert most_within(calls, 1.0) <= 2 and most_within(calls, 10.0) <= 12
    assert len(calls) >= 10 and len(ended) + len(calls) / 2 == 50
    assert max(waited) < 0.1, "nobody waits in vain"
    assert all(note.startswith("throttled: ") for note in ended.values())
    assert "the responder's own budget of look-ups (1 calls in 1 s)" in ended[49]


def test_turns_that_were_not_needed_are_given_back(storm: Storm) -> None:
    query = Query(storm.service, "diagnose", Window(0, 1), Window(0, 1), time.monotonic() + 10)
    mine = looks.Together("timeline", SOURCE, query, "i", 0.0)

    def work() -> None:
        mine.turn(18)
        mine.give_back(16)
        began = time.time()
        mine.turn(2)
        assert time.time() - began <= 2.0, "two calls were made"
    storm.clock.run([(0, work)])


@pytest.mark.parametrize("source", sources.all(), ids=lambda source: source.name)
def test_each_source_has_a_budget_of_half_the_vendor_s_limit_or_less(source: Source, service: Service) -> None:
    budget = source.budget
    assert budget is not None and len(budget.limit) > 20
    query = Query(service, "diagnose", Window(0, 1), Window(0, 1), 0.0)
    assert budget.a_look(query) >= 0
    if budget.vendor_calls is not None:
        assert budget.calls <= budget.vendor_calls / 2
    # A look of one service, again every few seconds, is never without a turn for itself.
    assert budget.a_look(query) * budget.seconds / budget.calls <= max(18.0, budget.seconds)


def test_the_budgets_of_one_vendor_s_calls_are_half_of_its_limit_together() -> None:
    together: dict[str, float] = defaultdict(float)
    limits: dict[str, float] = {}
    for source in sources.all():
        if source.budget and source.budget.vendor_calls is not None:
            together[source.budget.api] += source.budget.calls / source.budget.seconds
            limits[source.budget.api] = source.budget.vendor_calls / source.budget.seconds
    assert {api: rate for api, rate in together.items() if rate > limits[api] / 2} == {}
    assert len(limits) >= 4


# --- through the function that asks ----------------------------------------------------------------------------------


class Trail:
    """CloudTrail of an account that two services share."""

    def __init__(self) -> None:
        self.calls = 0

    def lookup_events(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        return {"Events": [{
            "EventId": f"e-{group}", "EventName": "RevokeSecurityGroupIngress", "EventSource": "ec2.amazonaws.com",
            "EventTime": datetime.fromtimestamp(int(time.time()) - 60, UTC), "Username": "jo", "ReadOnly": "false",
            "Resources": [], "CloudTrailEvent": json.dumps({"requestParameters": {
                "groupId": group, "note": "password=hunter2hunter2"}})} for group in ("sg-one", "sg-two")]}


@pytest.fixture
def trail(storm: Storm, monkeypatch: pytest.MonkeyPatch) -> Trail:
    found = Trail()
    services = {name: replace(storm.service, service=name, network=None, aws=replace(
        storm.service.aws, security_groups=(f"sg-{name}",), cloudtrail=True)) for name in ("one", "two")}
    monkeypatch.setattr(ask, "load", services.__getitem__)
    monkeypatch.setattr(aws, "client", lambda *_, **__: found)
    monkeypatch.setattr(ask, "_stored", lambda *_: "")
    monkeypatch.setenv("SOURCE", "cloudtrail")
    monkeypatch.setenv("BUCKET", "reports")
    return found


def asked(service: str, now: float) -> dict[str, Any]:
    return ask.handler({"incident": {"id": f"i-{service}", "service": service, "opened_at": iso(now - 3)},
                        "phase": "diagnose", "now": iso(now)}, None)


def test_two_services_share_the_history_and_each_has_its_own_changes(
        storm: Storm, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    now, found = storm.clock.now, dict[str, Any]()

    def work(name: str) -> Callable[[], None]:
        return lambda: found.update({name: asked(name, now)})

    storm.clock.run([(0, work("one")), (0.5, work("two"))])
    alone = found.copy()
    monkeypatch.setenv("LOOKS", "timeline")
    trail.calls = 0
    storm.clock.now = now
    storm.clock.run([(0, work("one")), (0.5, work("two"))])
    assert trail.calls == 1
    # The same findings as if it had asked alone, and beside them where they are from.
    assert [answer["findings"] for answer in found.values()] == [answer["findings"] for answer in alone.values()]
    for name, other in (("one", "two"), ("two", "one")):
        event, = found[name]["findings"][0]["detail"]["events"]
        assert event["topic"] == "network" and f"sg-{name}" in json.dumps(event)
        assert f"sg-{other}" not in json.dumps(found[name])
    assert "shared" not in found["one"] or not found["one"]["shared"]
    assert found["two"]["shared"][0].endswith("by incident i-one")
    query = Query(ask.load("one"), "diagnose", Window(0, 1), Window(0, 1), 0.0)
    answer = looks.Shared("timeline", storm.table).answer("cloudtrail", cloudtrail._key(query))
    assert answer is not None
    kept = json.dumps(answer.value)
    assert "RevokeSecurityGroupIngress" in kept and "hunter2" not in kept


def warmed(service: str, at: float, **more: Any) -> dict[str, Any]:
    return ask.handler({"warm": True, "service": service, "ahead": {
        "incident": {"id": f"i-{service}", "service": service, "opened_at": iso(at - 3)}, "phase": "diagnose",
        "now": iso(at)} | more}, None)


def test_the_history_is_asked_while_the_incident_is_confirmed(
        storm: Storm, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "load", ask.load)
    monkeypatch.setattr(ask, "_stored", lambda *_: "s3://reports/raw/it")
    monkeypatch.setenv("LOOKS", "timeline")
    now, found = storm.clock.now, list[Any]()
    storm.clock.run([(0, lambda: found.append(warmed("one", now))), (0, lambda: found.append(warmed("one", now))),
                     (3, lambda: found.append(asked("one", now + 3)))])
    assert found[:2] == [{}, {}] and trail.calls == 1, "delivered twice, it is asked once"
    finding, = found[2]["findings"]
    assert finding["status"] == "ok" and len(finding["detail"]["events"]) == 1 and not found[2].get("shared")
    # Of what came after it was asked, it does not pretend to know.
    assert finding["detail"]["complete_until"] <= now - 299


@pytest.mark.parametrize("source", ["cloudtrail", "eks"])
def test_a_question_ahead_that_is_none_asks_nothing_and_never_fails(
        storm: Storm, trail: Trail, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(warm, "load", ask.load)
    monkeypatch.setenv("LOOKS", "timeline")
    monkeypatch.setenv("SOURCE", source)
    for wrong in ({"phase": 7}, {"incident": None}, {"now": "yesterday"}, {"incident": {"id": "i", "service": "?",
                                                                                      "opened_at": "x"}}):
        assert warmed("one", storm.clock.now, **wrong) == {}
    if source == "eks":
        assert warmed("one", storm.clock.now) == {}, "it is asked when it is needed"
    assert trail.calls == 0 and storm.table.items == {}


def test_a_source_that_has_no_turn_is_throttled_and_says_so(
        storm: Storm, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKS", "timeline")
    storm.table.items["BUDGET#cloudtrail#own/own", "FREE"] = {
        "pk": "BUDGET#cloudtrail#own/own", "sk": "FREE", "free_at": storm.clock.now + 60}
    found: list[dict[str, Any]] = []
    storm.clock.run([(0, lambda: found.append(asked("one", storm.clock.now)))])
    finding, = found[0]["findings"]
    assert trail.calls == 0 and finding["status"] == "throttled" and "CloudTrail LookupEvents" in finding["note"]


def test_the_timeline_says_what_was_shared(storm: Storm) -> None:
    records = Records("timeline", Dynamo())
    run = StepRun("Diagnose", "i-1", storm.service, 0.0, "2026-11-25T00:00:00.000Z", records, (
        SourceAnswer("cloudtrail", shared=("cloudtrail was asked for at 12:00:00 UTC by incident i-2",)),))
    run.keep_evidence()
    entry, = [item for (pk, _), item in records._client.items.items() if pk == "TIMELINE#i-1"]
    assert "by incident i-2" in entry["why"]


def test_alone_is_what_a_query_is_by_default(service: Service) -> None:
    query = Query(service, "diagnose", Window(100.0, 200.0), Window(0, 1), 0.0)
    assert query.looks is ALONE
    assert ALONE.once("k", query.window, lambda wide: wide.start) == Answered(60.0, query.window)
