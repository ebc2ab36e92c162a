"""Stand-ins for tests of ``responder init``: an API server, boto3's clients, vendors by HTTP, and plain facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import botocore.session
import httpx
from botocore.stub import Stubber

from cli.init.facts import Address, Call, Cluster, Facts, Front, Workload
from cli.init.readers import Asked, Known
from cli.kube import Kube

_BOTOCORE = botocore.session.get_session()
ASKED = Asked("payment-gateway", "payments", "payments")


class ApiServer:
    """What ``kubernetes.client.ApiClient`` needs to be: answers by path, or a status for a path that is refused."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers, self.asked = answers, list[str]()
        self.configuration = SimpleNamespace(host="https://cluster.example")

    def update_params_for_auth(self, *given: Any) -> None:
        """Need no credentials."""

    def call_api(self, method: str, url: str, header_params: Any = None, _request_timeout: Any = None) -> Any:
        """Answer a GET; nothing else is ever asked."""
        assert method == "GET"
        path = url.removeprefix("https://cluster.example")
        self.asked.append(path)
        plain = path.partition("?")[0]
        answer = self.answers.get(path, self.answers.get(plain, 404))
        if isinstance(answer, int):
            answer = {"kind": "Status", "status": "Failure", "message": f"{plain} is refused", "code": answer}
        status = answer["code"] if answer.get("kind") == "Status" else 200
        return SimpleNamespace(status=status, reason="", data=json.dumps(answer).encode(), read=lambda: None,
                               headers={}, getheaders=dict)


def kube(answers: Mapping[str, Any]) -> tuple[Kube, ApiServer]:
    """Return a client of an API server that answers so."""
    server = ApiServer(answers)
    return Kube(server, "a stub"), server  # type: ignore[arg-type]


class Session:
    """boto3's session, whose clients give these answers one after the other, each checked against AWS's own model."""

    def __init__(self, answers: Mapping[str, Sequence[tuple[str, Any]]]) -> None:
        self._answers = answers

    def client(self, service: str) -> Any:
        """Return a client that answers from the stub alone."""
        made = _BOTOCORE.create_client(service, region_name="eu-west-1", aws_access_key_id="none",
                                       aws_secret_access_key="none")
        stub = Stubber(made)
        for operation, answer in self._answers.get(service, ()):
            if isinstance(answer, str):
                stub.add_client_error(operation, answer)
            else:
                stub.add_response(operation, answer)
        stub.activate()
        return made


def known(answers: Mapping[str, Sequence[tuple[str, Any]]] | None = None, workloads: Sequence[Workload] = (),
          http: Any = None) -> Known:
    """Return what a reader may use."""
    return Known(Session(answers or {}), tuple(workloads), httpx.Client(transport=httpx.MockTransport(http or _none)))


def _none(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"nobody should be asked: {request.url}")


def workload(name: str, *, kind: str = "deployment", calls: Mapping[str, str] | None = None,
             labels: Mapping[str, str] | None = None, containers: Sequence[str] = (),
             users: Sequence[str] = ()) -> Workload:
    """Return a workload; ``calls``: variable to the host that it names."""
    return Workload(kind, name, dict(labels or {}), {"app": name}, tuple(containers or (name,)), tuple(
        Address(host, 0, variable, f"{variable} of {kind}/{name}") for variable, host in (calls or {}).items()),
        tuple(users))


def cluster(*workloads: Workload, services: Sequence[str] | None = None, **more: Any) -> Cluster:
    """Return a namespace; each workload has a Service of its name, unless ``services`` names those that have one."""
    names = [one.name for one in workloads] if services is None else services
    return Cluster(workloads=workloads, services=tuple(Front(name, {"app": name}) for name in names), **more)


def called(caller: str, host: str, count: int = 100) -> Call:
    """Return a call that traces have seen."""
    return Call(caller, host, count, "New Relic's spans of the last day")


def facts(*parts: object) -> Facts:
    """Return the facts."""
    return Facts(parts)
