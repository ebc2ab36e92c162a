"""The stand-ins for AWS, read by the real clients, whose parsers check every shape; and the status pages."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from sandbox.account.events import HealthEvent, TrailEvent
from sandbox.platform.database import RdsEvent
from sandbox.platform.state import Broken, World
from sandbox.vendors.aws import Aws
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.groups import RULES
from sandbox.vendors.statuspage import StatusPages
from sandbox.vendors.trail import Trail
from sandbox.vendors.wire import Refused

Route = Callable[[str, str, dict[str, str], bytes], Answer]
NODES = ["node-a", "node-b", "node-c"]
RESOURCE = "db-K7QZ3M5XN2VJ4RWTB6YHCPD8AE"
HOUR = 3600.0
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""No certificates are loaded for plain HTTP."""
_MODELS = get_session()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        # Without asking the DNS for this machine's name.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that waits no longer is no error."""


@contextmanager
def serving(route: Route) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = route(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            self.close_connection = not answer.status
            if answer.status:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(answer.body)))
                for key, value in answer.headers:
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = do_DELETE = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Nodes:
    """The cluster, as far as the stand-ins look at it."""

    def __init__(self) -> None:
        self.names: list[str] | None = list(NODES)

    def items(self, path: str) -> list[dict[str, Any]]:
        assert path == "/api/v1/nodes"
        if self.names is None:
            raise ConnectionError("the API server does not answer")
        return [{"metadata": {"name": name}} for name in self.names]


class Ports:
    """What all tests share, for it takes longer to make than to use: two servers, and one client a service."""

    def __init__(self) -> None:
        self.asked: Route = lambda method, path, headers, body: Answer(0, b"")
        """Who answers the clients."""
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        """What the stub in the engine's place was asked."""
        self.url = self.engine_url = ""
        self._session = boto3.Session("ASIASANDBOX000000001", "secret", "token", "us-east-1")
        self._made: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._session.client(service, endpoint_url=f"{self.url}/aws/{service}", config=Config(
                retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5))
        return self._made[service]

    def engine(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.seen.append((method, path, headers, body))
        action = parse_qs(body.decode()).get("Action", [""])[0]
        if action == "GetCallerIdentity":
            return Answer(200, b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::000000000000:"
                          b"assumed-role/RemedyRole/remedy</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>")
        if action == "DescribeVpcs":
            return Answer(200, b'<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
                          b"<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>", "text/xml")
        if path in ("/clusters/payments", "/clusters/other"):
            return Answer(200, json.dumps({"cluster": {"name": path.rpartition("/")[2], "status": "ACTIVE"}}).encode())
        return Answer(404, b'{"message": "none of the engine\'s"}',
                      headers=(("x-amzn-ErrorType", "ResourceNotFoundException"),))


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    found = Ports()
    with serving(lambda *request: found.asked(*request)) as found.url, serving(found.engine) as found.engine_url:
        yield found


class Account:
    """The stand-ins over a world of their own."""

    def __init__(self, ports: Ports) -> None:
        self.world, self.gates, self.nodes = World(), Gates(), Nodes()
        self.world.database.clients = {"payment-gateway": 24, "ledger-export": 2, "rdsadmin": 2}
        self.aws = Aws(ports.engine_url, lambda: self.world, self.nodes, self.gates, delay_seconds=5.0)
        self.client, self.url, self.engine = ports.client, ports.url, ports.seen
        ports.asked = self.aws.answer
        ports.seen.clear()


@pytest.fixture
def account(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr("sandbox.vendors.trail.CALLS_A_SECOND", 1000)
    return Account(ports)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["Error"]["Message"]
    return raised.value.response["Error"]["Code"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


def documented(service: str, operation: str, answer: dict[str, Any]) -> None:
    """Every field that was parsed has one of the documented values, where there is a list of them."""
    def check(shape: Any, value: Any) -> None:
        if shape.type_name == "structure":
            for name in value:
                check(shape.members[name], value[name])
        elif shape.type_name == "list":
            for item in value:
                check(shape.member, item)
        elif getattr(shape, "enum", None):
            assert value in shape.enum, (shape.name, value)

    answer = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    check(_MODELS.get_service_model(service).operation_model(operation).output_shape, answer)


# --- RDS -------------------------------------------------------------------------------------------------------------


def test_the_instance_has_the_fields_a_client_looks_at(account: Account) -> None:
    rds = account.client("rds")
    answer = rds.describe_db_instances(DBInstanceIdentifier="payments-db")
    documented("rds", "DescribeDBInstances", answer)
    instance = answer["DBInstances"][0]
    expected = {"DBInstanceStatus": "available", "MultiAZ": True, "AllocatedStorage": 100, "Engine": "postgres",
                "AvailabilityZone": "us-east-1a", "SecondaryAvailabilityZone": "us-east-1b", "StorageType": "gp3",
                "PerformanceInsightsEnabled": True, "DbiResourceId": RESOURCE, "PendingModifiedValues": {},
                "ReadReplicaDBInstanceIdentifiers": [],
                "DBInstanceArn": "arn:aws:rds:us-east-1:000000000000:db:payments-db"}
    assert {key: instance[key] for key in expected} == expected
    assert "MaxAllocatedStorage" not in instance
    assert instance["DBParameterGroups"] == [
        {"DBParameterGroupName": "payments-pg16", "ParameterApplyStatus": "in-sync"}]
    assert instance["VpcSecurityGroups"][0]["Status"] == "active"
    assert instance["Endpoint"]["Address"].startswith("payments-db.") and instance["Endpoint"]["Port"] == 5432
    assert 0 <= time.time() - instance["LatestRestorableTime"].timestamp() <= 300
    for name, value, count in (("db-instance-id", "payments-db", 1), ("engine", "mysql", 0),
                               ("dbi-resource-id", RESOURCE, 1)):
        assert len(rds.describe_db_instances(Filters=[{"Name": name, "Values": [value]}])["DBInstances"]) == count
    assert refused(rds.describe_db_instances, DBInstanceIdentifier="no-db") == ("DBInstanceNotFound", 404)
    with pytest.raises(rds.exceptions.DBInstanceNotFoundFault):
        rds.describe_db_instances(DBInstanceIdentifier="no-db")
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []
    assert rds.describe_db_clusters()["DBClusters"] == []
    assert refused(rds.describe_option_groups) == ("InvalidAction", 400)


def test_events_are_filtered_and_come_in_pages(account: Account) -> None:
    rds, now = account.client("rds"), time.time()
    account.world.database.events = [
        RdsEvent(now - 2 * HOUR, "DB instance restarted", ("availability",)),
        *(RdsEvent(now - 60 + n, f"number {n}", ("notification",)) for n in range(25)),
        RdsEvent(now - 5, "Multi-AZ instance failover started", ("failover", "notification"))]
    source = {"SourceIdentifier": "payments-db", "SourceType": "db-instance"}
    first = rds.describe_events(**source, MaxRecords=20)
    documented("rds", "DescribeEvents", first)
    assert len(first["Events"]) == 20 and first["Marker"]
    pages = rds.get_paginator("describe_events").paginate(**source, PaginationConfig={"PageSize": 20})
    every = [event for page in pages for event in page["Events"]]
    assert [event["Message"] for event in every][-1] == "Multi-AZ instance failover started" and len(every) == 26
    assert every[-1]["EventCategories"] == ["failover", "notification"]
    assert abs(every[-1]["Date"].timestamp() - (now - 5)) < 0.01
    assert len(rds.describe_events(**source, EventCategories=["failover"])["Events"]) == 1
    assert len(rds.describe_events(**source, Duration=180)["Events"]) == 27
    assert len(rds.describe_events(StartTime=now - 3 * HOUR, EndTime=now - HOUR)["Events"]) == 1
    assert rds.describe_events(SourceType="db-snapshot")["Events"] == []
    assert refused(rds.describe_events, SourceIdentifier="payments-db") == ("InvalidParameterCombination", 400)
    assert refused(rds.describe_events, MaxRecords=5) == ("InvalidParameterValue", 400)
    assert refused(rds.describe_events, Marker="nonsense") == ("InvalidParameterValue", 400)


def test_a_parameter_is_on_a_later_page(account: Account) -> None:
    rds = account.client("rds")
    first = rds.describe_db_parameters(DBParameterGroupName="payments-pg16")
    documented("rds", "DescribeDBParameters", first)
    assert len(first["Parameters"]) == 100
    assert "max_connections" not in {p["ParameterName"] for p in first["Parameters"]}
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="payments-pg16")
    found = {p["ParameterName"]: p for page in pages for p in page["Parameters"]}
    assert found["max_connections"]["ParameterValue"] == "200" and found["max_connections"]["ApplyType"] == "static"
    for narrowed, names in (
            ({"Source": "user"}, ["idle_in_transaction_session_timeout", "max_connections", "statement_timeout"]),
            ({"Filters": [{"Name": "parameter-name", "Values": ["max_connections"]}]}, ["max_connections"])):
        answer = rds.describe_db_parameters(DBParameterGroupName="payments-pg16", **narrowed)
        assert [p["ParameterName"] for p in answer["Parameters"]] == names and "Marker" not in answer
    assert refused(rds.describe_db_parameters, DBParameterGroupName="no") == ("DBParameterGroupNotFound", 404)


def test_a_parameter_is_set_and_reset_and_takes_effect_a_little_later(account: Account) -> None:
    rds, database = account.client("rds"), account.world.database
    group: dict[str, Any] = {"DBParameterGroupName": "payments-pg16"}

    def shown() -> tuple[str, str]:
        instance, = rds.describe_db_instances(DBInstanceIdentifier="payments-db")["DBInstances"]
        row, = rds.describe_db_parameters(**group, Filters=[
            {"Name": "parameter-name", "Values": ["default_transaction_read_only"]}])["Parameters"]
        return instance["DBParameterGroups"][0]["ParameterApplyStatus"], row["Source"]

    read_only = {"ParameterName": "default_transaction_read_only", "ApplyMethod": "immediate"}
    answer = rds.modify_db_parameter_group(**group, Parameters=[{**read_only, "ParameterValue": "1"}])
    documented("rds", "ModifyDBParameterGroup", answer)
    assert shown() == ("applying", "user")
    database.step(time.time() + 5, {})
    assert shown() == ("in-sync", "user") and database.in_effect["default_transaction_read_only"] == "1"
    documented("rds", "ResetDBParameterGroup", rds.reset_db_parameter_group(
        **group, ResetAllParameters=False, Parameters=[read_only]))
    database.step(time.time() + 5, {})
    assert shown() == ("in-sync", "engine-default") and "default_transaction_read_only" not in database.in_effect
    told = [(event.name, event.parameters["parameters"]) for event in account.world.trail]
    assert told == [("ModifyDBParameterGroup", [{"parameterName": "default_transaction_read_only",
                                                 "applyMethod": "immediate", "parameterValue": "1"}]),
                    ("ResetDBParameterGroup", [{"parameterName": "default_transaction_read_only",
                                                "applyMethod": "immediate"}])]
    # What waits for a reboot is known to the instance after one.
    rds.modify_db_parameter_group(**group, Parameters=[
        {"ParameterName": "shared_buffers", "ParameterValue": "9", "ApplyMethod": "pending-reboot"}])
    database.step(time.time() + 5, {})
    assert shown()[0] == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="payments-db")
    assert shown()[0] == "in-sync" and database.in_effect["shared_buffers"] == "9"
    for wrong, code in (({"ParameterName": "no", "ApplyMethod": "immediate"}, "InvalidParameterValue"),
                        ({"ParameterName": "shared_buffers", "ApplyMethod": "immediate"},
                         "InvalidParameterCombination")):
        assert refused(rds.modify_db_parameter_group, **group,
                       Parameters=[{**wrong, "ParameterValue": "1"}]) == (code, 400)
    assert refused(rds.modify_db_parameter_group, DBParameterGroupName="no", Parameters=[
        {**read_only, "ParameterValue": "1"}]) == ("DBParameterGroupNotFound", 404)


def test_a_reboot_is_done_once_at_a_time_and_recorded(account: Account) -> None:
    rds, database = account.client("rds"), account.world.database
    database.set_fault("slow", time.time())
    answer = rds.reboot_db_instance(DBInstanceIdentifier="payments-db", ForceFailover=True)
    documented("rds", "RebootDBInstance", answer)
    assert answer["DBInstance"]["DBInstanceStatus"] == "rebooting"
    assert answer["DBInstance"]["AvailabilityZone"] == "us-east-1b" and database.fault == ""
    assert refused(rds.reboot_db_instance, DBInstanceIdentifier="payments-db") == ("InvalidDBInstanceState", 400)
    assert refused(rds.reboot_db_instance, DBInstanceIdentifier="no") == ("DBInstanceNotFound", 404)
    event = account.world.trail[-1]
    assert (event.name, event.source, event.user) == ("RebootDBInstance", "rds.amazonaws.com", "RemedyRole/remedy")
    assert event.parameters["forceFailover"] is True and len(account.world.trail) == 1
    asked = account.engine[-1]
    assert "/sts/aws4_request" in asked[2]["authorization"] and asked[2]["x-amz-security-token"] == "token"


def test_storage_grows_by_the_rules(account: Account) -> None:
    rds, database, now = account.client("rds"), account.world.database, time.time()

    def grow(gib: int, **more: Any) -> Any:
        return rds.modify_db_instance(DBInstanceIdentifier="payments-db", AllocatedStorage=gib, **more)

    database.set_fault("storage_full", now)
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "storage-full"
    for gib in (90, 100, 109, 70000):
        assert refused(grow, gib=gib, ApplyImmediately=True) == ("InvalidParameterCombination", 400)
    assert refused(grow, gib=200, Iops=3000) == ("InvalidParameterCombination", 400)
    later = grow(120)["DBInstance"]
    assert (later["DBInstanceStatus"], later["PendingModifiedValues"]) == ("storage-full", {"AllocatedStorage": 120})
    answer = grow(110, ApplyImmediately=True)
    documented("rds", "ModifyDBInstance", answer)
    assert answer["DBInstance"]["DBInstanceStatus"] == "modifying"
    assert answer["DBInstance"]["PendingModifiedValues"] == {"AllocatedStorage": 110}
    assert answer["DBInstance"]["AllocatedStorage"] == 100
    assert refused(grow, gib=200, ApplyImmediately=True) == ("InvalidDBInstanceState", 400)
    database.step(now + 60, {})
    instance = rds.describe_db_instances()["DBInstances"][0]
    assert (instance["DBInstanceStatus"], instance["AllocatedStorage"]) == ("available", 110)
    assert instance["PendingModifiedValues"] == {}
    with pytest.raises(ClientError, match="previous storage change is being optimized"):
        grow(200, ApplyImmediately=True)
    database.events = [RdsEvent(event.at - 7 * HOUR, event.message, event.categories) for event in database.events]
    assert grow(200, ApplyImmediately=True)["DBInstance"]["DBInstanceStatus"] == "modifying"
    assert [event.parameters["allocatedStorage"] for event in account.world.trail] == [120, 110, 200]


# --- Performance Insights --------------------------------------------------------------------------------------------


def metrics(account: Account, *queries: dict[str, Any], **changed: Any) -> dict[str, Any]:
    now = time.time()
    request = {"ServiceType": "RDS", "Identifier": RESOURCE, "StartTime": now - 120, "EndTime": now,
               "PeriodInSeconds": 1, "MetricQueries": list(queries)} | changed
    answer: dict[str, Any] = account.client("pi").get_resource_metrics(**request)
    documented("pi", "GetResourceMetrics", answer)
    return answer


def test_load_by_wait_event_follows_the_database(account: Account) -> None:
    account.aws.second(time.time() - 600)
    account.world.database.set_fault("slow", time.time() - 60)
    rows = metrics(account, {"Metric": "db.load.avg", "GroupBy": {"Group": "db.wait_event", "Limit": 2}})["MetricList"]
    assert rows[0]["Key"] == {"Metric": "db.load.avg"} and len(rows) == 3
    assert rows[1]["Key"]["Dimensions"] == {"db.wait_event.name": "Lock:transactionid", "db.wait_event.type": "Lock"}
    values = [point["Value"] for point in rows[1]["DataPoints"]]
    assert values[10] == 0.0 and values[-10] == pytest.approx(21.4)
    assert rows[0]["DataPoints"][-10]["Value"] == pytest.approx(23.5)
    assert 110 <= len(values) <= 122
    gaps = {(b["Timestamp"] - a["Timestamp"]).total_seconds()
            for a, b in zip(rows[0]["DataPoints"], rows[0]["DataPoints"][1:], strict=False)}
    assert gaps == {1.0}


def test_load_by_application_is_as_the_connections_are(account: Account) -> None:
    database = account.world.database
    database.set_fault("connections_exhausted", time.time() - 90, frozenset({"uid"}))
    database.step(time.time(), {"uid": "ledger-export", "other": "payment-gateway"})
    pi, now = account.client("pi"), time.time()
    request = {"ServiceType": "RDS", "Identifier": RESOURCE, "StartTime": now - 60, "EndTime": now,
               "Metric": "db.load.avg"}
    for group, first in (("db.application", {"db.application.name": "ledger-export"}),
                         ("db.user", {"db.user.name": "ledger_export"})):
        answer = pi.describe_dimension_keys(**request, GroupBy={"Group": group})
        documented("pi", "DescribeDimensionKeys", answer)
        keys = answer["Keys"]
        assert first.items() <= keys[0]["Dimensions"].items()
        assert keys[0]["Total"] > 0.9 * sum(key["Total"] for key in keys)
        assert answer["AlignedStartTime"].timestamp() <= request["StartTime"]
    waits = pi.describe_dimension_keys(**request, GroupBy={"Group": "db.wait_event", "Dimensions": [
        "db.wait_event.name"]}, PeriodInSeconds=60, MaxResults=2)
    assert waits["NextToken"] and [set(key["Dimensions"]) for key in waits["Keys"]] == [{"db.wait_event.name"}] * 2
    rest = pi.describe_dimension_keys(**request, GroupBy={"Group": "db.wait_event"}, NextToken=waits["NextToken"])
    assert len(rest["Keys"]) == 1
    rows = metrics(account, {"Metric": "db.User.numbackends.avg"}, {
        "Metric": "db.load.avg", "Filter": {"db.application.name": "ledger-export"}})["MetricList"]
    assert [row["Key"] for row in rows] == [{"Metric": "db.User.numbackends.avg"}, {"Metric": "db.load.avg"}]
    assert rows[0]["DataPoints"][-5]["Value"] == 200.0
    assert rows[1]["DataPoints"][-5]["Value"] == pytest.approx(0.32 * 195 / 200)


def test_performance_insights_refuses_what_it_would(account: Account) -> None:
    load, now = {"Metric": "db.load.avg"}, time.time()
    assert refused(lambda: metrics(account, load, Identifier="db-ANOTHER")) == ("NotAuthorizedException", 400)
    for query, changed in ((load, {"StartTime": now, "EndTime": now - 5}), (load, {"PeriodInSeconds": 7}),
                           ({"Metric": "db.no.avg"}, {}), (load | {"GroupBy": {"Group": "db.no"}}, {}),
                           (load | {"GroupBy": {"Group": "db.user", "Dimensions": ["db.host.name"]}}, {}),
                           (load, {"StartTime": now - 30 * 86400, "PeriodInSeconds": 3600}),
                           (load, {"NextToken": "nonsense"})):
        assert refused(lambda q=query, c=changed: metrics(account, q, **c)) == ("InvalidArgumentException", 400)


# --- Health, CloudTrail ----------------------------------------------------------------------------------------------


def arn(service: str, number: int) -> str:
    code = f"AWS_{service}_OPERATIONAL_ISSUE"
    return f"arn:aws:health:us-east-1::event/{service}/{code}/{code}_{number}"


@pytest.fixture
def troubled(account: Account) -> Account:
    now = time.time()
    for number, (service, region, at, ended) in enumerate((
            ("RDS", "us-east-1", now - 300, None), ("EC2", "us-east-1", now - 600, None),
            ("EKS", "eu-west-1", now - 7200, now - 3600))):
        account.world.health.append(HealthEvent(arn(service, number), service, f"AWS_{service}_OPERATIONAL_ISSUE",
                                                "closed" if ended else "open", region, at, ended))
    return account


def test_health_events_are_filtered_and_come_in_pages(troubled: Account) -> None:
    health, now = troubled.client("health"), time.time()
    answer = health.describe_events()
    documented("health", "DescribeEvents", answer)
    assert [event["service"] for event in answer["events"]] == ["RDS", "EC2", "EKS"] and "nextToken" not in answer
    assert answer["events"][0]["eventTypeCategory"] == "issue" and "endTime" not in answer["events"][0]
    assert answer["events"][2]["statusCode"] == "closed" and answer["events"][2]["endTime"]
    for wanted, count in (({"services": ["RDS"]}, 1), ({"regions": ["us-east-1"], "eventStatusCodes": ["open"]}, 2),
                          ({"startTimes": [{"from": now - 400}]}, 1), ({"services": ["S3"]}, 0),
                          ({"startTimes": [{"to": now - 400}]}, 2), ({"eventTypeCategories": ["scheduledChange"]}, 0)):
        assert len(health.describe_events(filter=wanted)["events"]) == count
    pages = list(health.get_paginator("describe_events").paginate(PaginationConfig={"PageSize": 1}))
    assert [len(page["events"]) for page in pages] == [1, 1, 1]
    assert refused(health.describe_events, nextToken="nonsense") == ("InvalidPaginationToken", 400)


def test_health_details_and_entities(troubled: Account) -> None:
    health = troubled.client("health")
    details = health.describe_event_details(eventArns=[arn("RDS", 0), arn("RDS", 9)])
    documented("health", "DescribeEventDetails", details)
    assert details["successfulSet"][0]["event"]["arn"] == arn("RDS", 0)
    assert "RDS" in details["successfulSet"][0]["eventDescription"]["latestDescription"]
    assert [item["eventArn"] for item in details["failedSet"]] == [arn("RDS", 9)]
    wanted = {"eventArns": [arn("RDS", 0), arn("EC2", 1)]}
    assert health.describe_affected_entities(filter=wanted)["entities"] == []
    troubled.world.database.set_fault("failing_over", time.time())
    troubled.world.silent_nodes.add("node-b")
    entities = health.describe_affected_entities(filter=wanted)
    documented("health", "DescribeAffectedEntities", entities)
    assert [item["entityValue"] for item in entities["entities"]] == ["payments-db", "i-0000000000000000b"]
    troubled.aws.health.support_plan = False
    assert refused(health.describe_events) == ("SubscriptionRequiredException", 400)


@pytest.fixture
def recorded(account: Account) -> Account:
    now, database = time.time(), (("AWS::RDS::DBInstance", "payments-db"),)
    account.world.trail += [
        TrailEvent(now - 300, "ModifyDBInstance", "rds.amazonaws.com", "deployer", database,
                   {"dBInstanceIdentifier": "payments-db", "applyImmediately": True}),
        TrailEvent(now - 200, "RevokeSecurityGroupIngress", "ec2.amazonaws.com", "Admin/jo"),
        TrailEvent(now - 100, "RotationSucceeded", "secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com"),
        TrailEvent(now - 1, "RebootDBInstance", "rds.amazonaws.com", "deployer", database)]
    return account


def test_cloudtrail_gives_events_newest_first_when_they_have_come(recorded: Account) -> None:
    trail, now = recorded.client("cloudtrail"), time.time()
    answer = trail.lookup_events()
    documented("cloudtrail", "LookupEvents", answer)
    names = ["RotationSucceeded", "RevokeSecurityGroupIngress", "ModifyDBInstance"]
    assert [event["EventName"] for event in answer["Events"]] == names
    assert [event["Username"] for event in answer["Events"]] == ["secretsmanager.amazonaws.com", "jo", "deployer"]
    records = [json.loads(event["CloudTrailEvent"]) for event in answer["Events"]]
    assert [record["userIdentity"]["type"] for record in records] == ["AWSService", "AssumedRole", "IAMUser"]
    assert records[1]["userIdentity"]["arn"] == "arn:aws:sts::000000000000:assumed-role/Admin/jo"
    assert records[2]["requestParameters"]["applyImmediately"] is True
    assert records[2]["resources"][0]["ARN"].endswith(":db:payments-db")
    assert records[2]["eventSource"] == "rds.amazonaws.com" and records[2]["eventTime"].endswith("Z")
    assert answer["Events"][2]["Resources"] == [
        {"ResourceType": "AWS::RDS::DBInstance", "ResourceName": "payments-db"}]
    assert answer["Events"][2]["ReadOnly"] == "false" and abs(answer["Events"][2]["EventTime"].timestamp() - now) < 310


def test_cloudtrail_takes_two_calls_a_second() -> None:
    trail = Trail(World, Gates(), 5.0)
    for _ in range(2):
        assert trail.answer("LookupEvents", b"{}").status == 200
    with pytest.raises(Refused, match="ThrottlingException: Rate exceeded"):
        trail.answer("LookupEvents", b"{}")
    time.sleep(1.05)
    assert trail.answer("LookupEvents", b"{}").status == 200


def test_cloudtrail_looks_up_by_one_attribute_and_in_pages(recorded: Account) -> None:
    trail, now = recorded.client("cloudtrail"), time.time()

    def by(*pairs: tuple[str, str], **more: Any) -> list[str]:
        attributes = [{"AttributeKey": key, "AttributeValue": value} for key, value in pairs]
        return [event["EventName"] for event in trail.lookup_events(LookupAttributes=attributes, **more)["Events"]]

    assert by(("EventSource", "rds.amazonaws.com")) == ["ModifyDBInstance"]
    assert by(("ResourceName", "payments-db")) == ["ModifyDBInstance"]
    assert by(("EventName", "RotationSucceeded")) == ["RotationSucceeded"]
    assert by(StartTime=now - 250, EndTime=now - 150) == ["RevokeSecurityGroupIngress"]
    pages = list(trail.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Events"]) for page in pages] == [2, 1]
    assert refused(lambda: by(("EventName", "a"), ("Username", "b"))) == ("InvalidLookupAttributesException", 400)
    assert refused(trail.lookup_events, MaxResults=51) == ("InvalidMaxResultsException", 400)
    assert refused(trail.lookup_events, StartTime=now, EndTime=now - 9) == ("InvalidTimeRangeException", 400)
    assert refused(trail.lookup_events, NextToken="nonsense") == ("InvalidNextTokenException", 400)


# --- EKS, EC2 --------------------------------------------------------------------------------------------------------


def test_the_clusters_health_is_added_to_the_engines_answer(account: Account) -> None:
    eks = account.client("eks")
    assert eks.describe_cluster(name="payments")["cluster"] == {
        "name": "payments", "status": "ACTIVE", "health": {"issues": []}}
    assert account.engine[-1][:2] == ("GET", "/clusters/payments")
    assert account.engine[-1][2]["authorization"].startswith("AWS4-HMAC-SHA256")
    account.world.control_plane_down = True
    answer = eks.describe_cluster(name="payments")
    documented("eks", "DescribeCluster", answer)
    assert answer["cluster"]["health"]["issues"][0]["code"] == "ClusterUnreachable"
    assert eks.describe_cluster(name="other")["cluster"]["health"] == {"issues": []}
    assert refused(eks.describe_cluster, name="no") == ("ResourceNotFoundException", 404)
    assert refused(eks.list_nodegroups, clusterName="no") == ("ResourceNotFoundException", 404)
    account.gates.set("kubernetes", "down")
    assert eks.describe_cluster(name="payments")["cluster"]["status"] == "ACTIVE"


def test_the_node_group_knows_its_nodes(account: Account) -> None:
    eks = account.client("eks")
    assert eks.list_nodegroups(clusterName="payments")["nodegroups"] == ["payments"]

    def group() -> tuple[str, list[tuple[str, list[str]]]]:
        answer = eks.describe_nodegroup(clusterName="payments", nodegroupName="payments")
        documented("eks", "DescribeNodegroup", answer)
        assert answer["nodegroup"]["scalingConfig"] == {"minSize": 3, "maxSize": 3, "desiredSize": 3}
        return answer["nodegroup"]["status"], [(issue["code"], issue["resourceIds"])
                                               for issue in answer["nodegroup"]["health"]["issues"]]

    assert group() == ("ACTIVE", [])
    account.world.silent_nodes.update(("node-a", "node-b"))
    account.nodes.names = ["node-b", "node-c"]
    assert group() == ("DEGRADED", [("NodeCreationFailure", ["i-0000000000000000a"]),
                                    ("NodeCreationFailure", ["i-0000000000000000b"])])
    account.nodes.names = None
    assert group() == ("DEGRADED", [("NodeCreationFailure", ["i-0000000000000000a", "i-0000000000000000b"])])
    assert refused(eks.describe_nodegroup, clusterName="payments", nodegroupName="no") == (
        "ResourceNotFoundException", 404)


def test_the_status_of_instances(account: Account) -> None:
    ec2 = account.client("ec2")

    def states(**arguments: Any) -> dict[str, tuple[str, str]]:
        answer = ec2.describe_instance_status(**arguments)
        documented("ec2", "DescribeInstanceStatus", answer)
        return {item["InstanceId"][-1]: (item["InstanceState"]["Name"], item["SystemStatus"]["Status"])
                for item in answer["InstanceStatuses"]}

    well, dead, gone = ("running", "ok"), ("running", "impaired"), ("terminated", "not-applicable")
    assert states() == {"a": well, "b": well, "c": well}
    account.world.silent_nodes.update(("node-a", "node-b"))
    account.nodes.names = ["node-b", "node-c"]
    assert states() == {"b": dead, "c": well}
    assert states(IncludeAllInstances=True) == {"a": gone, "b": dead, "c": well}
    assert states(InstanceIds=["i-0000000000000000b"]) == {"b": dead}
    assert states(Filters=[{"Name": "system-status.reachability", "Values": ["failed"]}]) == {"b": dead}
    item = ec2.describe_instance_status(InstanceIds=["i-0000000000000000b"])["InstanceStatuses"][0]
    assert item["InstanceStatus"]["Details"][0]["Status"] == "failed"
    assert time.time() - item["InstanceStatus"]["Details"][0]["ImpairedSince"].timestamp() < 60
    assert refused(ec2.describe_instance_status, InstanceIds=["i-1"]) == ("InvalidInstanceID.NotFound", 400)
    account.nodes.names = None
    assert states() == {"a": dead, "b": dead, "c": well}
    assert ec2.describe_vpcs()["Vpcs"][0]["VpcId"] == "vpc-1"
    assert account.engine[-1][:2] == ("POST", "/")


@pytest.mark.parametrize("target", sorted(RULES))
def test_a_blocked_path_lacks_its_rule_until_the_rule_is_restored(account: Account, target: str) -> None:
    ec2, rule = account.client("ec2"), RULES[target]
    name = "IpPermissions" if rule.direction == "Ingress" else "IpPermissionsEgress"

    def permissions() -> list[dict[str, Any]]:
        answer = ec2.describe_security_groups(GroupIds=[rule.group])
        documented("ec2", "DescribeSecurityGroups", answer)
        return list(answer["SecurityGroups"][0][name])

    permission, = permissions()
    authorize = getattr(ec2, f"authorize_security_group_{rule.direction.lower()}")
    again = {"GroupId": rule.group, "IpPermissions": [{key: permission[key] for key in (
        "IpProtocol", "FromPort", "ToPort", "IpRanges")}]}
    assert refused(authorize, **again) == ("InvalidPermission.Duplicate", 400)
    lossy, blocked = Broken("backend", target, "lossy"), Broken("frontend", target, "blocked")
    account.world.broken = [lossy, blocked]
    assert permissions() == []
    assert authorize(**again)["Return"] is True
    assert (permissions(), account.world.broken) == ([permission], [lossy])
    event = account.world.trail[-1]
    assert (event.name, event.resources) == (
        f"AuthorizeSecurityGroup{rule.direction}", (("AWS::EC2::SecurityGroup", rule.group),))
    assert "RemedyRole" in event.user
    revoke = getattr(ec2, f"revoke_security_group_{rule.direction.lower()}")
    answer = revoke(**again)
    documented("ec2", f"RevokeSecurityGroup{rule.direction}", answer)
    assert answer["Return"] is True and permissions() == [] and lossy in account.world.broken
    assert account.world.trail[-1].name == f"RevokeSecurityGroup{rule.direction}"
    assert refused(revoke, **again) == ("InvalidPermission.NotFound", 400)
    assert refused(ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"]) == ("InvalidGroup.NotFound", 400)


# --- faults ----------------------------------------------------------------------------------------------------------


def ask(account: Account, service: str) -> list[Any]:
    """Ask a service for something that there is; return the list in its answer."""
    client, now = account.client(service), time.time()
    if service == "rds":
        return list(client.describe_db_instances()["DBInstances"])
    if service == "pi":
        return list(metrics(account, {"Metric": "db.load.avg"})["MetricList"])
    if service == "health":
        account.world.health = [HealthEvent(arn("RDS", 0), "RDS", "AWS_RDS_OPERATIONAL_ISSUE", "open", "us-east-1",
                                            now - 60)]
        return list(client.describe_events()["events"])
    account.world.trail = [TrailEvent(now - 60, "ModifyDBInstance", "rds.amazonaws.com", "deployer")]
    return list(client.lookup_events()["Events"])


FAULTY = [("rds", "rds"), ("pi", "rds"), ("health", "aws_health"), ("cloudtrail", "cloudtrail")]
THROTTLED = {"rds": ("Throttling", 400)}
DENIED = {"rds": ("AccessDenied", 403), "pi": ("NotAuthorizedException", 400)}


@pytest.mark.parametrize(("service", "source"), FAULTY)
def test_each_fault_is_in_the_services_own_words(account: Account, service: str, source: str) -> None:
    assert len(ask(account, service)) == 1
    account.gates.set(source, "empty")
    assert ask(account, service) == []
    account.gates.set(source, "throttled")
    assert refused(lambda: ask(account, service)) == THROTTLED.get(service, ("ThrottlingException", 400))
    account.gates.set(source, "unauthorized")
    assert refused(lambda: ask(account, service)) == DENIED.get(service, ("AccessDeniedException", 400))
    account.gates.set(source, "down")
    with pytest.raises(ConnectionClosedError):
        ask(account, service)
    account.gates.set(source, "malformed")
    # botocore takes JSON that it cannot read for an answer without any field.
    with pytest.raises(ResponseParserError if service == "rds" else KeyError):
        ask(account, service)
    account.gates.set(source, "slow")
    began = time.monotonic()
    threading.Timer(0.3, account.gates.heal, [source]).start()
    assert len(ask(account, service)) == 1 and time.monotonic() - began >= 0.25


def test_a_stale_source_ends_where_it_became_so(troubled: Account) -> None:
    account, database = troubled, troubled.world.database
    rds, health = account.client("rds"), account.client("health")
    account.aws.second(time.time() - 100)
    account.gates.set("rds", "stale")
    account.gates.set("aws_health", "stale")
    account.gates.set("cloudtrail", "stale")
    time.sleep(0.02)
    account.world.health[0].ended, account.world.health[0].status = time.time(), "closed"
    account.world.health.append(HealthEvent(arn("S3", 7), "S3", "AWS_S3_OPERATIONAL_ISSUE", "open", "us-east-1",
                                            time.time()))
    account.world.record("RebootDBInstance", "rds")
    database.set_fault("storage_full", time.time())
    events = health.describe_events()["events"]
    assert [event["statusCode"] for event in events if event["service"] == "RDS"] == ["open"]
    assert len(events) == 3
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available"
    assert rds.describe_events()["Events"] == []
    assert account.client("cloudtrail").lookup_events()["Events"] == []
    last = metrics(account, {"Metric": "db.load.avg"}, EndTime=time.time() + 30)["MetricList"][0]["DataPoints"][-1]
    assert last["Timestamp"].timestamp() <= time.time() + 1
    account.gates.reset()
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "storage-full"


@pytest.mark.parametrize("service", ["rds", "pi", "health", "cloudtrail", "eks", "ec2"])
def test_an_unsigned_request_is_refused(account: Account, service: str) -> None:
    answer = httpx.post(f"{account.url}/aws/{service}/", data={"Action": "DescribeDBInstances"}, verify=PLAIN)
    assert answer.status_code == 403
    assert "MissingAuthenticationToken" in answer.text + answer.headers.get("x-amzn-errortype", "")
    assert account.engine == []


def test_a_service_that_is_not_there(account: Account) -> None:
    assert httpx.get(f"{account.url}/aws/s3/", verify=PLAIN).status_code == 404


# --- status pages ----------------------------------------------------------------------------------------------------


Pages = tuple[World, Gates, httpx.Client]


@pytest.fixture
def pages(ports: Ports) -> Iterator[Pages]:
    world, gates = World(), Gates()
    stand_in = StatusPages(lambda: world, gates, slow_seconds=0.5)
    ports.asked = lambda method, path, headers, body: stand_in.answer(method, path, headers)
    with httpx.Client(base_url=ports.url, verify=PLAIN) as client:
        yield world, gates, client


PATH = "/status/primary/api/v2/summary.json"


@pytest.mark.parametrize(("said", "indicator", "status"), [
    ("operational", "none", "operational"), ("degraded", "minor", "degraded_performance"),
    ("outage", "critical", "major_outage")])
def test_a_status_page_is_as_documented(pages: Pages, said: str, indicator: str, status: str) -> None:
    world, _, client = pages
    provider = world.providers["primary"]
    provider.status_page, provider.since = said, time.time() - 60
    summary = client.get(PATH).json()
    assert set(summary) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert {"id", "name", "url", "time_zone", "updated_at"} <= set(summary["page"])
    assert summary["status"]["indicator"] == indicator and summary["status"]["description"]
    for component in summary["components"]:
        assert {"id", "name", "status", "created_at", "updated_at", "position", "description", "page_id", "group_id",
                "group", "showcase", "only_show_if_degraded"} <= set(component)
    assert [component["status"] for component in summary["components"]] == [status, "operational", "operational"]
    assert len(summary["incidents"]) == (said != "operational") and summary["scheduled_maintenances"] == []
    for incident in summary["incidents"]:
        assert {"id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
                "shortlink", "started_at", "page_id", "incident_updates"} <= set(incident)
        assert incident["status"] == "investigating" and incident["impact"] == indicator
        assert {"id", "status", "body", "incident_id", "created_at", "updated_at", "display_at",
                "affected_components"} <= set(incident["incident_updates"][0])
    assert client.get("/status/fallback/api/v2/summary.json").json()["status"]["indicator"] == "none"
    assert client.get("/status/nobody/api/v2/summary.json").status_code == 404


def test_a_status_page_can_be_broken(pages: Pages) -> None:
    world, gates, client = pages
    gates.set("status_page", "stale")
    world.providers["primary"].status_page, world.providers["primary"].since = "outage", time.time() + 0.001
    assert client.get(PATH).json()["status"]["indicator"] == "none"
    for fault, status in (("throttled", 429), ("unauthorized", 401)):
        gates.set("status_page", fault)
        assert client.get(PATH).status_code == status
    gates.set("status_page", "malformed")
    assert "html" in client.get(PATH).headers["content-type"]
    gates.set("status_page", "empty")
    assert client.get(PATH).json()["components"] == client.get(PATH).json()["incidents"] == []
    gates.set("status_page", "slow")
    with pytest.raises(httpx.ReadTimeout):
        client.get(PATH, timeout=httpx.Timeout(5, read=0.3))
    gates.set("status_page", "down")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(PATH)
    assert client.get("/provider/primary/health").json() == {"status": "ok"}


def test_the_health_of_a_provider_is_what_its_callers_meet(pages: Pages) -> None:
    world, _, client = pages
    primary = world.providers["primary"]
    primary.fault = "errors"
    assert client.get("/provider/primary/health").status_code == 503
    assert client.get("/provider/fallback/health").json() == {"status": "ok"}
    primary.fault = "slow"
    with pytest.raises(httpx.ReadTimeout):
        client.get("/provider/primary/health", timeout=httpx.Timeout(5, read=0.3))
    primary.fault = "down"
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/provider/primary/health")
    assert client.get("/provider/nobody/health").status_code == 404
    assert StatusPages(lambda: world, Gates())._slow > 5
