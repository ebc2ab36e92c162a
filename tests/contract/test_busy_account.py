"""The service's sources in an account that others use as well: read by the real clients, from the strict stand-ins.

What is not the service's does not count; what cannot be told apart is unknown, and said so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from responder.clients import aws, databases
from responder.clients.failure import CallFailed
from responder.handlers import health as keeper
from responder.model.codec import decode
from responder.model.evidence import Finding, Window
from responder.model.evidence.instances import Instances
from responder.model.evidence.nodegroups import Nodegroups
from responder.model.evidence.service_events import ServiceEvents
from responder.model.evidence.trail import Trail, TrailEvent
from responder.model.evidence.waits import Waits
from responder.model.service import Service
from responder.records.table import Records
from responder.sources import Query, aws_health, cloudtrail, eks, rds
from responder.sources.cloudtrail import lookups
from sandbox.account import Account
from sandbox.account.events import TrailEvent as Recorded
from sandbox.account.health import health
from sandbox.account.trail import happened
from sandbox.platform.state import World
from sandbox.vendors.aws import Aws
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.groups import DATABASE_GROUP, RULES
from tests.contract.test_aws_stand_ins import Nodes, serving

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:payments-db/payment-gateway-Ab3dE9"
SERVICES = ("cloudtrail", "rds", "pi", "ec2", "eks", "health")


class Clock:
    """A clock that goes on only while somebody waits: a machine's load changes nothing."""

    def __init__(self) -> None:
        self._began, self.pauses = time.monotonic(), list[float]()

    @property
    def slept(self) -> float:
        return sum(self.pauses)

    def monotonic(self) -> float:
        return self._began + self.slept

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Busy:
    """The stand-ins of a busy account, and the sources that read them."""

    def __init__(self, service: Service, clients: dict[str, Any]) -> None:
        self.world, self.nodes = World(account=Account("busy", "test")), Nodes()
        self.gates, self.service, self.clients = Gates(), service, clients
        self.aws = Aws("http://127.0.0.1:9", lambda: self.world, self.nodes, self.gates, delay_seconds=0.0)

    def query(self, seconds: float = 10.0) -> Query:
        now = time.time()
        return Query(self.service, "diagnose", Window(now - 60, now), Window(now - 3660, now - 60),
                     time.monotonic() + seconds)

    def revoke(self, ago_seconds: float, error: str = "", group: str = DATABASE_GROUP) -> None:
        """Somebody takes the database's rule away, or tries to."""
        parameters = RULES["database"].parameters() | {"groupId": group}
        self.world.trail.append(Recorded(
            time.time() - ago_seconds, "RevokeSecurityGroupIngress", "ec2.amazonaws.com", "Admin/jo",
            (("AWS::EC2::SecurityGroup", group),), parameters, error))

    def trail(self, seconds: float = 10.0) -> Finding[Trail]:
        found, = cloudtrail.collect(self.query(seconds))
        return found

    def topics(self, topic: str) -> list[TrailEvent]:
        return [event for event in self.trail().detail.events if event.topic == topic]


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """One server for all tests, its route, and a client a service."""
    route: dict[str, Any] = {}
    with serving(lambda *request: route["route"](*request)) as url:
        session = boto3.Session("ASIASANDBOX000000001", "secret", "token", "us-east-1")
        yield url, route, {service: session.client(service, endpoint_url=f"{url}/aws/{service}", config=Config(
            retries={"total_max_attempts": 1})) for service in SERVICES}


@pytest.fixture
def busy(service: Service, place: tuple[str, dict[str, Any], dict[str, Any]],
         monkeypatch: pytest.MonkeyPatch) -> Busy:
    _, route, clients = place
    found = Busy(service, clients)
    route["route"] = found.aws.answer
    monkeypatch.setattr(aws, "client", lambda name, *_, **__: clients[name])
    monkeypatch.setattr("sandbox.vendors.trail.CALLS_A_SECOND", 1000)
    monkeypatch.setattr(lookups, "APART_SECONDS", 0.0)
    return found


# --- CloudTrail ------------------------------------------------------------------------------------------------------


def test_the_account_has_thousands_of_reads_an_hour_and_is_the_same_for_the_same_seed() -> None:
    now = 1_800_000_000.0
    events = list(happened(Account("busy", "a"), now - 3600, now))
    reads = [event for event in events if event.name.startswith(("Describe", "List", "Get", "Decrypt", "Assume"))]
    assert len(reads) > 5000 and len(events) - len(reads) > 400
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    assert events == list(happened(Account("busy", "a"), now - 3600, now))
    assert events != list(happened(Account("busy", "b"), now - 3600, now))
    assert not list(happened(Account("quiet", "a"), now - 3600, now))


def test_a_rule_revoked_a_quarter_of_an_hour_ago_is_found_among_thousands_of_calls(busy: Busy) -> None:
    busy.revoke(800)
    found = busy.trail()
    assert [event.by for event in found.detail.events if event.topic == "network"] == ["jo"]
    assert found.status == "ok" and "changes of other teams' resources are left out" in found.note


def test_a_refused_call_and_a_dry_run_are_no_change(busy: Busy) -> None:
    busy.revoke(40, "Client.UnauthorizedOperation")
    busy.revoke(30, "Client.DryRunOperation")
    assert busy.topics("network") == []


def test_changes_of_other_teams_groups_are_theirs(busy: Busy) -> None:
    busy.revoke(40, group="sg-0fedcba9876543210")
    assert busy.topics("network") == []
    # Without groups in the configuration nobody can tell whose it is.
    busy.service = replace(busy.service, network=None, aws=replace(
        busy.service.aws, security_groups=(), resources=()))
    found = busy.trail()
    assert "RevokeSecurityGroupIngress" in {e.name for e in found.detail.events if e.topic == "other"}
    assert busy.topics("network") == [] and "it is not known whether they are of the service" in found.note


def test_only_the_services_own_rotation_that_succeeded_is_one(busy: Busy) -> None:
    assert busy.topics("rotation") == []
    busy.world.record_of_service("RotationSucceeded", "secretsmanager", SecretId=SECRET)
    assert [event.name for event in busy.topics("rotation")] == ["RotationSucceeded"]
    assert busy.service.database is not None
    busy.service = replace(busy.service, database=replace(busy.service.database, secret=""))
    assert busy.topics("rotation") == []
    assert "database.secret" in busy.trail().note


def test_what_the_time_did_not_suffice_for_is_asked_by_name_and_said(
        busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(lookups, "APART_SECONDS", 0.55)
    monkeypatch.setattr(lookups, "time", clock)
    busy.revoke(1500)
    found = busy.trail(seconds=9.0)
    assert clock.slept >= 6.0 and all(pause >= 0.5 for pause in clock.pauses[1:])
    assert found.status == "partial" and "all changes were seen from" in found.note
    assert [event.by for event in found.detail.events if event.topic == "network"] == ["jo"]


def test_a_trail_that_throttles_says_what_is_missing(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    client, calls = busy.clients["cloudtrail"], 0

    class Throttling:
        def lookup_events(self, **arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > 2:
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, "LookupEvents")
            return client.lookup_events(**arguments)

    monkeypatch.setattr(aws, "client", lambda *_, **__: Throttling())
    found = busy.trail()
    assert found.status == "partial" and "CloudTrail throttles" in found.note and found.detail.events is not None
    with pytest.raises(CallFailed, match="throttles"):
        busy.trail()


def test_reads_are_never_asked_for(busy: Busy) -> None:
    asked: list[dict[str, Any]] = []

    def lookup(client: Any) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            asked.append(arguments)
            return client.lookup_events(**arguments)
        return call

    class Watched:
        lookup_events = staticmethod(lookup(busy.clients["cloudtrail"]))

    found = decode(lookups.Changes, lookups.changes(Watched(), Window(time.time() - 3600, time.time()), lookups.Pace(
        time.monotonic() + 60), 0))
    first = asked[0]["LookupAttributes"]
    assert first == [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}] and len(asked) > 5
    assert found.covered and all(arguments["LookupAttributes"] == first for arguments in asked)


# --- machines and node groups ----------------------------------------------------------------------------------------


def instances(busy: Busy) -> Finding[Instances]:
    return eks._instances(busy.query(), 5)


def test_a_stopped_bastion_host_and_an_impaired_server_of_others_are_no_dead_nodes(busy: Busy) -> None:
    listed = busy.clients["ec2"].describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert len(listed) > 15 and {item["InstanceState"]["Name"] for item in listed} == {"running", "stopped",
                                                                                    "terminated"}
    found = instances(busy)
    assert (found.value, found.detail) == (0.0, Instances((), 3))
    busy.world.silent_nodes.add("node-b")
    assert instances(busy).detail == Instances(("i-0000000000000000b",), 3)


def test_a_machine_that_is_gone_counts_but_not_where_machines_come_and_go(busy: Busy) -> None:
    busy.nodes.names = ["node-b", "node-c"]
    assert instances(busy).detail.impaired == ("i-0000000000000000a",)
    busy.service = replace(busy.service, cluster=replace(busy.service.cluster, nodes_are_added=True))
    found = instances(busy)
    assert found.value == 0.0 and "1 instances were terminated" in found.note


def test_a_machine_that_stopped_long_ago_is_history() -> None:
    assert eks._ended("User initiated (2026-10-08 13:48:34 GMT)") == 1791467314.0
    assert eks._ended("Server.SpotInstanceTermination") is None


def test_the_node_groups_of_others_in_the_same_cluster_do_not_count(busy: Busy) -> None:
    issue = {"nodegroup": {"status": "DEGRADED", "health": {"issues": [{"code": "AccessDenied", "message": "x"}]}}}

    class Shared:
        def get_paginator(self, name: str) -> Any:
            return self

        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [{"nodegroups": ["payments"]}, {"nodegroups": ["batch"]}]

        def describe_nodegroup(self, **asked: str) -> dict[str, Any]:
            return issue if asked["nodegroupName"] == "batch" else {"nodegroup": {"status": "ACTIVE"}}

    def groups() -> Finding[Nodegroups]:
        return eks._nodegroups(busy.query(), "payments", 5, "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws, "client", lambda *_, **__: Shared())
        assert groups().value == 1.0
        busy.service = replace(busy.service, aws=replace(busy.service.aws, nodegroup_names=("payments",)))
        assert (groups().value, set(groups().detail.groups)) == (0.0, {"payments"})


# --- AWS Health ------------------------------------------------------------------------------------------------------


def service_events(busy: Busy, monkeypatch: pytest.MonkeyPatch, kept: list[dict[str, Any]]) -> Finding[ServiceEvents]:
    monkeypatch.setenv("TABLE", "timeline")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(Records, "partition", lambda *_: kept)
    busy.service = replace(busy.service, aws=replace(busy.service.aws, health_api=True))
    monkeypatch.setattr(aws, "client", lambda name, *_, **__: object() if name == "dynamodb" else busy.clients[name])
    found, = aws_health.collect(busy.query())
    return found


def test_events_of_others_are_left_out_and_those_that_name_nothing_are_unknown(
        busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    busy.world.health += health(busy.world.account, time.time())
    found = service_events(busy, monkeypatch, [])
    assert found.value == 0.0 and "of 2 open events it is not known" in found.note
    assert {event.whose for event in found.detail.events} == {"unknown"}
    busy.world.database.set_fault("failing_over", time.time())
    # The stand-in names the platform's own instance wherever an RDS event is open and the instance is in trouble.
    mine = [event for event in service_events(busy, monkeypatch, []).detail.events if event.whose == "service"]
    assert mine and all("payments-db" in event.entities for event in mine)


def eventbridge(status: str, updated: str, page: int = 1, *entities: str) -> dict[str, Any]:
    return {"region": "us-east-1", "time": "2027-01-15T07:50:00Z", "detail": {
        "eventArn": "arn:1", "service": "RDS", "eventTypeCode": "AWS_RDS_ISSUE", "statusCode": status,
        "startTime": "Fri, 15 Jan 2027 07:50:00 GMT", "lastUpdatedTime": updated, "page": str(page), "totalPages": "2",
        "affectedEntities": [{"entityValue": name} for name in entities]}}


def test_events_twice_late_and_out_of_order_are_one_event_as_it_is_now(
        busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    table: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(keeper, "records", lambda: type("Kept", (), {
        "put": staticmethod(lambda item, days: table.__setitem__(item["sk"], item))}))
    opened = "Fri, 15 Jan 2027 07:51:00 GMT"
    for event in (eventbridge("closed", "Fri, 15 Jan 2027 08:00:00 GMT"), eventbridge("open", opened, 2, "payments-db"),
                  eventbridge("open", opened, 1, "orders-db"), eventbridge("open", opened, 1, "orders-db")):
        assert keeper.handler(event, None) == {"kept": True}
    monkeypatch.setattr(aws_health, "_from_api", lambda *_: [])
    event, = service_events(busy, monkeypatch, list(table.values())).detail.events
    assert (event.status, event.whose) == ("closed", "service")


# --- RDS -------------------------------------------------------------------------------------------------------------


def test_events_of_other_instances_are_not_the_databases(busy: Busy) -> None:
    now = time.time()
    everybodys = busy.clients["rds"].describe_events(Duration=60)["Events"]
    assert "orders-db" in {event["SourceIdentifier"] for event in everybodys}
    database = busy.service.database
    assert database is not None
    place = databases.place(busy.clients["rds"], database)
    found = rds._events(busy.query(), database, place, busy.clients["rds"])
    assert found.detail.events == ()
    busy.world.database.set_fault("failing_over", now)
    assert len(rds._events(busy.query(), database, place, busy.clients["rds"]).detail.events) == 1


def test_instances_come_in_pages_with_those_of_others(busy: Busy) -> None:
    names = [item["DBInstanceIdentifier"] for page in busy.clients["rds"].get_paginator(
        "describe_db_instances").paginate() for item in page["DBInstances"]]
    assert names[0] == "payments-db" and len(names) > 4


def test_the_waits_of_mysql_are_told_though_performance_insights_cannot_group_by_application(busy: Busy) -> None:
    busy.world.database.engine = "mysql"
    busy.world.database.clients = {"payment-gateway": 24, "ledger-export": 2, "rdsadmin": 2}
    busy.world.database.set_fault("slow", time.time() - 30)
    busy.aws.second(time.time() - 60)
    with pytest.raises(ClientError, match="not a valid dimension group for engine mysql"):
        busy.clients["pi"].describe_dimension_keys(
            ServiceType="RDS", Identifier="db-K7QZ3M5XN2VJ4RWTB6YHCPD8AE", Metric="db.load.avg",
            StartTime=time.time() - 60, EndTime=time.time(), GroupBy={"Group": "db.application"})

    def waits(engine: str) -> Finding[Waits]:
        found, = rds.insights.waits("rds", busy.query(), "db-K7QZ3M5XN2VJ4RWTB6YHCPD8AE", engine, "")
        return found

    # It was told the wrong engine: the waits are not lost with the clients.
    for engine in ("mysql", "postgres"):
        assert waits(engine).detail.grouped_by == "user" and set(waits(engine).detail.clients) == {
            "payments", "ledger_export", "rdsadmin"}
        assert ("by application" in waits(engine).note) == (engine == "postgres")
        loads = waits(engine).detail.waits
        assert max(loads, key=loads.__getitem__) == "synch/cond/innodb/row_lock_wait"


def test_a_question_that_is_not_one_is_refused(busy: Busy) -> None:
    trail = busy.clients["cloudtrail"]
    with pytest.raises(ClientError, match="One lookup attribute"):
        trail.lookup_events(LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"},
                                              {"AttributeKey": "EventSource", "AttributeValue": "rds.amazonaws.com"}])
    answer: Answer = busy.aws.answer("POST", "/aws/ec2/", {"authorization": "AWS4-HMAC-SHA256 x"}, (
        "Action=DescribeInstances&" + "&".join(f"InstanceId.{n}=i-{n:08d}" for n in range(1, 102))).encode())
    assert answer.status == 400 and json.dumps(answer.body.decode()).count("at most 100") == 1
