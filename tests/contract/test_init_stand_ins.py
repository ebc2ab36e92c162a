"""``responder init``'s readers with the real clients of AWS and Kubernetes, against the sandbox's stand-ins."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.session import get_session

from cli.init.readers import Asked, Known
from cli.init.readers import balancers as balancers_reader
from cli.init.readers import databases as databases_reader
from cli.init.readers.metrics import _canary_names
from cli.kube import connect
from cli.output import Refused
from sandbox.account import Account
from sandbox.platform.state import World
from sandbox.server import serve
from sandbox.vendors.aws import Aws
from sandbox.vendors.gate import Answer, Gates

ASKED = Asked("payment-gateway", "payments", "payments")
MODELS = get_session()


class Session:
    """boto3's session, for the stand-ins alone."""

    def __init__(self, root: str) -> None:
        self._root = root

    def client(self, service: str) -> Any:
        """Return a client of one stand-in."""
        path = {"elbv2": "elasticloadbalancing"}.get(service, service)
        return MODELS.create_client(service, region_name="us-east-1", aws_access_key_id="test",
                                    aws_secret_access_key="test", endpoint_url=f"{self._root}/aws/{path}")


@pytest.fixture(scope="module", params=["quiet", "busy"])
def known(request: pytest.FixtureRequest) -> Iterator[Known]:
    world = World()
    world.account = replace(world.account, kind=request.param) if isinstance(world.account, Account) else world.account
    aws = Aws("http://127.0.0.1:1", lambda: world, object(), Gates())  # type: ignore[arg-type]
    server = serve(0, aws.answer)
    yield Known(Session(f"http://127.0.0.1:{server.server_address[1]}"), (), httpx.Client(
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))
    server.shutdown()


def test_load_balancers_with_their_tags(known: Known) -> None:
    found = balancers_reader.read(ASKED, known).found
    first = found[0]
    assert first.dimension == "app/payments/50dc6c495c0c9188"
    assert first.target_groups[0].tags["ingress.k8s.aws/resource"] == "payments/shop-frontend:80"
    assert len(found) in (1, 4)
    assert not known.troubles


def test_databases_and_canaries(known: Known) -> None:
    found = databases_reader.read(ASKED, known)
    assert "payments-db" in [one.identifier for one in found.instances]
    assert found.instances[0].parameter_group
    assert list(_canary_names(known.session.client("synthetics"))) == ["payments-checkout"]


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A kubeconfig with one context, of an API server that knows its token."""
    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if headers.get("authorization") != "Bearer sesame":
            return Answer(401, json.dumps({"kind": "Status", "message": "Unauthorized", "code": 401}).encode())
        items = [{"metadata": {"name": path.partition("?")[0]}}]
        return Answer(200, json.dumps({"kind": "List", "metadata": {}, "items": items}).encode())

    server = serve(0, answer)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    file = tmp_path / "config"
    file.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "sesame"}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}]}))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}:{file}")
    yield address
    server.shutdown()


def test_a_context_of_the_kubeconfig_reads_the_cluster(kubeconfig: str) -> None:
    kube = connect("payments", "one", None)
    assert [item["metadata"]["name"] for item in kube.items("apis/apps/v1/deployments", "pay")] == [
        "/apis/apps/v1/namespaces/pay/deployments"]


class Eks:
    """A session whose EKS gives the cluster an endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def client(self, service: str) -> Any:
        """Return itself."""
        return self

    def describe_cluster(self, name: str) -> dict[str, Any]:
        """Answer as "DescribeCluster" does."""
        return {"cluster": {"name": name, "endpoint": self._endpoint, "status": "CREATING"}}


def test_the_context_whose_server_is_the_clusters_endpoint_is_taken(kubeconfig: str) -> None:
    assert connect("payments", "", Eks(kubeconfig)).where == "the kubeconfig's context one"


def test_another_cluster_is_never_read_by_accident(kubeconfig: str) -> None:
    with pytest.raises(Refused, match="CREATING, without an endpoint"):
        connect("payments", "", Eks("https://elsewhere.example"))
    with pytest.raises(Refused, match="--context two: expected one of the kubeconfig's: one"):
        connect("payments", "two", None)
