"""Outages made up on the sandbox's platform without a cluster: what the sources say of each, and what is true of it.

The platform, New Relic's stand-in and the responder's own sources are those of the drills; CloudWatch keeps what the
platform publishes. Objects are as they are set here, and the incident is opened and looked at by a fixed plan.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from responder.clients import aws
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Window
from responder.model.incident import Incident, IncidentRecord, Looked, SymptomKind
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan.replay import service_of
from responder.records.record import unpack
from responder.sources import Query, cloudwatch, newrelic
from sandbox.platform.flow import ENTRY, Flow
from sandbox.platform.objects import KINDS, deployment
from sandbox.platform.reach import Snapshot
from sandbox.platform.state import Broken, Surge, World
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Behaviour, Versions
from sandbox.truth import Happened, Truth, truth
from sandbox.vendors.gate import Gates
from sandbox.vendors.newrelic import KEY, NewRelic

RECORD = Path(__file__).resolve().parents[2] / "tests" / "records" / "bad-release.json.gz"
"""Its configuration is that of the drills."""
BEGUN = 1_800_000_000.0
_PUBLISHED_SECONDS = 2.0
_ALARM_SHARE = 0.1
_HEALTHY_SECONDS = 90
_AFTER_SECONDS = 45
_GAPS = (0.6, 4.0, 6.0, 7.0, 9.0, 12.0, 15.0, 20.0, 25.0, 30.0)
"""Seconds between the looks: confirmed, diagnosed, then watched, more and more seldom."""


@dataclass
class Stage:
    """The platform and its objects."""

    world: World
    versions: Versions = field(default_factory=Versions)
    gates: Gates = field(default_factory=Gates)
    cloudwatch_blind: bool = False
    snapshot: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        pods: list[dict[str, Any]] = []
        endpoints: dict[str, dict[str, Any]] = {}
        for name, kind in KINDS.items():
            spec = deployment(name, "1.0.0", kind.pods)["spec"]["template"]["spec"]
            mine = [f"{name}-{number}" for number in range(kind.pods)]
            pods += [{"metadata": {"name": pod, "uid": pod, "labels": {"app": name}},
                      "spec": {**spec, "containers": [dict(item) for item in spec["containers"]],
                               "nodeName": f"node-{'abc'[place % 3]}"}} for place, pod in enumerate(mine)]
            endpoints[name] = {"subsets": [{"ports": [{"port": 8080}],
                                            "addresses": [{"targetRef": {"name": pod}} for pod in mine]}]}
        environment = {"DB_HOST": "payments-db", "DB_USER": "payments", "DB_PASSWORD": "first-password"}
        self.snapshot = Snapshot(
            pods, endpoints, {name: {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}} for name in KINDS}, [],
            {"PROVIDER": "primary", "PROVIDER_TIMEOUT_MS": "2000"}, {"password": "first-password"},
            {pod["metadata"]["uid"]: environment for pod in pods})
        self._endpoints = endpoints

    def release(self, component: str, version: str, pods: int) -> None:
        """Let the first so many pods of a component run a version."""
        for pod in self.snapshot.pods:
            name, _, number = pod["metadata"]["name"].rpartition("-")
            if name == component and int(number) < pods:
                image = pod["spec"]["containers"][0]["image"].rpartition(":")[0]
                pod["spec"]["containers"][0]["image"] = f"{image}:{version}"

    def serve(self, component: str, pods: int) -> None:
        """Leave so many pods behind a component's Service."""
        self._endpoints[component] = {"subsets": [{"ports": [{"port": 8080}], "addresses": [
            {"targetRef": {"name": f"{component}-{number}"}} for number in range(pods)]}] if pods else []}


Step = Callable[[Stage], None]


@dataclass(frozen=True)
class Outage:
    """What happens, by seconds since the first event."""

    steps: Sequence[tuple[int, Step]]
    lasts: int
    """Until all is well again, or as long as it is looked at."""
    per_second: float = 40.0
    kind: SymptomKind = "high_error_rate"


@dataclass(frozen=True)
class MadeUp:
    """The record of one, with its truth."""

    name: str
    record: IncidentRecord
    truth: Truth


class _CloudWatch:
    """GetMetricData over what the platform publishes, a period as soon as it is over and published."""

    def __init__(self, telemetry: Telemetry, now: Callable[[], float]) -> None:
        self._telemetry, self._now = telemetry, now

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        start, end = given["StartTime"].timestamp(), min(given["EndTime"].timestamp(), self._now() - _PUBLISHED_SECONDS)
        results = []
        for query in given["MetricDataQueries"]:
            metric, period = query["MetricStat"]["Metric"], float(query["MetricStat"]["Period"])
            component, name = metric["Dimensions"][0]["Value"], metric["MetricName"]
            found: dict[float, float] = {}
            # A source's periods of ten seconds are published one by one, a minute is what of it has been.
            for row in self._telemetry.between(start, end // 10 * 10):
                if row.component == component:
                    value = {"Requests": row.requests, "Errors": row.errors}.get(name, max(row.latencies_ms, default=0))
                    at = row.at // period * period
                    found[at] = found.get(at, 0.0) + value if name in ("Requests", "Errors") else max(
                        found.get(at, 0.0), value)
            results.append({"Id": query["Id"], "StatusCode": "Complete", "Values": list(found.values()),
                            "Timestamps": [_At(at) for at in found]})
        return {"MetricDataResults": results}


class _At(float):
    """A time as boto3 gives it, as far as it is read."""

    def timestamp(self) -> float:
        """Seconds since 1970 (UTC)."""
        return float(self)


def make(name: str, outage: Outage, seed: int) -> MadeUp:
    """Let an outage happen and be looked at."""
    with open(RECORD, "rb") as file:
        service = service_of(unpack(file.read()))
    stage = Stage(World(requests_per_second=outage.per_second))
    stage.versions.add("payment-gateway", "1.1.0", Behaviour(error_rate=0.5))
    stage.versions.add("backend", "1.1.0", Behaviour(error_rate=0.3))
    telemetry, rng = Telemetry(stage.versions), random.Random(seed)
    first = int(BEGUN + _HEALTHY_SECONDS + rng.uniform(0, 10))
    last = first + max(90, outage.lasts) + _AFTER_SECONDS
    steps, now = {first + after: step for after, step in outage.steps}, [BEGUN]
    looked: list[Looked] = []
    with mock.patch("time.time", side_effect=lambda: now[0]):
        telemetry.reset(BEGUN, outage.per_second, random.Random(f"history {seed}"))
        flow, due, opened = Flow(stage.versions, rng), float("inf"), float("inf")
        gaps = iter(_GAPS)
        for at in range(int(BEGUN), last):
            now[0] = float(at)
            if at in steps:
                steps[at](stage)
            telemetry.second(float(at), flow.second(stage.world, stage.snapshot), rng)
            now[0] = at + 1 + rng.random()
            if at >= first and opened == float("inf") and alarmed(telemetry, now[0], outage.per_second):
                opened = now[0]
                due = opened + next(gaps)
            if now[0] >= due:
                due = now[0] + next(gaps, 30.0)
                looked += look(service, stage, telemetry, now, opened, len(looked))
    known = truth(telemetry, name, outage.per_second, BEGUN, float(last),
                  [Happened(name, name, float(first), float(first))])
    return MadeUp(name, _record(outage, known, opened, looked), known)


def alarmed(telemetry: Telemetry, now: float, per_second: float) -> bool:
    """Whether the newest whole period is bad enough for an alarm: in failures, or in requests that do not come."""
    end = (now - _PUBLISHED_SECONDS) // 10 * 10
    rows = [row for row in telemetry.between(end - 10, end) if row.component == ENTRY]
    requests, errors = sum(row.requests for row in rows), sum(row.errors for row in rows)
    return errors > _ALARM_SHARE * requests or requests < 2 * per_second


def look(service: Service, stage: Stage, telemetry: Telemetry, now: list[float], opened: float,
          number: int) -> Iterator[Looked]:
    window = Window(max(opened - 60, now[0] - 75) if number else opened - 60, now[0])
    query = Query(service, "watch" if number else "confirm", window, Window(opened - 3660, opened - 60),
                  time.monotonic() + 60)
    stand_in = NewRelic(telemetry, stage.gates, Delays(1.5, 1, 0.5, 2, 3))

    def answer(request: httpx.Request) -> httpx.Response:
        given = stand_in.answer(dict(request.headers), request.content)
        return httpx.Response(given.status, content=given.body, headers={"Content-Type": given.kind})

    http = Http(query.deadline, headers={"API-Key": KEY}, transport=httpx.MockTransport(answer))
    found: dict[str, Sequence[Finding[Detail]]] = {"newrelic": newrelic.collect(query, http)}
    if not stage.cloudwatch_blind:
        with mock.patch.object(aws, "client", return_value=_CloudWatch(telemetry, lambda: now[0])):
            found["cloudwatch"] = cloudwatch.collect(query)
    return (Looked(iso(now[0]), source, "Monitor the recovery", iso(now[0]), tuple(findings))
            for source, findings in sorted(found.items()))


def _record(outage: Outage, known: Truth, opened: float, looked: Sequence[Looked]) -> IncidentRecord:
    """The incident as the responder would keep it: its onset is that of the first period that fails."""
    onset = known.symptoms[0].began // 10 * 10 if known.symptoms else opened - 20
    return IncidentRecord(Incident(
        "made-up", "payment-gateway", iso(opened), confirmed=True, kind=outage.kind, onset=iso(onset)),
        looked=tuple(looked))


def _well(stage: Stage) -> None:
    stage.world.surges.clear()
    stage.world.broken.clear()
    stage.world.database.heal(0.0)
    stage.world.providers["primary"].fault = ""
    stage.world.providers["primary"].error_rate = 0.002
    for name, kind in KINDS.items():
        stage.serve(name, kind.pods)
        stage.release(name, "1.0.0", kind.pods)


def _provider(fault: str, error_rate: float = 0.002) -> Step:
    def step(stage: Stage) -> None:
        stage.world.providers["primary"].fault = fault
        stage.world.providers["primary"].error_rate = error_rate

    return step


def _blind(source: str) -> Step:
    def step(stage: Stage) -> None:
        if source == "cloudwatch":
            stage.cloudwatch_blind = True
        else:
            stage.gates.set("newrelic", source)

    return step


def _lossy(stage: Stage) -> None:
    stage.world.broken.append(Broken("backend", "payment-gateway", "lossy"))


def _together(*steps: Step) -> Step:
    def step(stage: Stage) -> None:
        for one in steps:
            one(stage)

    return step


OUTAGES: dict[str, Outage] = {
    "provider-down": Outage(((0, _provider("down")), (48, _well)), 48),
    "provider-down-for-long": Outage(((0, _provider("down")), (200, _well)), 200),
    "provider-stays-down": Outage(((0, _provider("down")),), 120),
    "one-call-in-seven": Outage(((0, _provider("", 0.15)), (63, _well)), 63),
    "database-refuses": Outage(((0, lambda stage: _fault(stage, "refuses_connections")), (35, _well)), 35),
    "database-slow": Outage(((0, lambda stage: _fault(stage, "slow")), (55, _well)), 55),
    "path-loses-half": Outage(((0, _lossy), (57, _well)), 57),
    "release-creeps-in": Outage(((0, lambda stage: stage.release("payment-gateway", "1.1.0", 1)),
                                 (11, lambda stage: stage.release("payment-gateway", "1.1.0", 2)),
                                 (23, lambda stage: stage.release("payment-gateway", "1.1.0", 4)), (70, _well)), 70),
    "backend-release": Outage(((0, lambda stage: stage.release("backend", "1.1.0", 3)), (44, _well)), 44),
    "one-backend-left": Outage(((0, lambda stage: stage.serve("backend", 0)), (31, _well)), 31),
    "no-frontend": Outage(((0, lambda stage: stage.serve("frontend", 0)), (52, _well)), 52,
                          kind="loss_of_connectivity"),
    "no-frontend-for-good": Outage(((0, lambda stage: stage.serve("frontend", 0)),), 100, kind="loss_of_connectivity"),
    "rush": Outage(((0, lambda stage: stage.world.surges.append(Surge(3.0))), (66, _well)), 66),
    "rush-and-provider": Outage(((0, lambda stage: stage.world.surges.append(Surge(2.0))),
                                 (20, _provider("down")), (75, _well)), 75),
    "lull-and-provider": Outage(((0, lambda stage: stage.world.surges.append(Surge(0.4))),
                                 (5, _provider("down")), (60, _well)), 60),
    "comes-back": Outage(((0, _provider("down")), (40, _well), (100, _provider("down")), (135, _well)), 135),
    "quiet-night": Outage(((0, _provider("down")), (50, _well)), 50, per_second=8.0),
    "busy-day": Outage(((0, _provider("down")), (50, _well)), 50, per_second=72.0),
    "without-newrelic": Outage(((0, _together(_provider("down"), _blind("empty"))), (50, _well)), 50),
    "newrelic-stale": Outage(((0, _provider("down")), (8, _blind("stale")), (50, _well)), 50),
    "without-cloudwatch": Outage(((0, _together(_provider("down"), _blind("cloudwatch"))), (50, _well)), 50),
    "no-frontend-without-cloudwatch": Outage(((0, _together(
        lambda stage: stage.serve("frontend", 0), _blind("cloudwatch"))), (52, _well)), 52,
        kind="loss_of_connectivity"),
}


def _fault(stage: Stage, kind: str) -> None:
    stage.world.database.set_fault(kind, 0.0)


def made_up(names: Iterable[str] = OUTAGES) -> Iterator[MadeUp]:
    """Yield outages, each begun at another moment of a period and with other requests."""
    for seed, name in enumerate(names):
        yield make(name, OUTAGES[name], seed)
