"""What keeps requests from pods: selectors, ports, names, policies and routes."""

from __future__ import annotations

from typing import Any

import pytest

from responder.state.state import Connection, Lines
from tests.live_objects import container, deployment, env, found, listed, names, node, pod, problems, service

ALL = listed("Service", "Deployment")
SHOP: list[dict[str, Any]] = [
    deployment("web", container(env=env(CART_SERVICE_ADDR="cart:7070", PAY_SERVICE_ADDR="pay:50051"))),
    deployment("desk", container(env=env(CART_SERVICE_ADDR="cart:7070", DB_HOST="store-db", DB_PORT="3306"))),
    deployment("cart", container(port=7070)), deployment("pay", container(port=50051)),
    deployment("store-db", container("mysql", 3306, image="mysql:8.0")),
    service("web"), service("cart", 7070), service("pay", 50051), service("store-db", 3306), node()]
PODS = [pod("web"), pod("desk"), pod("cart", container(port=7070)), pod("pay", container(port=50051)),
        pod("store-db", container("mysql", 3306, image="mysql:8.0"))]


def changed(kind: str, name: str, item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the shop with one object in another's place."""
    return [item if (one["kind"], one["metadata"]["name"]) == (kind, name) else one for one in SHOP]


def without(kind: str, name: str) -> list[dict[str, Any]]:
    return [one for one in SHOP if (one["kind"], one["metadata"]["name"]) != (kind, name)]


def caller(**values: str) -> list[dict[str, Any]]:
    given = {"CART_SERVICE_ADDR": "cart:7070", "PAY_SERVICE_ADDR": "pay:50051", **values}
    return changed("Deployment", "web", deployment("web", container(env=env(**given))))


def test_a_shop_that_is_well_has_no_problems() -> None:
    assert names(*SHOP, *PODS, base=ALL) == set()


@pytest.mark.parametrize("address", ["cart:7071", "kart:7070", "cart.shop.svc.cluster.local:7071", "pay:50051"])
def test_an_address_that_one_caller_has_wrong_is_the_callers_fault(address: str) -> None:
    items = caller(CART_SERVICE_ADDR=address)
    assert found("service_env_var_address_mismatch", *items, *PODS, base=ALL) == [("deployment/web", "stops", "seen")]
    assert names(*items, *PODS, base=ALL) == {"service_env_var_address_mismatch"}


def test_several_names_that_lead_to_one_service_in_front_are_meant() -> None:
    items = [*caller(CART_SERVICE_ADDR="edge:80", PAY_SERVICE_ADDR="edge:80"), deployment("edge", container(port=80)),
             service("edge", 80)]
    assert "service_env_var_address_mismatch" not in names(*items, base=ALL)


def test_a_gateway_or_a_store_of_its_own_may_stand_for_a_service() -> None:
    edge = [*caller(CART_SERVICE_ADDR="api-gateway:80"), deployment("api-gateway", container(port=80)),
            service("api-gateway", 80)]
    assert names(*edge, base=ALL) == set()
    store = [*caller(CART_SERVICE_ADDR="redis-cart:6379"), deployment("redis-cart", container(port=6379)),
             service("redis-cart", 6379)]
    assert names(*store, base=ALL) == set()


def test_names_outside_the_cluster_and_unlisted_services_are_not_judged() -> None:
    assert names(*caller(API_URL="https://api.example.com/v1", LOG_LEVEL="info", QUEUE="jobs"), base=ALL) == set()
    assert "missing_service" not in names(*caller(CART_SERVICE_ADDR="kart:7070"), base=listed())


def test_a_port_that_all_callers_agree_on_is_the_services_fault() -> None:
    items = changed("Service", "cart", service("cart", 7071, 7070))
    assert found("service_port_mapping_mismatch", *items, base=ALL) == [("service/cart", "stops", "seen")]
    assert names(*items, base=ALL) == {"service_port_mapping_mismatch"}
    # One caller alone, and the pods listen where it calls.
    items = changed("Service", "pay", service("pay", 50052, 50051))
    assert found("service_port_mapping_mismatch", *items, base=ALL) == [("service/pay", "stops", "seen")]


PROBED = container(port=7070, readinessProbe={"tcpSocket": {"port": 7070}})


@pytest.mark.parametrize("target", [7071, "http"])
def test_a_target_port_on_which_no_pod_listens_is_told(target: int | str) -> None:
    items = changed("Service", "cart", service("cart", 7070, target))
    probed = [item if item["metadata"]["name"] != "cart" or item["kind"] == "Service" else deployment("cart", PROBED)
              for item in items]
    assert found("service_port_mapping_mismatch", *probed, *PODS, base=ALL) == [("service/cart", "stops", "seen")]
    # What is declared alone binds nobody, unless the Service is not reached.
    sure = "stops" if target == "http" else "risks"
    assert found("service_port_mapping_mismatch", *items, *PODS, base=ALL)[0][1] == sure
    shut = ALL._replace(connections=(Connection("cart", 7070, False, "connection refused"),))
    assert found("service_port_mapping_mismatch", *items, *PODS, base=shut) == [("service/cart", "stops", "said")]


def test_a_port_that_is_declared_by_none_and_reached_is_well() -> None:
    items = changed("Service", "cart", service("cart", 7070, 7071))
    base = ALL._replace(connections=(Connection("cart", 7070, True, "open"),))
    assert names(*items, *PODS, base=base) == set()


def test_a_service_that_takes_no_connections_while_its_pods_are_ready_is_told_below_its_cause() -> None:
    shut = ALL._replace(connections=(Connection("cart", 7070, False, "connection refused"),))
    assert found("service_not_reached", *SHOP, *PODS, base=shut) == [("service/cart", "stops", "said")]
    assert found("service_not_reached", *SHOP, pod("cart", ready=False), base=shut) == []
    mapped = problems(*changed("Service", "cart", service("cart", 7070, 7071)), *PODS, base=shut)
    assert {one.check: "service_port_mapping_mismatch" in one.follows for one in mapped} == {
        "service_not_reached": True, "service_port_mapping_mismatch": False}


def test_a_database_at_a_wrong_port_has_a_check_of_its_own() -> None:
    items = changed("Deployment", "desk", deployment("desk", container(env=env(DB_HOST="store-db", DB_PORT="3307"))))
    assert names(*items, base=ALL) == {"database_port_wrong"}
    assert found("database_port_wrong", *items, base=ALL) == [("deployment/desk", "stops", "seen")]
    address = changed("Deployment", "desk", deployment("desk", container(env=env(DB_ADDR="store-db:3307"))))
    assert names(*address, base=ALL) == {"service_env_var_address_mismatch"}


def test_a_selector_that_misses_its_app_is_told() -> None:
    items = changed("Service", "cart", service("cart", 7070, app="basket"))
    assert found("service_selector_mismatch", *items, *PODS, base=ALL) == [("service/cart", "stops", "seen")]
    items = changed("Service", "cart", service("cart", 7070, app="pay"))
    assert "service_selector_mismatch" in names(*items, *PODS, base=ALL)


def test_a_second_service_of_an_app_may_have_another_name() -> None:
    extra = service("cart-metrics", 7070, app="cart")
    assert names(*SHOP, extra, *PODS, base=ALL) == set()
    alias = service("pay-old", 7070, app="cart")
    assert names(*SHOP, alias, *PODS, base=ALL) == set()


def test_another_transport_than_the_pods_listen_to_is_told() -> None:
    items = changed("Service", "cart", service("cart", 7070, protocol="UDP"))
    assert found("service_protocol_mismatch", *items, base=ALL) == [("service/cart", "risks", "guessed")]
    probed = [item if item["metadata"]["name"] != "cart" or item["kind"] == "Service" else deployment("cart", PROBED)
              for item in items]
    assert found("service_protocol_mismatch", *probed, base=ALL) == [("service/cart", "stops", "seen")]


def test_a_service_that_is_called_by_all_and_gone_is_missing() -> None:
    items = without("Service", "cart")
    assert found("missing_service", *items, base=ALL) == [("service/cart", "stops", "seen")]


@pytest.mark.parametrize("line", [
    "dial tcp: connect to cart:7999: connection refused", "dial tcp 10.96.0.9:7999: i/o timeout",
    'connection to server at "cart" (10.96.0.9), port 7999 failed: Connection refused'])
def test_a_call_at_a_port_that_the_service_does_not_have_is_told_by_what_the_caller_says(line: str) -> None:
    items = without("Service", "pay")
    one = [item if item["metadata"]["name"] != "store-db" or item["kind"] != "Service" else {
        **item, "spec": {**item["spec"], "clusterIP": "10.96.0.4"}} for item in items]
    one = [item if item["metadata"]["name"] != "web" or item["kind"] != "Service" else {
        **item, "spec": {**item["spec"], "clusterIP": "10.96.0.5"}} for item in one]
    base = ALL._replace(lines=(Lines("desk", line),))
    assert found("service_env_var_address_mismatch", *one, base=base) == [("deployment/desk", "stops", "said")]
    database = line.replace("cart", "store-db").replace("10.96.0.9", "10.96.0.4")
    base = ALL._replace(lines=(Lines("desk", database),))
    assert found("database_port_wrong", *one, base=base) == [("deployment/desk", "stops", "said")]
    right = ALL._replace(lines=(Lines("desk", line.replace("7999", "7070")),))
    assert found("service_env_var_address_mismatch", *one, base=right) == []


def test_a_part_that_was_never_installed_a_host_outside_and_a_collector_that_is_not_there_are_no_problems() -> None:
    assert names(*caller(ASSISTANT_SERVICE_ADDR="assistant:80", LEDGER_HOST="ledger-outside"), base=ALL) == set()
    outside = container(env=env(DB_HOST="ledger-outside"))
    assert names(deployment("web", outside), deployment("desk", outside), service("web"), base=ALL) == set()
    near = container(env=env(STORE_HOST="pay-ledger"))
    assert names(*SHOP, deployment("book", near), base=ALL) == set()
    told = container(env=env(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4317"))
    assert names(deployment("web", told), deployment("desk", told), service("web"), base=ALL) == set()


def test_an_external_name_that_is_an_address_is_told() -> None:
    item = {"kind": "Service", "metadata": {"name": "bank", "namespace": "shop"},
            "spec": {"type": "ExternalName", "externalName": "10.1.2.3"}}
    assert found("external_name_unresolvable", item) == [("service/bank", "stops", "seen")]
    item["spec"] = {"type": "ExternalName", "externalName": "bank.example.com"}
    assert names(item) == set()


def test_a_workload_that_asks_another_resolver_is_told() -> None:
    given = container(env=env(CART_SERVICE_ADDR="cart:7070"))
    for spec in ({"dnsPolicy": "Default"}, {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["8.8.8.8"]}},
                 {"hostNetwork": True}):
        items = changed("Deployment", "web", deployment("web", given, **spec))
        assert found("service_dns_resolution_failure", *items, base=ALL) == [("deployment/web", "stops", "seen")]


@pytest.mark.parametrize("line", [
    'rpc error: code = Unavailable desc = name resolver error: produced zero addresses; dial tcp: lookup cart on '
    "10.96.0.10:53: no such host",
    "java.net.UnknownHostException: cart: Temporary failure in name resolution",
    "Error: getaddrinfo ENOTFOUND cart", "getaddrinfo EAI_AGAIN cart:7070",
    'could not translate host name "cart" to address: Name or service not known',
    "curl: (6) Could not resolve host: cart"])
def test_a_name_that_cannot_be_resolved_is_told_by_whether_its_service_is_there(line: str) -> None:
    base = ALL._replace(lines=(Lines("web", line),))
    assert found("service_dns_resolution_failure", *SHOP, base=base) == [("deployment/web", "stops", "said")]
    gone = listed("Service", lines=(Lines("pay", line.replace("cart", "vault")),))
    told = "Temporary" not in line and "EAI_AGAIN" not in line
    assert ("missing_service" in names(*SHOP, base=gone)) is told


def test_names_that_are_not_resolved_tell_whose_fault_it_is_by_who_cannot_resolve_what() -> None:
    def told(*pairs: tuple[str, str]) -> list[str]:
        base = ALL._replace(lines=tuple(Lines(who, f"dial tcp: lookup {name}: no such host") for who, name in pairs))
        return [one for one, _, _ in found("service_dns_resolution_failure", *SHOP, base=base)]
    assert told(("web", "cart")) == ["deployment/web"]
    assert told(("web", "cart"), ("desk", "cart")) == ["service/cart"]
    assert told(("web", "cart"), ("web", "pay")) == ["deployment/web"]
    assert told(("web", "cart"), ("desk", "store-db")) == ["deployment/coredns"]


def policy(selector: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "metadata": {"name": "wall", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": selector}, **spec}}


def test_a_policy_that_stops_a_call_that_is_made_is_told() -> None:
    shut = policy({"app": "cart"}, policyTypes=["Ingress"])
    assert found("network_policy_blocks", *SHOP, shut, base=ALL) == [("networkpolicy/wall", "stops", "seen")]
    some = policy({"app": "cart"}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]},
                                            {"from": [{"podSelector": {"matchLabels": {"app": "desk"}}}]}])
    assert names(*SHOP, some, base=ALL) == set()
    port = policy({"app": "cart"}, ingress=[{"ports": [{"port": 80}]}])
    assert found("network_policy_blocks", *SHOP, port, base=ALL) == [("networkpolicy/wall", "stops", "seen")]
    elsewhere = policy({"app": "cart"}, ingress=[{"from": [{"namespaceSelector": {}}]}])
    assert names(*SHOP, elsewhere, base=ALL) == set()


def test_a_policy_that_keeps_pods_from_the_resolver_is_told() -> None:
    out = policy({"app": "web"}, policyTypes=["Egress"], egress=[
        {"to": [{"podSelector": {"matchLabels": {"app": "cart"}}}]},
        {"to": [{"podSelector": {"matchLabels": {"app": "pay"}}}]}])
    assert found("network_policy_blocks", *SHOP, out, base=ALL) == [("networkpolicy/wall", "stops", "seen")]


def ingress(name: str, port: int) -> dict[str, Any]:
    return {"kind": "Ingress", "metadata": {"name": "front", "namespace": "shop"}, "spec": {"rules": [{
        "host": "shop.example", "http": {"paths": [{"path": "/", "backend": {
            "service": {"name": name, "port": {"number": port}}}}]}}]}}


@pytest.mark.parametrize(("name", "port", "wrong"), [("web", 8080, False), ("wep", 8080, True), ("web", 81, True)])
def test_an_ingress_that_leads_nowhere_is_told(name: str, port: int, wrong: bool) -> None:
    assert ("gateway_misroute" in names(*SHOP, ingress(name, port), base=ALL)) is wrong


def test_a_gateway_among_the_workloads_is_told_as_one() -> None:
    gateway = deployment("api-gateway", container(env=env(CART_SERVICE_ADDR="kart:7070")))
    assert names(*SHOP, gateway, base=ALL) == {"gateway_misroute"}


def test_a_gateway_that_has_no_route_says_so() -> None:
    line = "404 NOT_FOUND \"No matching handler\" for GET /api/v1/orders"
    gateway = deployment("api-gateway")
    base = ALL._replace(lines=(Lines("api-gateway", line), Lines("web", line)))
    assert found("gateway_misroute", *SHOP, gateway, base=base) == [("deployment/api-gateway", "lessens", "said")]


def test_a_meshs_route_to_another_service_is_told() -> None:
    route = {"kind": "VirtualService", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {
        "hosts": ["cart"], "http": [{"route": [{"destination": {"host": "pay", "port": {"number": 50051}}}]}]}}
    assert found("gateway_misroute", *SHOP, route, base=ALL) == [("virtualservice/cart", "stops", "guessed")]


def test_a_route_to_a_subset_that_no_rule_knows_is_told() -> None:
    def route(subset: str) -> dict[str, Any]:
        to = {"host": "cart", "subset": subset}
        return {"kind": "VirtualService", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {
            "hosts": ["cart"], "http": [{"route": [{"destination": to}]}]}}
    rule = {"kind": "DestinationRule", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {
        "host": "cart.shop.svc.cluster.local", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]}}
    assert found("gateway_misroute", *SHOP, route("v2"), rule, base=ALL) == [("virtualservice/cart", "stops", "seen")]
    assert names(*SHOP, route("v1"), rule, base=ALL) == set()
    assert names(*SHOP, route("v2"), base=ALL) == set()


def test_a_service_whose_pods_are_not_ready_has_no_endpoints() -> None:
    down = changed("Deployment", "cart", deployment("cart", container(port=7070), ready=0))
    assert found("no_endpoints", *down, pod("cart", ready=False), base=ALL) == [("service/cart", "stops", "seen")]
    # Its own count says that another pod, which is not here, is ready.
    assert found("no_endpoints", *SHOP, pod("cart", ready=False), base=ALL) == []
