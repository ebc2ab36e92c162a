"""Functions in the services' networks: which run there, what they need, and that the check names what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from responder.model.service import Network, Service
from stacks import network
from stacks.configuration import ConfigurationError, read_folder
from stacks.network import GATEWAYS, INTERNET, KNOWN_ENDPOINTS, is_inner, missing, month_dollars, needs, units
from tests.conftest import ROOT

SHIPPED = yaml.safe_load((ROOT / "config" / "payment-gateway.yaml").read_text(encoding="utf-8"))


def within(service: Service, **changes: object) -> Service:
    """The shipped service with another network."""
    assert service.network
    return replace(service, network=replace(service.network, **changes))  # type: ignore[arg-type]


def folder(tmp_path: Path, **services: dict[str, object]) -> Path:
    """A folder with copies of the shipped service, each with its own changes."""
    for name, changes in services.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**SHIPPED, "service": name, **changes}))
    return tmp_path


def test_the_probes_alone_run_in_the_network_unless_more_is_asked_for(service: Service) -> None:
    assert {need.function for need in needs([service])} == {"source-network"}


def test_who_speaks_to_the_cluster_runs_inside_with_one_word(service: Service) -> None:
    found = {need.function for need in needs([within(service, functions=("cluster",))])}
    assert {"source-kubernetes", "source-changes", "source-rollouts", "action-rollback", "action-scale-up",
            "ledger"} <= found
    assert not {"source-newrelic", "source-splunk", "source-rds", "action-restore-security-group"} & found


def test_what_is_missing_is_named_with_the_function_and_the_reason(tmp_path: Path) -> None:
    inner = {**SHIPPED["network"], "nat": False, "functions": ["splunk"], "endpoints": ["s3"],
             "inner": ["splunk.internal.example"]}
    with pytest.raises(ConfigurationError) as caught:
        read_folder(folder(tmp_path, shop={"network": inner, "probes": []}))
    assert str(caught.value).endswith(
        "network.endpoints: found no secretsmanager, but source-splunk needs it (it reads the secret "
        "incident-response/splunk); expected secretsmanager among them once the endpoint is there, or network.nat or "
        "network.proxy")
    inner["endpoints"] = ["s3", "secretsmanager"]
    assert read_folder(folder(tmp_path, shop={"network": inner, "probes": []}))


def test_a_host_on_the_internet_needs_nat_or_a_proxy_and_a_probe_needs_nat(service: Service) -> None:
    bare = within(service, functions=("newrelic",), nat=False, endpoints=("s3", "secretsmanager"))

    def said(**changes: object) -> set[str]:
        return {found[1] for _, found in missing([within(bare, **changes)])}

    assert any("source-newrelic needs the internet" in text for text in said())
    assert all("source-network" in text for text in said(proxy="http://proxy.internal:3128"))
    assert said(proxy="http://proxy.internal:3128")
    assert said(nat=True) == set()


def test_what_is_needed_is_known_as_an_endpoint(service: Service) -> None:
    assert {need.what for need in needs([within(service, functions=("all",))])} - {INTERNET} <= KNOWN_ENDPOINTS


def test_each_network_has_functions_of_its_own_and_needs_a_name(service: Service, tmp_path: Path) -> None:
    other = within(service, name="eu", subnets=("subnet-0000000000000000a",))
    outside = replace(service, network=None)
    assert [(unit.key, len(unit.services)) for unit in units("network", [service, other, outside], cluster=False)] == [
        ("network", 1), ("network_eu", 1), ("network_outside", 1)]
    # One service, or services that agree, have names without anything behind them.
    assert [unit.key for one in ([service], [outside], [service, replace(service, service="shop")])
            for unit in units("network", one, cluster=False)] == ["network"] * 3
    second = {**SHIPPED["network"], "subnets": ["subnet-0000000000000000a"]}
    with pytest.raises(ConfigurationError, match=r"network\.name: found ''; expected a name that no other network has"):
        read_folder(folder(tmp_path, one={}, two={"network": second}))
    assert read_folder(folder(tmp_path, one={}, two={"network": {**second, "name": "eu"}}))


@pytest.mark.parametrize(("field", "value", "expected"), [
    ("functions", ["clusters"], "'cluster'?"), ("endpoints", ["cloudwatch"], "'monitoring'?"),
    ("proxy", "proxy:3128", "http://HOST:PORT")])
def test_a_name_that_nothing_has_is_refused(tmp_path: Path, field: str, value: object, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_folder(folder(tmp_path, shop={"network": {**SHIPPED["network"], field: value}}))
    assert f"network.{field}" in str(caught.value) and expected in str(caught.value)


@pytest.mark.parametrize(("host", "inner"), [
    ("10.0.3.4", True), ("8.8.8.8", False), ("splunk", True), ("splunk.corp.internal", True),
    ("db.abc.us-east-1.rds.amazonaws.com", True), ("splunk.example", False), ("a.inner.example", True),
    ("inner.example", True), ("notinner.example", False)])
def test_which_hosts_are_within_the_network(host: str, inner: bool) -> None:
    assert is_inner(Network((), (), inner=("inner.example",)), host) is inner


def test_the_report_prices_endpoints_by_zone_and_gateways_cost_nothing(service: Service) -> None:
    assert month_dollars(10, 2, nat=False) == pytest.approx(146.0)
    assert month_dollars(0, 3, nat=True) == pytest.approx(98.55)
    report = network.report([within(service, functions=("cluster",), inner=("example",))])
    interfaces = {need.what for need in needs([within(service, functions=("cluster",))])} - GATEWAYS - {INTERNET}
    assert f"{len(interfaces)} interface endpoints: $" in report
    assert "tcp 443 to the API of the cluster payments" in report
