"""Each source's answer as its types say it: what it gives can be written to the record and read again as it was.

AWS' answers go through the real clients, which check them against AWS' own models.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from responder.clients import aws
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import SHOWN_ONLY, Detail, Evidence, Finding, Window, finding_of, kind_of, kinds
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.cluster import ClusterHealth
from responder.model.evidence.connections import Connections
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.cpu_over_limit import CpuOverLimit
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.instances import Instances
from responder.model.evidence.limits import Autoscaler, Budget, Limits, UsedUp
from responder.model.evidence.memory import Memory
from responder.model.evidence.node_cpu import NodeCpu
from responder.model.evidence.nodegroups import HealthIssue, Nodegroup, Nodegroups
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import OfTemplate, Pods
from responder.model.evidence.rollouts import Revision, Rollouts
from responder.model.evidence.service_events import ServiceEvent, ServiceEvents
from responder.model.evidence.status_page import PageIncident, StatusPage
from responder.model.evidence.trail import Trail, TrailEvent
from responder.model.evidence.waits import Waits
from responder.model.evidence.wear import Wear
from responder.model.service import Provider, Service
from responder.records.table import Records
from responder.sources import Query, aws_health, cloudtrail, eks, kubernetes, provider, rds, rollouts, utilisation
from tests.conftest import ROOT

NOW = 1_800_000_000.0
MOMENT = datetime.fromtimestamp(NOW, UTC)
D = TypeVar("D", bound=Detail)
Answers = dict[str, list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def query(service: Service) -> Query:
    return Query(service, "diagnose", Window(NOW - 120, NOW), Window(NOW - 3720, NOW - 120), time.monotonic() + 10)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], None]:
    """Lets AWS answer: service to [(operation, answer)], in their order."""
    def answer(answers: Answers) -> None:
        clients = {}
        for service, given in answers.items():
            client = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
            stubber = Stubber(client)
            for operation, response in given:
                stubber.add_response(operation, response)
            stubber.activate()
            clients[service] = client
        monkeypatch.setattr(aws, "client", lambda service, *_, **__: clients[service])

    return answer


def one(findings: Sequence[Finding[Detail]], kind: type[D], component: str | None = None) -> Finding[D]:
    """The only answer of a kind; all are as they are when they come back from the record."""
    for finding in findings:
        assert finding_of(json.loads(json.dumps(finding.to_json()))) == finding
    found, = Evidence(findings).asked(kind, component)
    return found


def cluster(lists: dict[str, list[dict[str, Any]]]) -> Kubernetes:
    """An API server with these lists, by the end of their path; it has no other."""
    def serve(request: httpx.Request) -> httpx.Response:
        for end, items in lists.items():
            if request.url.path.endswith(end):
                return httpx.Response(200, json={"items": items, "metadata": {}})
        return httpx.Response(404, json={"reason": "NotFound"})

    return Kubernetes(Http(time.monotonic() + 10, transport=httpx.MockTransport(serve)), "https://k8s")


def metric(key: str, value: float, at: float = NOW - 5) -> dict[str, Any]:
    return {"Id": key, "StatusCode": "Complete", "Values": [value], "Timestamps": [datetime.fromtimestamp(at, UTC)]}


# --- AWS -------------------------------------------------------------------------------------------------------------


def test_rds_reports_the_instance_its_events_metrics_and_waits(query: Query,
                                                               answering: Callable[[Answers], None]) -> None:
    assert query.service.database is not None
    answering({
        "rds": [("describe_db_instances", {"DBInstances": [{
            "Engine": "postgres", "DBInstanceStatus": "available", "MultiAZ": True, "AvailabilityZone": "us-east-1a",
            "AllocatedStorage": 100, "DBInstanceClass": "db.r6g.large", "DbiResourceId": "db-A",
            "PendingModifiedValues": {"MultiAZ": False},
            "DBParameterGroups": [{"DBParameterGroupName": "g", "ParameterApplyStatus": "in-sync"}]}]}),
            ("describe_events", {"Events": [
                {"Date": MOMENT, "Message": "failover", "EventCategories": ["failover"]}]})],
        "cloudwatch": [("get_metric_data", {"MetricDataResults": [
            metric("connections", 40.0, NOW - 600), metric("connections", 44.0, NOW - 120),
            metric("cpu", 70.0, NOW - 900)]})],
        "pi": [("get_resource_metrics", {"MetricList": [{"Key": {"Metric": "db.User.numbackends.avg"}, "DataPoints": [
            {"Timestamp": MOMENT, "Value": 90.0}]}]}),
            *(("describe_dimension_keys", {"Keys": [{"Dimensions": {group: name}, "Total": 1.5}]})
              for group, name in (("db.wait_event.name", "Lock:tuple"), ("db.application.name", "gateway")))]})
    service = replace(query.service, database=replace(query.service.database, performance_insights=True))
    found = rds.collect(replace(query, service=service))
    assert one(found, DatabaseInstance).detail == DatabaseInstance(
        status="available", multi_az=True, zone="us-east-1a", allocated_gib=100, instance_class="db.r6g.large",
        resource="db-A", pending=("MultiAZ",), parameters={"g": "in-sync"}, engine="postgres")
    assert one(found, DatabaseEvents).detail.events == (DatabaseEvent(NOW, "failover", ("failover",)),)
    connections = one(found, Connections)
    assert (connections.value, connections.baseline, connections.status) == (90.0, 40.0, "ok")
    assert connections.detail == Connections(query.service.database.maximum_connections, NOW)
    assert one(found, Cpu).status == "stale"
    assert one(found, Waits).detail == Waits(waits={"Lock:tuple": 1.5}, clients={"gateway": 1.5})
    assert {f.name for f in found if f.status == "empty"} == {
        "free_storage", "free_memory", "read_latency", "write_latency", "replica_lag"}


def test_cloudtrail_reports_changes_and_no_reads(query: Query, answering: Callable[[Answers], None],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudtrail.lookups, "APART_SECONDS", 0.0)
    own = query.service.aws.security_groups[0]
    written = {"EventId": "1", "EventName": "AuthorizeSecurityGroupIngress", "EventSource": "ec2.amazonaws.com",
               "EventTime": MOMENT, "Username": "ada", "Resources": [{"ResourceName": own}], "ReadOnly": "false",
               "CloudTrailEvent": json.dumps({"requestParameters": {"groupId": own, "items": [1, None]}})}
    answering({"cloudtrail": [("lookup_events", {"Events": [
        written, written | {"EventId": "2", "EventName": "DescribeInstances"}]})]})
    found = one(cloudtrail.collect(query), Trail)
    assert found.detail.events == (TrailEvent(
        NOW, "AuthorizeSecurityGroupIngress", "ec2.amazonaws.com", "network", "ada", (own,),
        {"groupId": own, "items": [1, None]}),)
    assert found.value == 1.0 and found.detail.complete_until == NOW - 300


def test_aws_health_joins_the_kept_events_with_those_of_the_api(
        query: Query, answering: Callable[[Answers], None], monkeypatch: pytest.MonkeyPatch) -> None:
    service = replace(query.service, aws=replace(query.service.aws, health_api=True, services=("RDS",)))
    monkeypatch.setenv("TABLE", "timeline")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    event: dict[str, Any] = {"region": "us-east-1", "time": "2027-01-15T07:50:00Z", "detail": {
        "eventArn": "arn:1", "service": "RDS", "eventTypeCode": "AWS_RDS_ISSUE", "statusCode": "open",
        "startTime": "Fri, 15 Jan 2027 07:50:00 GMT", "affectedEntities": [{"entityValue": "payments-db"}]}}
    other = event | {"detail": event["detail"] | {"eventArn": "arn:2", "service": "EC2"}}
    theirs = event | {"detail": event["detail"] | {"eventArn": "arn:4", "affectedEntities": [
        {"entityValue": "arn:aws:rds:us-east-1:0:db:orders-db"}]}}
    kept = [aws_health.kept_event(event) | {"expires": 1}, *map(aws_health.kept_event, (other, theirs))]
    monkeypatch.setattr(Records, "partition", lambda *_: kept)
    answering({"health": [("describe_events", {"events": [{
        "arn": "arn:3", "service": "RDS", "eventTypeCode": "AWS_RDS_X", "statusCode": "closed", "region": "us-east-1",
        "startTime": MOMENT}]}), ("describe_affected_entities", {"entities": []})], "dynamodb": []})
    found = one(aws_health.collect(replace(query, service=service)), ServiceEvents)
    assert found.detail == ServiceEvents(elsewhere=2, events=(
        ServiceEvent("arn:1", "RDS", "AWS_RDS_ISSUE", "open", "us-east-1", 1_799_999_400.0, 1_799_999_400.0,
                     ("payments-db",), "service"),
        ServiceEvent("arn:3", "RDS", "AWS_RDS_X", "closed", "us-east-1", NOW, NOW, (), "unknown")))
    assert found.value == 1.0


def test_eks_reports_the_control_plane_and_its_nodes(query: Query, answering: Callable[[Answers], None]) -> None:
    service = replace(query.service, aws=replace(query.service.aws, nodegroups=True))
    issues = {"issues": [{"code": "Ec2SubnetNotFound", "message": "no subnet"}]}
    answering({
        "eks": [("describe_cluster", {"cluster": {"status": "ACTIVE", "health": issues}}),
                ("list_nodegroups", {"nodegroups": ["workers"]}),
                ("describe_nodegroup", {"nodegroup": {"status": "DEGRADED", "health": {}}})],
        "ec2": [("describe_instances", {"Reservations": [{"Instances": [
            {"InstanceId": name, "State": {"Name": "running"}} for name in ("i-1", "i-2")]}]}),
            ("describe_instance_status", {"InstanceStatuses": [
                {"InstanceId": "i-1", "SystemStatus": {"Status": "impaired"}}]})]})
    found = eks.collect(replace(query, service=service))
    assert one(found, ClusterHealth).detail == ClusterHealth("ACTIVE", (HealthIssue("Ec2SubnetNotFound", "no subnet"),))
    assert one(found, Nodegroups).detail.groups == {"workers": Nodegroup("DEGRADED")}
    assert one(found, Instances).detail == Instances(("i-1",), 2)


# --- Kubernetes ------------------------------------------------------------------------------------------------------

LABELS = {"app": "payment-gateway", "pod-template-hash": "abc"}
DEPLOYMENT = {
    "metadata": {"name": "payment-gateway", "namespace": "payments", "annotations": {
        "deployment.kubernetes.io/revision": "2"}},
    "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "payment-gateway"}}, "spec": {"containers": [
        {"name": "app", "ports": [{"containerPort": 8080, "name": "http"}],
         "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}]}}},
    "status": {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}}
OWNED = [{"kind": "Deployment", "name": "payment-gateway", "controller": True}]


def pod(name: str, node: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": LABELS, "ownerReferences": [
                {"kind": "ReplicaSet", "name": "rs", "controller": True}]},
            "spec": {"nodeName": node, "dnsPolicy": "ClusterFirst"},
            "status": {"conditions": [{"type": "Ready", "status": ready}], "containerStatuses": [
                {"restartCount": 1, "state": {"running": {}},
                 "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}}


def replica_set(name: str, revision: int, image: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "ownerReferences": OWNED, "creationTimestamp": "2027-01-15T08:00:00Z",
                         "annotations": {"deployment.kubernetes.io/revision": str(revision)}},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}}}


def test_kubernetes_reports_pods_services_nodes_and_limits(query: Query) -> None:
    found = kubernetes.collect(query, cluster({
        "/deployments": [DEPLOYMENT], "/replicasets": [replica_set("rs", 2, "a:2")],
        "/pods": [pod("p1", "node-a", "True"), pod("p2", "node-b", "True")],
        "/events": [{"metadata": {}, "reason": "BackOff", "count": 3, "lastTimestamp": "2027-01-15T08:00:00Z",
                     "involvedObject": {"kind": "Pod", "name": "p1"}}],
        "/networkpolicies": [{"metadata": {"name": "deny"}, "spec": {"podSelector": {"matchExpressions": [
            {"key": "app", "operator": "In", "values": ["payment-gateway"]}]}}}],
        "/services": [{"metadata": {"name": "payment-gateway"}, "spec": {
            "selector": {"app": "payment-gateway"}, "ports": [{"port": 80, "targetPort": "web"}]}}],
        "/endpoints": [{"metadata": {"name": "payment-gateway"}, "subsets": [{"addresses": [{}]}]}],
        "/nodes": [{"metadata": {"name": "node-a"}, "spec": {"unschedulable": True}, "status": {"conditions": [
            {"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]}}],
        "/horizontalpodautoscalers": [{"metadata": {"name": "h"}, "spec": {
            "scaleTargetRef": {"name": "payment-gateway"}, "maxReplicas": 2}, "status": {"currentReplicas": 2}}],
        "/resourcequotas": [{"metadata": {"name": "q"}, "status": {"hard": {"pods": "10"}, "used": {"pods": "10"}}}],
        "/poddisruptionbudgets": [{"metadata": {"name": "b"}, "status": {"disruptionsAllowed": 1}}]}))
    pods = one(found, Pods, "payment-gateway")
    assert pods.value == 0.5 and pods.detail == Pods(
        wanted=2, ready=1, restarts=2, terminated={"OOMKilled": 2}, unready_on={"node-b": 1}, gone_nodes=("node-b",),
        templates={"abc": OfTemplate(1, 2)}, dns_policy="ClusterFirst", policies=("deny",), failing=("p2",),
        conditions={"Progressing": "ProgressDeadlineExceeded"}, events={"BackOff": 3},
        workload="deployment/payment-gateway", container="app", placed={"p1": "node-a", "p2": "node-b"},
        restarts_on={"node-a": 1, "node-b": 1})
    assert one(found, Endpoints, "payment-gateway").detail == Endpoints(
        exists=True, ready=1, selects=2, ports=((80, "web"),), service="payment-gateway")
    assert one(found, Nodes).detail == Nodes(
        names=("node-a",), unschedulable=("node-a",), pressure={"DiskPressure": ("node-a",)})
    limits = one(found, Limits)
    assert limits.value == 2.0 and limits.detail == Limits(
        (Autoscaler("h", "payment-gateway", 2, 2),), (UsedUp("q", "pods", "10", "10"),), (Budget("b", 1),))


def test_a_refused_list_is_reported_as_unknown(query: Query) -> None:
    found = kubernetes.collect(query, cluster({
        "/deployments": [DEPLOYMENT], "/replicasets": [], "/pods": [], "/events": []}))
    assert one(found, Pods, "payment-gateway").detail.policies is None
    assert one(found, Nodes).status == "unauthorized"


def test_rollouts_are_a_deployments_revisions_newest_first(query: Query) -> None:
    found = rollouts.collect(query, cluster({
        "/deployments": [DEPLOYMENT], "/replicasets": [replica_set("rs1", 1, "a:1"), replica_set("rs2", 2, "a:2")]}))
    created = datetime(2027, 1, 15, 8, tzinfo=UTC).timestamp()
    assert one(found, Rollouts, "payment-gateway").detail == Rollouts((
        Revision(2, "rs2", True, created, ("a:2",)), Revision(1, "rs1", False, created, ("a:1",))))
    assert one(found, Rollouts, "backend").status == "empty"


def test_utilisation_is_a_share_of_the_limits(query: Query, answering: Callable[[Answers], None]) -> None:
    names = [component.name for component in query.service.components]
    place = names.index("payment-gateway")
    answering({"cloudwatch": [("get_metric_data", {"MetricDataResults": [metric(f"c{place}", 98.76)]}),
                              ("get_metric_data", {"MetricDataResults": [metric(f"m{place}", 81.25)]})]})
    found = utilisation.collect(query, cluster({
        "metrics.k8s.io/v1beta1/namespaces/payments/pods": [
            {"metadata": {"name": f"payment-gateway-abc-{n}"},
             "containers": [{"usage": {"cpu": "500m", "memory": "512Mi"}}]} for n in range(2)],
        "metrics.k8s.io/v1beta1/nodes": [{"metadata": {"name": "node-a"}, "usage": {"cpu": "1"}}],
        "/deployments": [DEPLOYMENT], "/nodes": [{"metadata": {"name": "node-a"}, "status": {"allocatable": {
            "cpu": "4"}}}]}))
    cpu = one(found, Cpu, "payment-gateway")
    assert (cpu.value, cpu.detail) == (0.5, Cpu(pods=2, used=1.0, limit=2.0, requested=1.0))
    memory = one(found, Memory, "payment-gateway")
    assert (memory.value, memory.detail) == (0.5, Memory(
        2, 2.0 ** 30, 2.0 ** 31, 0.0, by_pod={"payment-gateway-abc-0": 0.5, "payment-gateway-abc-1": 0.5}))
    memory_went, = one(found, Wear, "payment-gateway").detail.resources.values()
    assert (memory_went.limit, [sample.value for sample in memory_went.samples]) == (100.0, [81.25])
    assert (one(found, NodeCpu).value, one(found, NodeCpu).detail) == (0.25, NodeCpu("node-a", 1))
    assert one(found, CpuOverLimit).value == 98.8


def test_a_cluster_without_metrics_says_so(query: Query, answering: Callable[[Answers], None]) -> None:
    answering({"cloudwatch": [("get_metric_data", {"MetricDataResults": []})] * 2})
    found = utilisation.collect(query, cluster({"/deployments": [DEPLOYMENT]}))
    assert [(f.name, f.status) for f in found] == [("cpu", "empty")] and "metrics-server" in found[0].note


# --- providers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("summary", "status", "detail"), [
    ({"page": {"updated_at": "2027-01-15"}, "status": {"indicator": "major"},
      "components": [{"name": "Cards", "status": "partial_outage"}, {"name": "Web", "status": "operational"}],
      "incidents": [{"name": "Declines", "status": "investigating", "impact": "major"}]}, "ok",
     StatusPage("major", {"Cards": "partial_outage"}, (PageIncident("Declines", "investigating", "major"),),
                "2027-01-15")),
    ({"page": {"updated_at": ""}, "status": {"indicator": "purple"}}, "malformed", StatusPage()),
    (["?"], "malformed", StatusPage())])
def test_a_status_page_is_read_as_statuspage_writes_it(query: Query, summary: Any, status: str,
                                                       detail: StatusPage) -> None:
    asked = replace(query.service, providers=(Provider("a", status_page="https://a.example/", health_url=""),))
    http = Http(time.monotonic() + 10, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=summary)))
    found = one(provider.collect(replace(query, service=asked), http), StatusPage, "provider:a")
    assert (found.status, found.detail) == (status, detail)


# --- all kinds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", kinds())
def test_an_answer_without_an_observation_has_no_detail_in_the_record(name: str) -> None:
    finding = Finding(source="s", detail=kind_of(name)(), status="timeout", window=Window(0.0, 1.0), note="late")
    assert finding.to_json() == {"source": "s", "name": name, "status": "timeout", "note": "late",
                                 "window": {"start": 0.0, "end": 1.0}}
    assert finding_of(finding.to_json()) == finding


def test_a_count_of_zero_is_an_observation_and_is_in_the_record() -> None:
    finding = Finding(source="splunk", detail=AuthFailures())
    assert finding.to_json()["detail"] == {"lines": 0.0, "baseline_lines": 0.0}


def test_each_display_only_name_is_a_kind_of_finding() -> None:
    assert SHOWN_ONLY.keys() <= set(kinds()) and all(SHOWN_ONLY.values())


def test_each_kind_of_finding_is_read_by_a_decision_or_shown_only_with_the_reason() -> None:
    """``metrics`` is never observed: it says why there are none."""
    read = {module.rpartition(".")[2] for file in (ROOT / "lambdas" / "responder" / "plan").rglob("*.py")
            for module in re.findall(r"^from (responder\.model\.evidence\.\w+) import", file.read_text(), re.MULTILINE)}
    assert set(kinds()) - read == {*SHOWN_ONLY, "metrics"}


@pytest.mark.parametrize(("ready", "expected"), [
    ({"a": [True], "b": [False, False]}, ("b",)), ({"a": [True], "b": [False, True]}, ()),
    ({"a": [False], "b": [False]}, ()), ({"": [False], "b": [True]}, ())])
def test_a_zone_is_down_where_none_of_its_nodes_is_ready_and_others_are(
        query: Query, ready: dict[str, list[bool]], expected: tuple[str, ...]) -> None:
    nodes = [{"metadata": {"name": f"{zone}-{number}", "labels": {"topology.kubernetes.io/zone": zone} if zone else {}},
              "status": {"conditions": [{"type": "Ready", "status": str(well)}]}}
             for zone, states in ready.items() for number, well in enumerate(states)]
    found = kubernetes.collect(query, cluster({
        "/deployments": [DEPLOYMENT], "/replicasets": [], "/pods": [], "/events": [], "/nodes": nodes}))
    assert one(found, Nodes).detail.zones_down == expected
