"""Many services of one account that fail at once by one database: their incidents on one table and one clock.

The state machine, its steps, the functions that ask and the record are the deployed ones; the vendors are made up and
count their calls. CloudTrail, AWS Health, RDS and EKS are asked by the real sources, the others make as many calls as
they declare. Time passes only while something waits, so a minute of two hundred services takes about one of work.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from responder import people, sources
from responder.clients import aws
from responder.handlers import ask, looks, step, steps
from responder.handlers import open as opening
from responder.model import service as model
from responder.model.evidence import Detail, Finding, finding_of
from responder.model.facts import Linked
from responder.model.incident import IncidentRecord
from responder.model.moment import seconds
from responder.model.service import PagerDuty, Service
from responder.people import Channel, Message, pagerduty
from responder.records.table import Records
from responder.sources import Query, Source
from stacks.configuration import read_file
from tests.clock import Clock
from tests.diagnosis import NOW, REFUSED
from tests.dynamo import Dynamo
from tests.machine import Machine

REAL = frozenset({"cloudtrail", "aws_health", "rds", "eks"})
"""Sources that are asked by their own code."""
_ROOT = Path(__file__).resolve().parent.parent.parent
_DEFINITION = json.loads((_ROOT / "statemachines" / "incident_response.asl.json").read_text(encoding="utf-8"))
_ANSWERS_SECONDS = 0.2
"""How long one call takes."""
TEAMS = 4
"""Among whom the services are divided."""
_WITHIN_SECONDS = 60.0
"""In how much time all services begin to fail."""
_METRICS = {"connections": (0.0, 28.0), "cpu": (3.0, 20.0), "read_latency": (0.001, 0.001),
            "write_latency": (0.001, 0.001), "replica_lag": (0.0, 0.0)}
"""What RDS measures of a database that nobody gets through to, in the newest minutes and before."""
_PLENTY = (5e10, 5e10)
_PHASES = ("confirm", "isolate", "diagnose")


@dataclass
class Storm:
    """What happened."""

    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """The vendor's calls to when each was made, seconds since 1970 (UTC)."""
    looks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Source to how often an incident asked it."""
    throttled: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Source to how many of these had no turn."""
    records: list[IncidentRecord] = field(default_factory=list)
    table_calls: int = 0
    woken: set[tuple[str, str]] = field(default_factory=set)
    """The team and the alert's key, of each alert that was opened: it wakes them."""

    def most_within(self, api: str, length_seconds: float) -> int:
        """Return the most calls within any stretch of time."""
        moments, most, first = sorted(self.calls.get(api, [])), 0, 0
        for last, moment in enumerate(moments):
            while moments[first] <= moment - length_seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def named(self, cause: str) -> int:
        """Return how many incidents name a cause."""
        return sum(record.incident.cause is not None and record.incident.cause.id == cause for record in self.records)

    def linked(self) -> int:
        """Return how many incidents are linked with one that leads them."""
        return sum(any(fact.leads for _, fact in record.facts(Linked)) for record in self.records)

    def seconds_to_diagnosis(self) -> list[float]:
        """Return how long each incident took to its last diagnosis, sorted."""
        return sorted(seconds(record.incident.diagnosed_at) - seconds(record.incident.opened_at)
                      for record in self.records if record.incident.diagnosed_at)


class _Flowing(Machine):
    """An execution on the common clock, whose sources are asked side by side."""

    def __init__(self, clock: Clock, *given: Any, **more: Any) -> None:
        self._clock = clock
        super().__init__(*given, **more)

    @property
    def now(self) -> float:
        return self._clock.now

    @now.setter
    def now(self, moment: float) -> None:
        self._clock.sleep(moment - self._clock.now)

    def _result(self, name: str, state: Mapping[str, Any], value: Any, variables: dict[str, Any],
                evaluate: Callable[[Any], Any]) -> Any:
        if state["Type"] != "Map":
            return super()._result(name, state, value, variables, evaluate)
        items = evaluate(state["Items"])
        return self._clock.together([
            partial(self._of_item, state["ItemProcessor"], item, dict(variables))
            for item in (items if isinstance(items, list) else [items])])

    def _of_item(self, processor: Mapping[str, Any], item: Any, variables: dict[str, Any]) -> Any:
        return self._machine(processor, item, variables)[1]


@cache
def shipped_service() -> Service:
    """Return the shipped configuration, which all of the services have but for their names."""
    return read_file(_ROOT / "config" / "payment-gateway.yaml")


def storm(services: int, *, together: bool, seed: int = 1) -> Storm:
    """Let so many services fail within a minute; ``together``: with budgets and sharing, as deployed."""
    found, clock, table = Storm(), Clock(NOW), Dynamo()
    random.seed(seed)
    begins = sorted(random.uniform(0, _WITHIN_SECONDS) for _ in range(services))
    names = [f"service-{number:03d}" for number in range(services)]

    def fails(name: str) -> None:
        _Flowing(clock, _DEFINITION, partial(_invoked, clock), clock.now, name=f"e-{name}").run(
            {"service": name, "reason": "the database", "started_by": "bench", "until": "diagnose"})

    with _bed(found, clock, table, names, together):
        clock.run([(after, partial(fails, name)) for after, name in zip(begins, names, strict=True)])
        records = Records("timeline", table)
        found.records = [records.load(str(item["id"])) for (_, sk), item in list(table.items.items())
                         if sk == "INCIDENT"]
    for look in (look for record in found.records for look in record.looked):
        found.looks[look.source] += 1
        found.throttled[look.source] += any(finding.status == "throttled" for finding in look.findings)
    found.table_calls = sum(table.calls.values())
    return found


def _invoked(clock: Clock, state: str, function: str, payload: dict[str, Any]) -> Any:
    kind, _, name = function.partition(":")
    if payload.get("warm"):
        if kind == "source" and sources.load(name).ahead:
            clock.beside(partial(_asked, name, payload))
        return {}
    return _asked(name, payload) if kind == "source" else steps.handler(payload, None)


def _asked(name: str, payload: dict[str, Any]) -> Any:
    # A function has an environment of its own; here all share one, and nothing waits before it is read.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE", name)
        return ask.handler(payload, None)


@contextmanager
def _bed(found: Storm, clock: Clock, table: Dynamo, names: Sequence[str], together: bool) -> Iterator[None]:
    shipped = shipped_service()
    made = {source.name: _made(source, found, clock) for source in sources.all() if source.configured(shipped)}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        _configured(Path(folder), shipped, names, made.values())
        for name, value in (("RESPONDER_CONFIG", folder), ("TABLE", "timeline"), ("BUCKET", "none"),
                            ("ANSWER_BYTES", "10000000"), ("STEPS", "open,confirm,isolate,diagnose,close,assemble,"
                                                                    "inform,review,customers")):
            patch.setenv(name, value)
        patch.setenv("LOOKS", "timeline" if together else "")
        # Sources that are asked side by side set it and set it back in any order; in the end it is as it was.
        patch.setenv("SOURCE", "")
        for cached in (model.load, model.deployed):
            cached.cache_clear()
        clock.patch(patch)
        records = Records("timeline", table)
        for module in (opening, step):
            patch.setattr(module, "records", lambda: records)
        by = steps.result_by
        patch.setattr(steps, "result_by", lambda module, event, context: (
            {} if module in ("review", "inform", "customers") else by(module, event, context)))
        patch.setattr(people, "every", lambda: (_pager(found),))
        patch.setattr("responder.handlers.close.notify", lambda *_, **__: _nobody())
        patch.setattr("responder.handlers.close._alarms_on", lambda run: ())
        # In the plan an incident goes on after its diagnosis, and leads the others meanwhile.
        patch.setattr("responder.handlers.close.leave", lambda *_: None)
        patch.setattr(step, "log", lambda **_: None)
        for module in (opening, ask, looks):
            patch.setattr(module, "log", lambda **_: None)
        patch.setattr("responder.clients.telemetry.write", lambda *_, **__: None)
        patch.setattr(looks, "client", lambda: table)
        patch.setattr(ask, "_stored", lambda *_: "")
        patch.setattr(sources, "load", made.__getitem__)
        patch.setattr(aws, "client", lambda service, *_, **__: (
            table if service == "dynamodb" else _Aws(service, found, clock)))
        yield
    for cached in (model.load, model.deployed):
        cached.cache_clear()


def _pager(found: Storm) -> Channel[pagerduty.Alert]:
    """Return PagerDuty as a channel: a key that is not open yet wakes, the others are added to what is open."""
    def send(service: Service, message: Message, state: pagerduty.Alert) -> pagerduty.Alert:
        found.woken.add((_team(service), message.alert))
        return replace(state, key=message.alert)

    return Channel("pagerduty", frozenset({"page"}), send, pagerduty.Alert, wakes=True,
                   alerting=pagerduty.CHANNEL.alerting)


def _team(service: Service) -> str:
    return service.pagerduty.secret if service.pagerduty else ""


def _nobody() -> Any:
    from responder.handlers.notify import Delivered

    return Delivered(("none",))


def _configured(folder: Path, shipped: Service, names: Sequence[str], made: Any) -> None:
    (folder / "deployed").mkdir()
    for number, name in enumerate(names):
        service = replace(shipped, service=name, mode="observe", pagerduty=PagerDuty(f"team-{number % TEAMS}"))
        (folder / f"{name}.json").write_text(json.dumps(asdict(service)), encoding="utf-8")
        (folder / "deployed" / f"{name}.json").write_text(json.dumps({"alarms": [], "remedies": [], "sources": {
            phase: [{"source": source.name, "function": f"source:{source.name}"} for source in made
                    if phase in source.phases] for phase in _PHASES}}), encoding="utf-8")


def _made(source: Source, found: Storm, clock: Clock) -> Source:
    """Return a source that counts who asks; one that is not asked by its own code makes the calls that it declares."""
    def collect(query: Query) -> Sequence[Finding[Detail]]:
        if source.name in REAL:
            return source.collect(query)
        if source.budget:
            for place in range(source.budget.a_look(query)):
                if place % 3 == 0:
                    clock.sleep(_ANSWERS_SECONDS)
                found.calls[source.budget.api].append(clock.now)
        # What it says of its calls is nobody's concern here: each incident is told of the same outage.
        return [_moved(finding, query) for finding in REFUSED if finding.source == source.name]

    return replace(source, collect=collect)


def _moved(finding: Finding[Any], query: Query) -> Finding[Detail]:
    """Return a finding of the outage as one that has just been looked for."""
    by = query.window.end - NOW

    def shifted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shifted(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shifted(inner) for inner in value]
        return value + by if isinstance(value, float) and abs(value - NOW) < 1e6 else value

    return finding_of(shifted(finding.to_json()))


_APIS = {"cloudtrail": "CloudTrail LookupEvents", "health": "the AWS Health API", "rds": "RDS Describe calls",
         "eks": "EKS and EC2 Describe calls", "ec2": "EKS and EC2 Describe calls",
         "cloudwatch": sources.GET_METRIC_DATA, "pi": "Performance Insights"}


class _Aws:
    """The AWS APIs of an account in which nothing but the database is wrong."""

    def __init__(self, service: str, found: Storm, clock: Clock) -> None:
        self._service, self._found, self._clock = service, found, clock

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **given: self._answer(operation, given)

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **given: Any) -> list[Any]:
        return [self._answer("page", given)]

    def _answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self._found.calls[_APIS[self._service]].append(self._clock.now)
        self._clock.sleep(_ANSWERS_SECONDS)
        at = datetime.fromtimestamp(self._clock.now - 30, UTC)
        if operation == "lookup_events":
            first = int(given.get("NextToken", 0))
            events = [{"EventId": f"{given['StartTime']}-{first + n}", "EventName": "PutRule", "Username": "other",
                       "EventSource": "events.amazonaws.com", "EventTime": at, "ReadOnly": "false"} for n in range(50)]
            return {"Events": events, **({"NextToken": str(first + 50)} if first < 150 else {})}
        if operation == "describe_db_instances":
            return {"DBInstances": [{"DBInstanceIdentifier": "payments-db", "DBInstanceStatus": "available",
                                     "Engine": "postgres", "DbiResourceId": "db-1"}]}
        if operation == "get_metric_data":
            minutes = range(30)
            return {"MetricDataResults": [
                {"Id": query["Id"], "Timestamps": [at - timedelta(minutes=minute) for minute in minutes],
                 "Values": [_METRICS.get(query["Id"], _PLENTY)[minute > 3] for minute in minutes]}
                for query in given["MetricDataQueries"]]}
        if operation == "describe_cluster":
            return {"cluster": {"status": "ACTIVE"}}
        return {"nodegroups": [], "Reservations": []}
