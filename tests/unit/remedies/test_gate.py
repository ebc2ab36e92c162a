"""Nothing is changed outside of a remedy's step, and nothing from the moment on that the kill switch is engaged."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

from responder import actions
from responder.clients import aws, gate
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.service import Service

ROOT = Path(actions.__file__).parent


@pytest.fixture
def sent() -> list[httpx.Request]:
    return []


@pytest.fixture
def cluster(sent: list[httpx.Request]) -> Kubernetes:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"kind": "List", "items": [], "metadata": {}})

    return Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(answer)), "https://k")


WRITES = {
    "patch": lambda k: k.patch("apis/apps/v1", "deployments", "payments", "x", {}, manager="m"),
    "create": lambda k: k.create("api/v1", "configmaps", "payments", {}, manager="m"),
    "delete": lambda k: k.delete("api/v1", "pods", "payments", "x", "uid"),
    "evict": lambda k: k.evict("payments", "x", "uid"),
}


@pytest.mark.parametrize("write", WRITES)
def test_each_write_to_the_cluster_is_stopped_unless_it_is_let_through(write: str, cluster: Kubernetes,
                                                                      sent: list[httpx.Request]) -> None:
    with pytest.raises(gate.Stopped, match="no remedy is being applied"):
        WRITES[write](cluster)
    switch = ["", "the kill switch is engaged"]
    with gate.opened(lambda: switch[0]) as passing:
        WRITES[write](cluster)
        assert len(sent) == passing.passed == 1
        switch.pop(0)
        with pytest.raises(gate.Stopped, match="engaged"):
            WRITES[write](cluster)
    assert len(sent) == 1
    assert list(cluster.items("api/v1", "pods")) == []  # reading needs no leave


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        aws.made.cache_clear()
        yield
        aws.made.cache_clear()


def change_of(name: str) -> Any:
    return {
        "rds": lambda client: client.reboot_db_instance(DBInstanceIdentifier="payments-db"),
        "ec2": lambda client: client.authorize_security_group_ingress(GroupId="sg-1", IpPermissions=[]),
        "ssm": lambda client: client.put_parameter(Name="/payments/provider", Value="fallback", Type="String"),
        "appconfig": lambda client: client.start_deployment(
            ApplicationId="a123", EnvironmentId="e123", DeploymentStrategyId="s123", ConfigurationProfileId="p123",
            ConfigurationVersion="1"),
        "eks": lambda client: client.delete_cluster(name="payments"),
    }[name]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("name", ["rds", "ec2", "ssm", "appconfig", "eks"])
def test_each_change_through_aws_is_stopped_unless_it_is_let_through(name: str) -> None:
    with pytest.raises(gate.Stopped, match="no remedy is being applied"):
        change_of(name)(aws.client(name))
    with gate.opened(lambda: "the kill switch is engaged"), pytest.raises(gate.Stopped, match="engaged"):
        change_of(name)(aws.client(name))
    if name == "ssm":
        assert boto3.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.usefixtures("account")
def test_a_change_that_is_let_through_is_made() -> None:
    with gate.opened(lambda: "") as passing:
        change_of("ssm")(aws.client("ssm"))
    assert passing.passed == 1
    assert boto3.client("ssm").get_parameter(Name="/payments/provider")["Parameter"]["Value"] == "fallback"


@pytest.mark.usefixtures("account")
def test_read_calls_need_no_permission() -> None:
    """Every call that a source or a remedy may make, by the names of its permissions."""
    names: set[str] = set()
    service = shipped()
    from responder import sources
    for source in sources.all():
        names |= {action for statement in source.statements(service) for action in statement.actions}
    assert names
    assert {name for name in names if not name.partition(":")[2].startswith(aws._READS)} == set()


def shipped() -> Service:
    from tests.conftest import shipped_service
    return shipped_service()


def test_no_remedy_has_a_client_of_its_own_that_knows_no_gate() -> None:
    """A remedy changes the world through ``clients`` alone: nothing in ``actions`` opens a connection itself."""
    for file in ROOT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
                [str(node.module)] if isinstance(node, ast.ImportFrom) else [])
            assert not {name.split(".")[0] for name in names} & {"boto3", "httpx", "urllib", "socket",
                                                                 "http", "subprocess"}, file.name
