"""Two faults in the same calls, played on the sandbox's platform without a cluster, and a remedy for the first alone.

The platform and New Relic's and CloudWatch's answers are those of ``bench/bed/made_up.py``. The first fault begins; the
second one begins before it, with it or after it; then the first one's remedy is applied, and ends the first fault or
nothing at all. What is made of it is the plan's word: ``plan/remedy_verdict.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations
from unittest import mock

from bench.bed.made_up import BEGUN, RECORD, Stage, alarmed, look
from responder.model.evidence import Evidence
from responder.model.evidence.calls import Calls
from responder.model.fault_location import location_of
from responder.model.incident import Looked
from responder.model.moment import iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.kinds import kind_of
from responder.plan.recovery import judge
from responder.plan.remediated import Aim, effect, kinds_of
from responder.plan.remedy_verdict import RemedyVerdict, verdict
from responder.plan.replay import service_of
from responder.records.record import unpack
from sandbox.platform.flow import Flow
from sandbox.platform.state import Broken, World
from sandbox.platform.telemetry import Telemetry
from sandbox.platform.versions import Behaviour

GAPS = (-20, 0, 20)
"""Seconds from the first fault to the second."""
_PER_SECOND = 40.0
_FIRST = 40
_APPLIED = _FIRST + 75
_WATCHED = 75
"""Long enough for a minute of calls that are all since the remedy."""


@dataclass(frozen=True)
class Fault:
    """A fault that the platform can play, and the mechanism that is to be found of it."""

    mechanism: str
    where: str
    action: str
    begin: Callable[[Stage], Callable[[], None]]
    """Brings it about, and returns what ends it, and it alone."""
    setting: str = ""
    """The setting that its remedy restores."""


def _database(kind: str) -> Callable[[Stage], Callable[[], None]]:
    def begin(stage: Stage) -> Callable[[], None]:
        number = stage.world.database.set_fault(kind, 0.0)
        return lambda: stage.world.database.heal(0.0, number)

    return begin


def _parameter(name: str, value: str) -> Callable[[Stage], Callable[[], None]]:
    def begin(stage: Stage) -> Callable[[], None]:
        database = stage.world.database
        before = database.in_effect.get(name, "0")
        database.in_effect = {**database.in_effect, name: value}

        def end() -> None:
            database.in_effect = {**database.in_effect, name: before}

        return end

    return begin


def _credentials(stage: Stage) -> Callable[[], None]:
    database = stage.world.database
    before, database.password = database.password, "rotated"

    def end() -> None:
        database.password = before

    return end


def _path(target: str, fault: str) -> Callable[[Stage], Callable[[], None]]:
    def begin(stage: Stage) -> Callable[[], None]:
        broken = Broken("payment-gateway", target, fault)
        stage.world.broken.append(broken)
        return lambda: stage.world.broken.remove(broken)

    return begin


def _provider(fault: str, error_rate: float) -> Callable[[Stage], Callable[[], None]]:
    def begin(stage: Stage) -> Callable[[], None]:
        provider = stage.world.providers["primary"]
        before = provider.fault, provider.error_rate
        provider.fault, provider.error_rate = fault, error_rate

        def end() -> None:
            provider.fault, provider.error_rate = before

        return end

    return begin


def _release(stage: Stage) -> Callable[[], None]:
    stage.release("payment-gateway", "1.1.0", 4)
    return lambda: stage.release("payment-gateway", "1.0.0", 4)


FAULTS: Mapping[str, Fault] = {
    "read-only": Fault("database_parameters", "database", "restore_parameter_group",
                       _parameter("default_transaction_read_only", "1"), "default_transaction_read_only"),
    "statements-cut": Fault("database_parameters", "database", "restore_parameter_group",
                            _parameter("statement_timeout", "3"), "statement_timeout"),
    "full": Fault("storage_full", "database", "restore_database", _database("storage_full")),
    "refuses": Fault("refuses_connections", "database", "restore_database", _database("refuses_connections")),
    "exhausted": Fault("connections_exhausted", "database", "restore_database", _database("connections_exhausted")),
    "locked": Fault("slow_database", "database", "restore_database", _database("slow")),
    "password": Fault("rejected_credentials", "database", "restore_database", _credentials),
    "way-lost": Fault("path_below", "database", "restore_security_group", _path("database", "lossy")),
    "way-blocked": Fault("path_below", "database", "restore_security_group", _path("database", "blocked")),
    "provider-errors": Fault("provider_fails", "provider:primary", "inform_provider", _provider("errors", 0.7)),
    "provider-way-lost": Fault("path_below", "provider:primary", "restore_security_group", _path("provider", "lossy")),
    "release": Fault("bad_release", "own", "rollback", _release)}


@dataclass(frozen=True)
class Played:
    """What was made of one pair."""

    first: str
    second: str
    gap_seconds: int
    healed: str
    """Which fault ended as the remedy was applied: ``first``, or ``second`` by itself while the remedy did nothing."""
    visible: bool
    """Whether the calls said before the remedy that they fail in the first one's way."""
    seen: str
    """``gone``, ``goes_on`` or ``unknown`` (``plan/remediated.py``)."""
    verdict: RemedyVerdict | None

    @property
    def verified(self) -> bool:
        """Whether the remedy counts as having helped."""
        return self.verdict is not None and self.verdict.status is RemedyStatus.VERIFIED


def pairs() -> Iterator[tuple[str, str]]:
    """Yield all ordered pairs of faults of two mechanisms that hit the same calls, or calls of the same requests."""
    yield from ((first, second) for first, second in permutations(FAULTS, 2)
                if (FAULTS[first].mechanism, FAULTS[first].where) != (FAULTS[second].mechanism, FAULTS[second].where))


@cache
def _service() -> Service:
    with open(RECORD, "rb") as file:
        return service_of(unpack(file.read()))


def play(first: str, second: str, gap: int, healed: str, seed: int = 0) -> Played:
    """Let two faults happen, and one of them end as the first one's remedy is applied."""
    service, one = _service(), FAULTS[first]
    stage = Stage(World(requests_per_second=_PER_SECOND))
    stage.versions.add("payment-gateway", "1.1.0", Behaviour(error_rate=0.5))
    telemetry, rng, now = Telemetry(stage.versions), random.Random(seed), [BEGUN]
    begins = {_FIRST: "first", _FIRST + gap: "second"} if gap else {_FIRST: "first second"}
    ends: dict[str, Callable[[], None]] = {}
    looked: list[Looked] = []
    opened = float("inf")
    with mock.patch("time.time", side_effect=lambda: now[0]):
        telemetry.reset(BEGUN, _PER_SECOND, random.Random(f"history {seed}"))
        flow = Flow(stage.versions, rng)
        for second_of in range(_APPLIED + _WATCHED + 1):
            now[0] = BEGUN + second_of
            for name in begins.get(second_of, "").split():
                ends[name] = FAULTS[first if name == "first" else second].begin(stage)
            if second_of == _APPLIED:
                ends[healed]()
            telemetry.second(now[0], flow.second(stage.world, stage.snapshot), rng)
            if opened == float("inf") and second_of >= _FIRST - 20 and alarmed(telemetry, now[0] + 1, _PER_SECOND):
                opened = now[0] + 1
            if second_of in (_APPLIED - 2, _APPLIED + _WATCHED):
                now[0] += 1
                looked += look(service, stage, telemetry, now, min(opened, BEGUN + _FIRST + 15), len(looked))
    return _judged(service, one, looked, Played(first, second, gap, healed, False, "", None))


def _judged(service: Service, one: Fault, looked: list[Looked], played: Played) -> Played:
    applied = BEGUN + _APPLIED
    before = Evidence([finding for at in looked for finding in at.findings if at.at < iso(applied)])
    newest = Evidence([finding for at in looked for finding in at.findings if at.at >= iso(applied)])
    every = Evidence([*before.every, *newest.every])
    end = applied + _WATCHED + 1
    short = replace(service, recovery=replace(service.recovery, give_up_seconds=60))
    progress = judge(short, newest, end, applied, 60, changed=True)
    if progress.answer == "waiting":
        progress = replace(progress, answer="not_helped")
    remedy = Remedy(1, one.action, RemedyStatus.APPLIED, "payment-gateway", "", one.mechanism, one.where,
                    applied_at=iso(applied), parameters={"setting": one.setting})
    texts = [text for finding in before.of(Calls, "payment-gateway") for host, callee in finding.detail.callees.items()
             if service.called(host) == one.where for text, count in callee.kinds.items() if count > 20]
    visible = bool({kind_of(text) for text in texts} & kinds_of(one.mechanism, one.setting))
    seen = effect(short, every, newest, Aim("payment-gateway", one.mechanism, location_of(one.where), applied,
                                            one.setting))
    return replace(played, visible=visible, seen=seen, verdict=verdict(short, remedy, progress, every, newest, end))
