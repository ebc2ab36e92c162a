"""An outage that nobody sees to for days, and that a remedy ends then: it has room, it is told of, and it ends.

The state machine is the plan's own, with its waits; what its steps find is made up. The history is counted by the
events that Step Functions writes for each state ("HistoryEvent"), of which an execution may have 25,000 ("Service
quotas").
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from moto import mock_aws

from responder.handlers import step
from responder.handlers.step import StepEvent, StepRun
from responder.model.codec import decode, encode
from responder.model.incident import Signal
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.plan import promise
from responder.plan.course import Course, RemedyRef, Settings, State
from responder.plan.next_step import (
    Applied,
    Confirmed,
    Diagnosed,
    Escalated,
    Isolated,
    Opened,
    Planned,
    Ruled,
    StoodDown,
    Watched,
    if_it_fails,
    next_step,
)
from responder.plan.recovery import next_check
from responder.sources import all as every_source
from stacks.consistency import inconsistent
from tests.conftest import ROOT, shipped_service, timeline
from tests.machine import Machine, StatesError

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())
BEGAN = seconds("2027-12-30T20:00:00.000Z")
"""So that it goes on over midnights and a year's end; 2028 has a leap day."""
DAY = 86_400.0
MOST_EVENTS = 25_000
REMEDIES = (RemedyRef("rollback", "p-1", "f-1", "code_bug"), RemedyRef("inform_customers", "p-2", "f-2", "code_bug"))


class Long:
    """An incident whose remedy needs an approval that nobody gives, until people mend it after some days."""

    def __init__(self, service: Service, days: float) -> None:
        self._service, self._mended = service, BEGAN + days * DAY
        asked = service.approval.wait_seconds + promise.APPROVAL_MARGIN_SECONDS
        self._settings = Settings(
            service.confirm.looks, service.confirm.look_wait_seconds, service.confirm.rounds,
            service.confirm.round_wait_seconds, service.recovery.check_every_seconds,
            promise.update_seconds(service.customers.update_seconds, asked, service.guardrails.remedies_per_incident),
            asked)
        self.pages, self.updates, self.looks = 0, [], []  # type: int, list[float], list[float]
        self.promised: float | None = None
        self.broken: list[float] = []
        self.machine = Machine(ASL, self._invoke, BEGAN, 200_000)

    def run(self) -> str:
        return self.machine.run({"service": "payment-gateway"})

    @property
    def events(self) -> int:
        """How many events the execution's history has."""
        kinds = dict(_states(ASL))
        # Each item of a Map has two of its own.
        return 2 + sum({"Task": 5, "Map": 4}.get(kinds[name]["Type"], 2) + 2 * kinds[name].get("inner", 0)
                       for name in self.machine.visited)

    def _invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        step = payload.get("operation") or payload.get("do") or "page"
        now = self.machine.now
        if step == "customers":
            self._told(now)
            self.updates.append(now)
            more_by = decode(Course, payload["course"]).more_by
            self.promised = seconds(more_by) if more_by else None
        self.machine.now += {"approval": self._settings.approval_seconds, "review": 20.0}.get(step, 3.0)
        if step == "approval":
            raise StatesError("States.Timeout")
        if step in ("customers", "inform", "remind", "assemble", "page", "review", "left"):
            return {}
        if step == "revert":
            return {"reverted": True}
        if "course" not in payload:
            return {}
        course = decode(Course, payload["course"])
        result = encode(self._found(step, course, payload))
        if step == "open":
            result |= {"incident": {"id": "i-1", "service": "payment-gateway", "opened_at": iso(BEGAN)}, "warm": {},
                       "sources": {
                phase: [{"source": source.name, "function": source.name} for source in every_source()
                        if phase in source.phases]
                for phase in ("confirm", "isolate", "diagnose", "watch", "aftercare")}}
        following = next_step(course, step, result, iso(self.machine.now))
        if following.state in (State.REPORT, State.CLOSED):
            self._told(self.machine.now)
            self.promised = None
        fallback = if_it_fails(following)
        return {"next": following.state.value, "course": encode(following.course), "result": result,
                "fallback": {"next": fallback.state.value, "course": encode(fallback.course)}}

    def _told(self, now: float) -> None:
        if self.promised is not None and now > self.promised + 1:
            self.broken.append(now - BEGAN)

    def _found(self, step: str, course: Course, payload: dict[str, Any]) -> object:
        match step:
            case "open":
                return Opened("opened", settings=self._settings)
            case "confirm":
                return Confirmed("confirmed", False)
            case "isolate":
                return Isolated()
            case "diagnose":
                return Diagnosed("code_bug", "a bad release", False, False, REMEDIES)
            case "plan":
                return Planned(True)
            case "guard":
                asks = course.remedies[course.place].action == "rollback"
                return Ruled("approval" if asks else "permitted", "policy", "")
            case "apply":
                more_by = promise.promised(payload["entered"], self._settings.update_seconds)
                self.promised = seconds(more_by) if more_by else None
                return Applied(True, "customers were told", True, False, more_by)
            case "monitor":
                return self._watched(course, payload)
            case "escalate":
                self.pages += 1
                return Escalated()
        return StoodDown(False, False)

    def _watched(self, course: Course, payload: dict[str, Any]) -> Watched:
        now, since = self.machine.now, seconds(course.since or payload["entered"])
        self.looks.append(now)
        recovery, left = self._service.recovery, None
        if now >= self._mended:
            left = recovery.hold_seconds - (now - self._mended)
            if left <= 0:
                return Watched("recovered", "well", 0, False, (), course.number)
        limit = recovery.watch_after_escalation_seconds if course.watching == "people" else recovery.give_up_seconds
        answer = "not_helped" if now - since > limit else "waiting"
        return Watched(answer, "", next_check(self._service, now - since, left), False, (), course.number)


def _states(definition: dict[str, Any], inner: int = 0) -> Any:
    for name, state in definition["States"].items():
        yield name, {"Type": state["Type"], "inner": inner}
        if state["Type"] == "Map":
            yield from _states(state["ItemProcessor"], 1)


def watched_for(days: float, every: int = 30, at_most: int = 900, update: int = 1800) -> Service:
    """The shipped service, which goes on watching for so long, and a little."""
    shipped = shipped_service()
    return replace(shipped, customers=replace(shipped.customers, update_seconds=update), recovery=replace(
        shipped.recovery, check_every_seconds=every, check_at_most_every_seconds=at_most,
        watch_after_escalation_seconds=int(days * DAY)))


@pytest.mark.parametrize(("days", "every", "at_most", "update"), [
    (3.0, 30, 900, 1800), (13.5, 30, 900, 1800), (13.5, 1, 1, 60), (13.5, 10, 60, 0)])
def test_an_outage_of_days_is_watched_to_its_end_and_has_room(days: float, every: int, at_most: int,
                                                              update: int) -> None:
    service = watched_for(14.0, every, at_most, update)
    long = Long(service, days)
    assert long.run() == "Incident closed"
    assert long.events < MOST_EVENTS, (long.events, len(long.looks))
    assert long.broken == []
    assert long.pages == 1
    # It is seen to be over soon: the wait that was under way, what it must hold, and a few looks.
    assert long.machine.now - BEGAN < days * DAY * 1.05 + service.recovery.hold_seconds + 7200
    assert long.machine.now - BEGAN > days * DAY
    if update:
        # Customers hear more to the end; the more rarely, the longer it lasts.
        gaps = [later - earlier for earlier, later in pairwise(long.updates)]
        assert len(gaps) > 20 and gaps[0] < 3600 and max(gaps) < 0.05 * days * DAY + 3600
    assert "States.Timeout" not in long.machine.visited


def test_what_no_history_has_room_for_is_refused_in_the_configuration() -> None:
    for name in ("watch_after_escalation_seconds", "aftercare_seconds"):
        for value, is_wrong in ((14 * 86_400, False), (14 * 86_400 + 1, True)):
            service = replace(shipped_service(), recovery=replace(shipped_service().recovery, **{name: value}))
            assert any(path == ("recovery", name) for path, *_ in inconsistent(service)) is is_wrong


@pytest.mark.parametrize("days", [0.0, 0.7, 3.0, 14.0])
def test_the_incident_s_lease_outlasts_the_longest_wait(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Else a sweep and every alarm of the third day would find the service's place free."""
    service, now = watched_for(14.0), time.time()

    def nothing(run: StepRun, event: StepEvent) -> Any:
        return Isolated()

    with mock_aws():
        table, opened = timeline(), iso(now - days * DAY)
        monkeypatch.setattr(step, "records", lambda: table)
        monkeypatch.setattr(step, "load", lambda name: service)
        table.open(service.service, "i-1", "e", opened, Signal(opened, "alarm", "a", "k"))
        step.step("Look", StepEvent)(nothing)({"incident": {
            "id": "i-1", "service": service.service, "opened_at": opened, "execution": "e"}, "entered": iso(now)}, None)
        held = table.lock(service.service)
    assert held and held.lease_until - now > next_check(service, days * DAY, None) + 300
