"""Every transition of the state machine is taken: each way out of each state, each retry and each catch."""

from __future__ import annotations

import random
from typing import Any

from responder.plan.course import Course, Done
from responder.plan.next_step import Cared, Confirmed, Diagnosed, Opened, StoodDown, Watched
from tests.machine import Machine, StatesError, transitions
from tests.unit.state_machine.test_promise import ASL, BEGAN, REMEDIES, Way

_MOST_WAYS = 600
_MOST_TRIES = 12
"""More than any state is tried."""
_PHASES = ("confirm", "isolate", "diagnose", "watch", "aftercare")


class HardWay(Way):
    """A way on which any function may fail once or for good, and any answer may come."""

    def __init__(self, seed: int, wanted: set[str]) -> None:
        self._chance = random.Random(seed)
        super().__init__(seed, self._chance.choice([60, 1800]), self._chance.choice([40, 930]))
        # What has not failed yet, or not gone on yet, is tried first: that saves most of the ways.
        self._fails = self._chance.choice(sorted(wanted)) if wanted and self._chance.random() < 0.7 else ""
        # What comes only after another failure is reached by way of that.
        self._also = self._chance.choice(sorted(ASL["States"])) if self._chance.random() < 0.3 else ""
        self._tries: dict[str, int] = {}
        self._error = self._chance.choice([RuntimeError("it fails"), StatesError("Lambda.TooManyRequestsException")])
        self.machine = Machine(ASL, self._invoke, BEGAN, 400, self._fails if self._chance.random() < 0.5 else "")

    def _invoke(self, state: str, function: str, payload: dict[str, Any]) -> Any:
        if state in (self._fails, self._also) and self._tries.setdefault(state, 0) < _MOST_TRIES:
            self._tries[state] += 1
            raise self._error
        if self._chance.random() < 0.02:
            raise StatesError("Lambda.ServiceException")
        if payload.get("phase"):
            return {"source": "s", "findings": []}
        found = super()._invoke(state, function, payload)
        if payload.get("operation") == "open" or payload.get("do") == "open":
            found["result"] |= {"warm": {"confirm": ["source-s"], "diagnose": ["source-s"]}, "sources": {
                phase: [{"source": "s", "function": "source-s"}] for phase in _PHASES}}
        return found

    def _result(self, step: str, course: Course, payload: dict[str, Any]) -> object:
        choose = self._chance.choice
        if step == "open":
            return Opened(choose(["opened"] * 25 + ["attached", "decided", "declined", "report", "refused"]),
                          settings=self._settings, until=choose([""] * 9 + ["confirm", "isolate", "diagnose"]),
                          changed=choose([(), (), (Done(1, REMEDIES[0]),)]))
        if step == "confirm":
            return Confirmed(choose(["confirmed"] * 4 + ["false_alarm", "inconclusive"]), choose([True, False]))
        if step == "diagnose":
            remedies = self._chance.sample(REMEDIES, self._chance.randint(0, 3))
            told = [REMEDIES[1]] if choose([True, True, False]) else []
            return Diagnosed("code_bug", "", choose([True, False]), choose([True, False]), (*told, *remedies))
        if step == "monitor":
            return Watched(choose(["waiting", "recovered", "not_helped", "worse"]), "", 30, choose([True, False]),
                           choose([(), (REMEDIES[2],)]), course.number)
        if step == "stand_down":
            return StoodDown(choose([True, True, False]) and course.again < 2, choose([True, True, False]))
        if step == "aftercare":
            return Cared(choose(["waiting", "put_back", "people", "done"]), "it is over", 30, (Done(1, REMEDIES[0]),))
        return super()._result(step, course, payload)

    def _check_in_time(self, needed: float) -> None:
        """Promises are tried elsewhere."""


def test_every_transition_is_taken_by_some_way() -> None:
    left = set(transitions(ASL))
    for seed in range(_MOST_WAYS):
        if not left:
            break
        way = HardWay(seed, {state for state, _ in left})
        try:
            way.run()
        except (AssertionError, RuntimeError, StatesError):
            pass  # An end that is not the plan's: the execution failed, which own alarms tell.
        left -= way.machine.taken
    assert sorted(left) == []
