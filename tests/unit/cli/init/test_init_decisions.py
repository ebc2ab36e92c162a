"""What is concluded from the facts: components, calls, database, load balancer; and why, where there are several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.init.decide.draft import draft
from cli.init.decide.standing import POLICY
from cli.init.document import todos, written
from cli.init.facts import (
    Alarm,
    Alarms,
    Application,
    Balancer,
    Balancers,
    Call,
    Cluster,
    DatabaseCluster,
    Databases,
    Facts,
    Front,
    Instance,
    LogField,
    LogSource,
    Metrics,
    MetricSet,
    NewRelic,
    Route,
    Secrets,
    Setting,
    Splunk,
    TargetGroup,
)
from cli.init.readers import Asked
from responder import actions
from stacks.configuration import read_file
from tests.conftest import ROOT
from tests.unit.cli.init.stubs import ASKED, called, cluster, facts, workload

HOST = "payments-db.abc.eu-west-1.rds.amazonaws.com"
DATABASES = Databases((Instance("payments-db", HOST, "postgres", parameter_group="pay16", performance_insights=True,
                                security_groups=("sg-0f1e2d3c4b5a69788",)),
                       Instance("orders-db", "orders-db.abc.eu-west-1.rds.amazonaws.com", "postgres")))
METRICS = Metrics((MetricSet("Shop", "Component", ("Errors", "Latency", "Requests"), ("frontend", "payment-gateway")),),
                  ("Shop",))
SHOP = cluster(
    workload("frontend", calls={"BACKEND_URL": "backend"}), workload("backend", calls={"GATEWAY": "payment-gateway"}),
    workload("payment-gateway", calls={"DB_HOST": HOST, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector.example"},
             users=["payments"]),
    workload("ledger-export"), services=["frontend", "backend", "payment-gateway"],
    settings=(Setting("gateway-config", "PROVIDER", "primary"), Setting("gateway-config", "CURRENCY", "EUR")))
TRACES = NewRelic(
    (Application("frontend", 9, 9, True), Application("backend", 9, 9), Application("payment-gateway", 9, 9),
     Application("orders", 9, 9)),
    {"service.version": 95, "server.address": 100}, {"Transaction": 100, "Span": 300, "Client": 100},
    calls=(called("frontend", "backend"), called("backend", "payment-gateway.payments.svc.cluster.local"),
           called("payment-gateway", HOST, 300), called("payment-gateway", "api.primary.example", 99),
           called("orders", "orders-db.abc.eu-west-1.rds.amazonaws.com")))


def made(*parts: object, asked: Asked = ASKED) -> tuple[dict[str, Any], str]:
    """The configuration as it parses, and all that its text says."""
    text = written(draft(asked, facts(*parts), (), "2026-11-26"))
    # Comments are wrapped: what they say is compared as one line.
    return yaml.safe_load(text), " ".join(text.replace("#", " ").split())


def test_the_call_graph_of_the_traces() -> None:
    value, text = made(SHOP, TRACES, DATABASES, METRICS)
    assert {one["name"]: one["calls"] for one in value["components"]} == {
        "frontend": ["backend"], "backend": ["payment-gateway"], "payment-gateway": ["payments-db", "primary"]}
    assert value["entry"] == "frontend"
    assert "ledger-export (no call leads from or to them)" in text
    assert value["providers"] == [{"name": "primary", "host": "api.primary.example"}]
    assert value["provider_switch"] == {"config_map": "gateway-config", "key": "PROVIDER"}


def test_without_traces_addresses_of_the_environment_are_a_weaker_hint_and_called_so() -> None:
    value, text = made(SHOP, DATABASES, METRICS)
    assert {one["name"]: one["calls"] for one in value["components"]} == {
        "frontend": ["backend"], "backend": ["payment-gateway"], "payment-gateway": ["payments-db"]}
    assert "a weaker hint" in text
    assert "ledger-export (no Service selects their pods)" in text
    # Where telemetry goes is nobody whom a request needs.
    assert "collector.example" not in text


def test_what_the_environment_alone_names_is_told_and_not_taken_where_calls_were_seen() -> None:
    backend = workload("payment-gateway", calls={"DB_HOST": HOST, "LEGACY_URL": "legacy.example"})
    value, text = made(cluster(workload("frontend"), backend), NewRelic(calls=(
        called("frontend", "payment-gateway"), called("payment-gateway", HOST))), DATABASES)
    assert value["components"][1]["calls"] == ["payments-db"]
    assert "names legacy.example, which no trace of the last day shows" in text


@pytest.mark.parametrize(("host", "services"), [
    (HOST, ()), ("payments-db", ()), ("db", (Front("db", kind="ExternalName", external_name=HOST),))])
def test_the_database_by_its_endpoint_identifier_or_alias(host: str, services: tuple[Front, ...]) -> None:
    api = workload("api", calls={"DB_HOST": host}, users=["pay"])
    value, _ = made(Cluster(workloads=(api,), services=(Front("api", {"app": "api"}), *services)), DATABASES)
    assert (value["database"]["instance"], value["database"]["host"]) == ("payments-db", host)
    assert value["database"]["users"] == ["pay"]
    assert value["components"][0]["calls"] == ["payments-db"]


def test_a_default_parameter_group_is_nobodys_to_restore() -> None:
    databases = Databases((Instance("d", HOST, parameter_group="default.postgres16"),))
    value, _ = made(cluster(workload("api", calls={"DB_HOST": HOST})), databases)
    assert value["database"]["parameter_group"] == ""
    assert "restore_parameter_group" not in value["policy"]


def test_of_three_databases_the_one_that_is_called_most_and_the_others_are_shown() -> None:
    names = ("first", "second", "third")
    hosts = {name: f"{name}.abc.eu-west-1.rds.amazonaws.com" for name in names}
    databases = Databases(tuple(Instance(name, hosts[name]) for name in names))
    value, text = made(cluster(workload("payment-gateway"), workload("b")), databases, NewRelic(calls=(
        called("b", "payment-gateway"), called("payment-gateway", hosts["first"], 5),
        called("payment-gateway", hosts["second"], 900), called("b", hosts["second"], 1),
        called("payment-gateway", hosts["third"], 50))))
    assert value["database"]["instance"] == "second"
    assert [one["host"] for one in value["dependencies"]] == [hosts["first"], hosts["third"]]
    assert "Not chosen: third, which payment-gateway calls as well (50 calls seen)" in text


def test_writer_and_reader_of_one_cluster_are_one_database() -> None:
    writer, reader = "pay.cluster-abc.eu-west-1.rds.amazonaws.com", "pay.cluster-ro-abc.eu-west-1.rds.amazonaws.com"
    databases = Databases((Instance("pay-1", "pay-1.abc.eu-west-1.rds.amazonaws.com", cluster="pay"),),
                          (DatabaseCluster("pay", (writer, reader), ("pay-1",), "pay16"),))
    value, _ = made(cluster(workload("api", calls={"DB_HOST": writer, "DB_READER_HOST": reader})), databases)
    assert (value["database"]["cluster"], value["database"]["instance"]) == ("pay", "pay-1")
    assert value["database"]["cluster_parameter_group"] == "pay16"
    assert value["components"][0]["calls"] == ["pay"]
    assert "dependencies" not in value


def test_a_database_outside_of_rds_is_a_dependency() -> None:
    value, _ = made(cluster(workload("api", calls={"DATABASE_URL": "pg.internal.example"})), DATABASES)
    assert "database" not in value
    assert value["dependencies"] == [{"name": "pg", "kind": "other", "host": "pg.internal.example"}]


def balancer(name: str, *, scheme: str = "internet-facing", cluster_name: str = "payments",
             stack: str = "payments/shop", resource: str = "payments/shop-frontend:80") -> Balancer:
    tags = {"elbv2.k8s.aws/cluster": cluster_name, "ingress.k8s.aws/stack": stack}
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
    return Balancer(f"{arn}loadbalancer/app/{name}/1", "application", scheme, f"{name}.example", tags, (
        TargetGroup(f"{arn}targetgroup/{name}/2", {**tags, "ingress.k8s.aws/resource": resource}),))


def test_of_several_load_balancers_the_one_whose_target_group_is_the_entrys() -> None:
    found = Balancers((balancer("staging", cluster_name="staging"), balancer("admin", scheme="internal",
                                                                            resource="payments/shop-admin:80"),
                       balancer("shop"), balancer("orders", stack="orders/orders", resource="orders/orders-o:80")))
    value, text = made(SHOP, TRACES, found, METRICS)
    assert value["metrics"]["load_balancer"] == "app/shop/1"
    assert value["metrics"]["target_group"] == "targetgroup/shop/2"
    assert "Not chosen: app/admin/1 (internal; a guess: its tag says that it is of payments/shop)" in text
    assert "app/staging" not in text
    assert "seen: the target group of ingress/shop leads to its Service" in text


def test_a_target_group_binding_is_the_best_reason() -> None:
    bound = balancer("bound", cluster_name="another", stack="", resource="")
    space = cluster(workload("api"), routes=(Route("api", "targetgroupbinding/k8s-api",
                                                   bound.target_groups[0].arn),))
    value, _ = made(space, Balancers((bound,)), Metrics())
    assert value["metrics"] == {"load_balancer": "app/bound/1", "target_group": "targetgroup/bound/2"}
    assert value["entry"] == "api"


def test_alarms_are_of_the_service_by_their_dimensions_and_never_by_their_names() -> None:
    def alarm(name: str, metric: str, *dimensions: tuple[str, str], namespace: str = "AWS/ApplicationELB") -> Alarm:
        return Alarm(name, namespace, metric, dimensions)

    many = tuple(alarm(f"payment-gateway-{number}", "Errors", ("Function", str(number))) for number in range(5000))
    found = Alarms((
        *many, alarm("front 5xx", "HTTPCode_Target_5XX_Count", ("LoadBalancer", "app/shop/1")),
        alarm("errors", "Errors", ("Component", "payment-gateway"), namespace="Shop"),
        alarm("traffic", "Requests", ("Component", "payment-gateway"), namespace="Shop"),
        alarm("cpu", "CPUUtilization", ("DBInstanceIdentifier", "payments-db"), namespace="AWS/RDS"),
        alarm("TargetTracking-x", "Errors", ("Component", "payment-gateway"), namespace="Shop"),
        alarm("incident-response-payment-gateway-error-rate", "Errors", ("Component", "payment-gateway"),
              namespace="Shop")))
    value, text = made(SHOP, TRACES, DATABASES, METRICS, Balancers((balancer("shop"),)), found)
    assert value["alarms"]["own"] == [{"name": "front 5xx"}, {"name": "errors"}]
    assert "no symptom: traffic, cpu" in text
    assert "payment-gateway-17" not in text


def test_metrics_that_name_the_components_and_their_resolution() -> None:
    value, text = made(SHOP, TRACES, METRICS)
    assert {key: value["metrics"][key] for key in ("namespace", "dimension", "requests", "errors", "latency",
                                                   "period_seconds")} == {
        "namespace": "Shop", "dimension": "Component", "requests": "Requests", "errors": "Errors",
        "latency": "Latency", "period_seconds": 10}
    assert "No metric names backend" in text


def test_fields_of_logs_by_their_values_whatever_they_are_called() -> None:
    splunk = Splunk((LogSource("pay", "app", 900), LogSource("audit", "k8s", 3)), 100, (
        LogField("svc", 90, ("payment-gateway", "frontend")), LogField("severity", 100, ("info", "critical")),
        LogField("pod_name", 100), LogField("status_code", 70)))
    asked = Asked("payment-gateway", "payments", "payments", splunk_url="https://splunk.example:8089")
    value, text = made(SHOP, TRACES, splunk, Secrets(("incident-response/splunk",)), asked=asked)
    assert value["splunk"] == {
        "url": "https://splunk.example:8089", "secret": "incident-response/splunk",
        "search": "index=pay sourcetype=app", "component_field": "svc", "level_field": "severity",
        "pod_field": "pod_name", "status_field": "status_code", "error_levels": ["CRITICAL", "ERROR", "FATAL"]}
    assert "others: index=audit sourcetype=k8s (3)" in text
    assert "No field was found for: version_field, duration_field, client_field" in text


def test_new_relic_may_have_another_name_for_a_component() -> None:
    named = NewRelic((Application("Payment Gateway (prod)", 5, 5, True),))
    asked = Asked("payment-gateway", "payments", "payments", newrelic_account=1)
    _, text = made(SHOP, named, METRICS, asked=asked)
    assert "New Relic calls payment-gateway 'Payment Gateway (prod)'" in text


def test_every_action_has_a_policy_and_it_is_the_shipped_one() -> None:
    shipped = yaml.safe_load((ROOT / "config" / "payment-gateway.yaml").read_text(encoding="utf-8"))["policy"]
    assert {action: how for action, (how, _) in POLICY.items()} == shipped
    assert set(POLICY) == {action.name for action in actions.every()}


def test_two_workloads_of_one_name_are_told_apart_by_their_kind() -> None:
    value, _ = made(cluster(workload("api"), workload("api", kind="statefulset"), services=["api"]))
    assert [one.get("workload") for one in value["components"]] == ["deployment/api"]


def filled(value: dict[str, Any]) -> dict[str, Any]:
    """What a person fills in, by the file's TODO lines."""
    return {**value, "team": [{"name": "On call", "role": "sre"}], "notify_emails": ["sre@example.com"]}


@pytest.mark.parametrize("parts", [
    (SHOP, TRACES, DATABASES, METRICS), (SHOP, DATABASES, METRICS), (SHOP, METRICS),
    (cluster(workload("frontend", calls={
        "A_URL": "x.y.example", "B_HOST": "x.z.example", "CACHE_HOST": "c.abc.ng.0001.euw1.cache.amazonaws.com",
        "Q_URL": "sqs.eu-west-1.amazonaws.com", "S3_ENDPOINT": "s3.eu-west-1.amazonaws.com"})), METRICS)],
    ids=["traces", "environment", "no-database", "much-outside"])
def test_what_is_written_is_a_valid_configuration_once_its_todos_are_filled(
        parts: tuple[object, ...], tmp_path: Path) -> None:
    asked = Asked("payment-gateway", "payments", "payments", newrelic_account=1234567,
                  splunk_url="https://splunk.example:8089", splunk_search="index=pay")
    value, _ = made(*parts, asked=asked)
    file = tmp_path / "payment-gateway.yaml"
    file.write_text(yaml.safe_dump(filled(value)), encoding="utf-8")
    service = read_file(file)
    assert service.mode == "observe"
    assert service.entry == "frontend"


def test_nothing_known_is_all_todo_and_still_yaml() -> None:
    parts = draft(ASKED, Facts(), (), "2026-11-26")
    assert yaml.safe_load(written(parts))["service"] == "payment-gateway"
    assert {"components", "entry", "metrics.namespace", "team"} <= {one.field for one in todos(parts)}


def test_of_a_namespace_with_hundreds_of_workloads_those_on_the_services_way_are_taken() -> None:
    names = [f"svc-{number}" for number in range(600)]
    calls = [Call(names[place], names[place + 1], 1, "traces") for place in range(0, 600, 2)]
    calls += [called("svc-1", "payment-gateway"), called("payment-gateway", "svc-8")]
    value, _ = made(cluster(*(workload(name) for name in names), workload("payment-gateway")),
                    NewRelic(calls=tuple(calls)))
    assert [one["name"] for one in value["components"]] == ["svc-0", "svc-1", "payment-gateway", "svc-8", "svc-9"]
