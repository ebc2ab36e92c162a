"""The database in each of its worlds: what RDS and Performance Insights say of it, how that is read, what is done.

Sources, by AWS's pages: "DescribeDBInstances", "DescribeDBClusters", "FailoverDBCluster", "DescribeEvents", "Amazon RDS
event categories and event messages", "Amazon CloudWatch metrics for Amazon Aurora", "Aurora MySQL wait events",
"DimensionGroup", "DescribeDBProxyTargets", "TargetHealth".
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from responder.actions import ActionFailed, Declined, restore_parameter_group
from responder.actions import restore_database as remedy
from responder.clients import aws, databases, parameter_groups
from responder.model.change import FieldChange
from responder.model.evidence import Detail, Evidence, Finding, Window
from responder.model.evidence.database_cluster import DatabaseCluster
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.waits import Waits
from responder.model.fault_location import DATABASE as IN_DATABASE
from responder.model.service import Service
from responder.plan import kinds, signals
from responder.plan.changes import difference, in_effect
from responder.plan.database_clients import other_clients
from responder.plan.error_kind import ErrorKind
from responder.plan.failovers import stage
from responder.plan.failure_modes import FailureMode
from responder.plan.remedies.restore_database import Facts, FailOver, Reboot
from responder.plan.signals.database import is_lock
from responder.sources import Query, rds
from sandbox.platform.database import APPLY_SECONDS, CLUSTER, FAILOVER_SECONDS, Database
from sandbox.platform.engines import ENGINES
from sandbox.platform.state import World
from sandbox.vendors.gate import Gates
from sandbox.vendors.history import History
from sandbox.vendors.insights import Insights
from sandbox.vendors.rds import Rds
from sandbox.vendors.wire import Refused, failed
from sandbox.worlds.database import KEY
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")
WORLDS = KEY.values
AURORA, INSTANCE = WORLDS[2:], WORLDS[:2]
PAYLOADS = json.loads((Path(__file__).parent / "database_events.json").read_text(encoding="utf-8"))
MULTI_AZ = ("Multi-AZ instance failover started.", "Multi-AZ instance activation started.")


class Raw(io.BytesIO):
    def stream(self, *arguments: Any, **named: Any) -> Iterator[bytes]:
        yield self.read()


class Clouds:
    """CloudWatch with the newest minute of what the world's instances measure."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        now, measured = time.time(), self._place.world.database.metrics_by_instance(time.time())
        results = []
        for query in given["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            value = measured.get(metric["Dimensions"][0]["Value"], {}).get(metric["MetricName"])
            moments = [] if value is None else [given["EndTime"].fromtimestamp(now - 90, given["EndTime"].tzinfo)]
            results.append({"Id": query["Id"], "Timestamps": moments, "Values": [value] * len(moments)})
        return {"MetricDataResults": results}


class Place:
    """The stand-ins of RDS and Performance Insights over a world, read by the real clients."""

    def __init__(self, service: Service, value: str = WORLDS[0]) -> None:
        self.world, self.gates = World(), Gates()
        KEY.apply(self.world, value, "seed")
        self.world.database.clients = {"payment-gateway": 24, "ledger-export": 2, "rdsadmin": 2}
        self.history = History(lambda: self.world)
        self.service = self.configured(service, cluster=CLUSTER)
        self._rds = Rds(lambda: self.world, self.history, self.gates, lambda headers: "RemedyRole/r")
        self._insights = Insights(self.history, self.gates)
        self.clients: dict[str, Any] = {**clients(), "cloudwatch": Clouds(self)}
        self.changes: list[str] = []
        """The bodies of the calls that change something."""

    def configured(self, service: Service, **fields: Any) -> Service:
        assert service.database is not None
        self.service = replace(service, database=replace(service.database, **fields))
        return self.service

    def answered(self, request: AWSRequest, **_: Any) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        target = request.headers.get("X-Amz-Target", b"")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        self.history.note(time.time())
        try:
            if operation:
                answer = self._insights.answer(operation, body)
            else:
                if b"Action=Describe" not in body:
                    self.changes.append(body.decode())
                answer = self._rds.answer({}, body)
        except Refused as refused:
            answer = failed("json" if operation else "query", refused)
        return AWSResponse(request.url, answer.status, {"content-type": answer.kind}, Raw(answer.body))

    @property
    def database(self) -> Database:
        return self.world.database

    def collect(self) -> list[Finding[Detail]]:
        now = time.time()
        return rds.collect(Query(self.service, "diagnose", Window(now - 60, now + 1), Window(now - 3660, now - 60),
                                 time.monotonic() + 10))

    def told(self, *more: Finding[Detail]) -> set[str]:
        """The ids of the signals of what RDS says now."""
        mode = FailureMode("payment-gateway", IN_DATABASE, 1.0, {}, ("newrelic",), False)
        return {signal.id for signal in signals.read(signals.Context(
            self.service, mode, time.time() - 30, Evidence([*self.collect(), *more])))}

    def plan(self, mechanism: str, facts: Facts | None = None) -> Any:
        return remedy.plan(asked(self.service, mechanism, onset=100.0), facts or Facts())

    def apply(self, plan: Any, mechanism: str = "refuses_connections") -> str:
        return remedy.apply(asked(self.service, mechanism, onset=100.0), plan)


_NOW: list[Place] = []
"""The place that answers just now."""


@cache
def clients() -> dict[str, Any]:
    """The real clients, made once; the present place answers them."""
    session = boto3.Session("AKIASANDBOX000000001", "secret", region_name="us-east-1")
    found = {name: session.client(name) for name in ("rds", "pi")}
    for name, client in found.items():
        client.meta.events.register_first(f"before-send.{name}", lambda request, **_: _NOW[-1].answered(request))
    return found


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, service: Service) -> Place:
    made = Place(service, getattr(request, "param", WORLDS[0]))
    _NOW[:] = [made]
    monkeypatch.setattr(aws, "client", lambda name, *_, **__: made.clients[name])
    return made


def one(found: list[Finding[Detail]], kind: type[Any]) -> Finding[Any]:
    return next(item for item in found if isinstance(item.detail, kind))


# --- what RDS says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_each_engine_is_read_with_its_cluster_where_it_has_one(place: Place) -> None:
    found = place.collect()
    instance = one(found, DatabaseInstance)
    aurora = place.database.speech.aurora
    assert (instance.detail.engine, instance.status) == (place.database.engine, "ok")
    assert (instance.detail.multi_az, instance.detail.cluster) == (not aurora, CLUSTER if aurora else "")
    assert {item.name for item in found if not item.usable} == set()
    assert ("free_storage" in {item.name for item in found}) is not aurora
    if aurora:
        cluster = one(found, DatabaseCluster).detail
        assert [(member.name, member.writer, member.lag_seconds) for member in cluster.members] == [
            ("payments-db", True, None), ("payments-db-2", False, 0.018)]
        item, = place.clients["rds"].describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"]
        assert ".cluster-" in item["Endpoint"] and ".cluster-ro-" in item["ReaderEndpoint"]


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_a_failover_is_told_from_its_beginning_to_its_end(place: Place) -> None:
    assert "no_failover" in place.told()
    now, cluster = time.time(), place.database.speech.aurora
    place.database.set_fault("failing_over", now)
    assert {"database_fails_over"} == place.told() & {"database_fails_over", "database_failed_over", "no_failover"}
    for mechanism in ("refuses_connections", "slow_database"):
        assert "fails over already" in refusal(place.plan(mechanism))
    place.database.step(now + FAILOVER_SECONDS + 1, {})
    place.database.events = [replace(event, at=min(event.at, now)) for event in place.database.events]
    assert {"database_failed_over"} == place.told() & {"database_fails_over", "database_failed_over", "no_failover"}
    assert place.database.writer == ("payments-db-2" if cluster else "payments-db")
    assert place.changes == []


def test_the_members_events_alone_tell_of_no_failover_of_a_cluster(place: Place) -> None:
    messages = [event["Message"] for event in PAYLOADS["aurora"]]
    assert [stage(DatabaseEvent(0.0, message)) for message in messages] == ["", "", "started", "completed"]


@pytest.mark.parametrize(("message", "said"), PAYLOADS["messages"])
def test_each_documented_message_is_known(message: str, said: str) -> None:
    assert stage(DatabaseEvent(0.0, message, ("failover",))) == said
    assert stage(DatabaseEvent(0.0, message.removesuffix("."), ("failover", "notification"))) == said


@pytest.mark.parametrize("message", PAYLOADS["others"])
def test_other_events_say_nothing_of_a_failover(message: str) -> None:
    assert stage(DatabaseEvent(0.0, message, ("availability",))) == ""


def test_a_failover_that_is_not_done_hides_none_that_goes_on(place: Place) -> None:
    """RDS-EVENT-0034 may follow RDS-EVENT-0013, where somebody asks for another one."""
    now = time.time()
    abandoned = "Abandoning user requested failover since a failover recently occurred on the database instance."
    events = Finding(source="rds", window=Window(now - 60, now), detail=DatabaseEvents((
        DatabaseEvent(now - 20, MULTI_AZ[0], ("failover",)), DatabaseEvent(now - 10, abandoned, ("failover",)))))
    mode = FailureMode("payment-gateway", IN_DATABASE, 1.0, {}, ("newrelic",), False)
    assert "database_fails_over" in {signal.id for signal in signals.read(signals.Context(
        place.service, mode, now - 20, Evidence([events])))}


@pytest.mark.parametrize("engine", ["oracle-ee", "sqlserver-se", "docdb", "neptune", "db2-se", "custom-oracle-ee"])
def test_a_database_that_is_not_supported_is_said_to_be_so(place: Place, monkeypatch: pytest.MonkeyPatch,
                                                           engine: str) -> None:
    described = databases.Instance("payments-db", engine, "available", False, "us-east-1a", 100, "db-A")
    monkeypatch.setattr(databases, "instance", lambda client, name: described)
    found = place.collect()
    assert {item.status for item in found} == {"unavailable"} and all(engine in item.note for item in found)
    assert not place.told() & {"no_failover", "database_available"}
    assert engine in refusal(place.plan("refuses_connections"))


def test_a_database_that_rds_does_not_know_gives_no_evidence(place: Place) -> None:
    place.configured(place.service, instance="gone", cluster="gone-too")
    found = place.collect()
    assert {item.status for item in found} == {"empty"}
    assert found[0].note == "RDS knows no instance gone and no DB cluster gone-too"
    assert not place.told() & {"no_failover", "database_available"}
    assert isinstance(place.plan("slow_database"), Declined)


@pytest.mark.parametrize("place", AURORA, indirect=True)
@pytest.mark.parametrize("named", [("", CLUSTER), ("payments-db-2", CLUSTER), ("gone", CLUSTER)])
def test_a_cluster_is_found_by_its_own_name_or_by_a_reader(place: Place, named: tuple[str, str]) -> None:
    place.configured(place.service, instance=named[0], cluster=named[1])
    assert one(place.collect(), DatabaseCluster).detail.cluster == CLUSTER
    assert {"no_failover", "database_available"} <= place.told()
    assert planned(place.plan("refuses_connections")).parameters.step.target == "payments-db-2"


@pytest.mark.parametrize("place", AURORA, indirect=True)
def test_a_cluster_that_the_configuration_does_not_name_is_seen_all_the_same(place: Place) -> None:
    place.configured(place.service, cluster="")
    place.database.set_fault("failing_over", time.time())
    assert "database_fails_over" in place.told()
    assert one(place.collect(), DatabaseCluster).detail.status == "failing-over"
    place.database.heal(time.time())
    place.database.events = []
    step = planned(place.plan("refuses_connections")).parameters.step
    assert step == Reboot("payments-db", False, step.planned)
    place.database.zone = "us-east-1b"
    assert "database.cluster" in one(place.collect(), DatabaseInstance).note
    assert "there is no right to fail it over" in refusal(place.plan("refuses_connections"))


# --- waits and clients -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_locks_and_clients_are_told_in_each_engines_words(place: Place) -> None:
    place.database.set_fault("slow", time.time() - 120)
    place.history.note(time.time() - 100)
    assert "database_waits_for_locks" in place.told()
    place.database.heal(time.time())
    place.database.clients = {"payment-gateway": 3, "ledger-export": 195, "rdsadmin": 2}
    place.history.note(time.time() - 90)
    waits = one(place.collect(), Waits).detail
    postgres = "postgres" in place.database.engine
    assert waits.grouped_by == ("application" if postgres else "user")
    holder = "ledger-export" if postgres else "ledger_export"
    assert max(waits.clients, key=lambda name: waits.clients[name]) == holder
    assert set(other_clients(place.service, waits)) == {holder}
    assert "one_client_holds_connections" in place.told() and "database_waits_for_locks" not in place.told()


@pytest.mark.parametrize(("wait", "lock"), [
    ("Lock:transactionid", True), ("Lock:tuple", True), ("Lock:relation", True), ("Lock:advisory", True),
    ("LWLock:BufferContent", False), ("LWLock:lock_manager", False), ("LWLock:WALWrite", False), ("Lock:extend", False),
    ("IO:DataFileRead", False), ("CPU", False), ("Client:ClientRead", False),
    ("synch/cond/innodb/row_lock_wait", True), ("synch/cond/innodb/row_lock_wait_cond", True),
    ("wait/synch/mutex/innodb/aurora_lock_thread_slot_futex", True),
    ("synch/cond/sql/MDL_context::COND_wait_status", True), ("wait/lock/metadata/sql/mdl", True),
    ("lock/table/sql/handler", True), ("wait/lock/table/sql/handler", True),
    ("synch/sxlock/innodb/hash_table_locks", False), ("synch/rwlock/innodb/hash_table_locks", False),
    ("synch/mutex/innodb/trx_sys_mutex", False), ("synch/mutex/sql/LOCK_table_cache", False),
    ("io/table/sql/handler", False), ("io/aurora_redo_log_flush", False), ("cpu", False)])
def test_a_latch_is_no_lock_of_rows(wait: str, lock: bool) -> None:
    assert is_lock(wait) is lock


@pytest.mark.parametrize("name", [
    "psycopg2", "PostgreSQL JDBC Driver", "node-postgres", "asyncpg", "Npgsql", "", "pgbouncer", "rdsadmin",
    "rdsproxyadmin", "payment-gateway", "Payment Gateway", "payment_gateway", "payment-gateway-7d9f8c5b4-x2kqp",
    "payment-gateway/1.4.0", "HikariPool-1", "puma: cluster worker 0: 7 [app]"])
def test_a_client_called_like_a_driver_or_a_component_is_the_service_itself(service: Service, name: str) -> None:
    assert other_clients(service, Waits({}, {name: 20.0})) == {}


@pytest.mark.parametrize("name", [
    "ledger-export", "psql", "DBeaver 24.1 - Main", "pgAdmin 4 - DB:payments", "metabase"])
def test_any_other_name_is_another_client(service: Service, name: str) -> None:
    assert other_clients(service, Waits({}, {name: 20.0})) == {name: 20.0}


def test_users_tell_nobody_where_the_services_own_are_not_configured(place: Place) -> None:
    waits = Waits({}, {"payments": 2.0, "ledger_export": 20.0}, "user")
    assert other_clients(place.service, waits) == {"ledger_export": 20.0}
    assert other_clients(place.configured(place.service, users=()), waits) == {}


@pytest.mark.parametrize(("target", "signal"), [
    ({"State": "AVAILABLE"}, set()), ({"State": "UNAVAILABLE", "Reason": "AUTH_FAILURE"}, {"proxy_is_not_let_in"}),
    ({"State": "UNAVAILABLE", "Reason": "UNREACHABLE"}, {"proxy_does_not_get_through"}),
    ({"State": "UNAVAILABLE", "Reason": "CONNECTION_FAILED"}, {"proxy_does_not_get_through"}),
    ({"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY"}, set()), ({"State": "REGISTERING"}, set())])
def test_a_proxys_health_is_told_of_what_takes_writes(place: Place, monkeypatch: pytest.MonkeyPatch,
                                                      target: dict[str, str], signal: set[str]) -> None:
    place.configured(place.service, proxy="pay")
    reader = {"RdsResourceId": "payments-db-2", "Type": "RDS_INSTANCE", "Role": "READ_ONLY", "TargetHealth": {
        "State": "UNAVAILABLE", "Reason": "UNREACHABLE"}}
    client = place.clients["rds"]
    monkeypatch.setattr(client, "describe_db_proxies", lambda **given: {"DBProxies": [
        {**given, "Status": "available"}]}, raising=False)
    monkeypatch.setattr(client, "describe_db_proxy_targets", lambda **given: {"Targets": [
        {"Type": "TRACKED_CLUSTER", "RdsResourceId": "cluster"}, reader,
        {"RdsResourceId": "payments-db", "Type": "RDS_INSTANCE", "Role": "READ_WRITE", "TargetHealth": target}]},
        raising=False)
    assert {told for told in place.told() if told.startswith("proxy_")} == signal


def test_a_proxy_that_rds_does_not_know_is_said(place: Place) -> None:
    place.configured(place.service, proxy="pay")
    found = next(item for item in place.collect() if item.name == "database_proxy")
    assert (found.status, found.note) == ("unavailable", "RDS Proxy answered with DBProxyNotFoundFault")


# --- what is done ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", AURORA, indirect=True)
@pytest.mark.parametrize("fault", ["refuses_connections", "slow"])
def test_a_cluster_fails_over_once_to_its_reader(place: Place, fault: str) -> None:
    place.database.set_fault(fault, time.time())
    plan = planned(place.plan("slow_database"))
    assert plan.parameters.step == FailOver(CLUSTER, "payments-db", "payments-db-2", plan.parameters.step.planned)
    assert "over" in place.apply(plan) and place.database.fault == ""
    # The same step again: while it goes on, when it is over, and when RDS is late to say so.
    assert place.apply(plan).endswith(("it was done before", "it is under way"))
    place.database.step(time.time() + 60, {})
    assert place.apply(plan).endswith("it was done before")
    assert len(place.changes) == 1 and place.database.writer == "payments-db-2"
    assert "TargetDBInstanceIdentifier=payments-db-2" in place.changes[0]


@pytest.mark.parametrize("place", AURORA[:1], indirect=True)
def test_a_cluster_that_somebody_else_failed_over_is_left_alone(place: Place) -> None:
    plan = planned(place.plan("refuses_connections"))
    own = replace(plan, parameters=replace(plan.parameters, step=replace(plan.parameters.step, writer="payments-db-3")))
    with pytest.raises(ActionFailed, match="somebody else"):
        place.apply(own)
    assert place.changes == []


@pytest.mark.parametrize("place", AURORA[:1], indirect=True)
def test_a_reader_that_lags_or_is_unavailable_does_not_take_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    step = planned(place.plan("refuses_connections", Facts(lagging=("payments-db-2",)))).parameters.step
    assert step == Reboot("payments-db", False, step.planned)
    members = databases.members
    monkeypatch.setattr(databases, "members", lambda client, name: tuple(
        replace(one, status="rebooting" if one.name == "payments-db-2" else one.status)
        for one in members(client, name)))
    assert isinstance(planned(place.plan("refuses_connections")).parameters.step, Reboot)
    place.database.zone = "us-east-1b"
    assert "no reader" in refusal(place.plan("slow_database", Facts(lagging=("payments-db",))))


@pytest.mark.parametrize("place", AURORA, indirect=True)
def test_no_storage_is_raised_in_aurora(place: Place) -> None:
    assert "grows by itself" in refusal(place.plan("storage_full"))


@pytest.mark.parametrize("place", INSTANCE, indirect=True)
def test_an_instance_is_rebooted_to_its_standby_and_its_storage_is_raised(place: Place) -> None:
    step = planned(place.plan("refuses_connections")).parameters.step
    assert step == Reboot("payments-db", True, step.planned)
    assert planned(place.plan("storage_full")).parameters.step.gib == 125


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_parameters_are_watched_where_the_database_has_them(place: Place) -> None:
    place.configured(place.service, cluster_parameter_group="payments-cluster-parameters")
    groups, failed = parameter_groups.snapshot(place.service.database, 4)
    assert not failed
    body = {key: watched.body["parameters"] for key, watched in groups.items()}
    own = "DBParameterGroup/cluster-pg:payments-cluster-parameters"
    used, unused = (own, "DBParameterGroup/payments-pg16")[::1 if place.database.speech.aurora else -1]
    assert body[unused] == {} and set(place.database.parameters) < set(body[used])


@pytest.mark.parametrize(("mechanism", "said"), [
    ("refuses_connections", "fail over DB cluster payments-cluster from pay-1 to pay-3"),
    ("storage_full", "aws rds modify-db-cluster --db-cluster-identifier payments-cluster")])
def test_a_multi_az_db_cluster_of_rds_fails_over_to_the_tier_that_is_promoted_first(
        place: Place, monkeypatch: pytest.MonkeyPatch, mechanism: str, said: str) -> None:
    """AWS: "Multi-AZ DB cluster deployments for Amazon RDS": the engine is RDS's own, the storage is the cluster's."""
    described = [databases.Instance(f"pay-{number}", "postgres", "available", False, "us-east-1a", 400, f"db-{number}",
                                    CLUSTER) for number in (1, 2, 3)]
    monkeypatch.setattr(databases, "instance", lambda client, name: described[0])
    monkeypatch.setattr(databases, "members", lambda client, name: tuple(described))
    named = tuple(databases.Member(f"pay-{number}", number == 1, 2 if number == 2 else 1) for number in (1, 2, 3))
    monkeypatch.setattr(databases, "cluster", lambda client, name: databases.DbCluster(
        CLUSTER, "postgres", "available", named))
    place.configured(place.service, instance="pay-1")
    found = place.plan(mechanism)
    assert said in (refusal(found) or found.summary)
    assert "free_storage" in {item.name for item in place.collect()}


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_a_parameter_is_put_back_in_the_group_that_the_database_has(place: Place,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_parameter_group.time, "sleep", lambda seconds: place.database.step(
        time.time() + APPLY_SECONDS, {}))
    place.configured(place.service, cluster_parameter_group="payments-cluster-parameters")
    name = place.database.speech.read_only
    before, _ = parameter_groups.snapshot(place.service.database, 4)
    place.database.set_parameters(time.time(), {name: "1"})
    place.database.step(time.time() + APPLY_SECONDS, {})
    after, _ = parameter_groups.snapshot(place.service.database, 4)
    change, = difference(before, after, 90.0, 150.0)
    assert [in_effect(field) for field in change.fields] == [True]
    case = asked(place.service, "database_parameters", onset=160.0, seconds=12.0)
    plan = planned(restore_parameter_group.plan(case, restore_parameter_group.Facts((change,))))
    said = restore_parameter_group.apply(case, plan)
    assert name in said and "RDS says" not in said and name not in place.database.in_effect
    call = "ResetDBClusterParameterGroup" if place.database.speech.aurora else "ResetDBParameterGroup"
    assert len(place.changes) == 1 and f"Action={call}&" in place.changes[0]


@pytest.mark.parametrize(("name", "counts"), [
    ("long_query_time", False), ("slow_query_log", False), ("general_log", False), ("read_only", True),
    ("innodb_lock_wait_timeout", True), ("max_execution_time", True)])
def test_a_parameter_of_mysql_that_only_writes_logs_breaks_nothing(name: str, counts: bool) -> None:
    assert in_effect(FieldChange(("parameters", name), "1", "2")) is counts


# --- wordings --------------------------------------------------------------------------------------------------------


SAID = {"name": ErrorKind.DNS, "timed_out": ErrorKind.CONNECT_TIMEOUT, "refused": ErrorKind.REFUSED,
        "lost": ErrorKind.RESET, "credentials": ErrorKind.CREDENTIALS, "exhausted": ErrorKind.CONNECTIONS,
        "space": ErrorKind.SPACE, "locked": ErrorKind.LOCK, "read_only": ErrorKind.READ_ONLY,
        "statement": ErrorKind.LOCK}


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engines_errors_are_of_the_kind_that_they_name(engine: str) -> None:
    for what, kind in SAID.items():
        text = f"ERROR CardAuthorizer call to payments-db failed: {ENGINES[engine].says(what, 'payments-db', 'pay')}"
        assert kinds.kind_of(text) is kind, text


@given(st.lists(st.sampled_from(["started", "completed", "failed", "nothing"]), max_size=8))
def test_the_newest_event_that_tells_of_a_failover_counts(order: list[str]) -> None:
    messages = {"started": "Started cross AZ failover to DB instance: b", "failed": "Cluster failover failed.",
                "completed": "Completed failover to DB instance: b",
                "nothing": "Abandoning user requested failover since a failover recently occurred."}
    told = [stage(DatabaseEvent(float(at), messages[name])) for at, name in enumerate(order)]
    assert [said or "nothing" for said in told] == order
