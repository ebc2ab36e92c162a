"""A restart of a workload of any kind: which one is meant, and what is written."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from responder.actions import ActionFailed
from responder.actions import restore_database as remedy
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.service import Service
from responder.plan.remedies.restore_database import Facts, Restart
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")
APPS, ARGO = "/apis/apps/v1/namespaces/payments", "/apis/argoproj.io/v1alpha1/namespaces/payments"


class Api:
    """A cluster with some workloads, by path; it keeps what is written."""

    def __init__(self, *paths: str, forbidden: str = "") -> None:
        self.objects: dict[str, Any] = {
            path: {"metadata": {"name": path.rpartition("/")[2], "uid": path, "annotations": {}},
                   "spec": {"replicas": 2}} for path in paths}
        self.forbidden, self.written = forbidden, list[tuple[str, str, dict[str, Any]]]()
        self.client = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(self._answer)),
                                 "https://cluster.example")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.forbidden and self.forbidden in path:
            return httpx.Response(403, json={"message": "forbidden"})
        if path not in self.objects:
            return httpx.Response(404, json={"message": "not found"})
        if request.method == "PATCH":
            body = json.loads(request.content)
            self.written.append((path, request.headers["content-type"], body))
            self.objects[path]["metadata"]["annotations"] = body["metadata"]["annotations"]
        return httpx.Response(200, json=self.objects[path])


@pytest.mark.parametrize(("path", "target", "spec"), [
    (f"{APPS}/deployments/ledger-export", "deployment/ledger-export", "template"),
    (f"{APPS}/statefulsets/ledger-export", "statefulset/ledger-export", "template"),
    (f"{APPS}/daemonsets/ledger-export", "daemonset/ledger-export", "template"),
    (f"{ARGO}/rollouts/ledger-export", "rollout/ledger-export", "restartAt")])
@pytest.mark.parametrize("client", ["ledger-export", "ledger_export", "Ledger Export"])
def test_the_workload_of_a_client_is_restarted_once(service: Service, path: str, target: str, spec: str,
                                                    client: str) -> None:
    api = Api(path)
    case = asked(service, "connections_exhausted")
    plan = planned(remedy.plan(case, Facts(client), api.client))
    assert (plan.target, plan.parameters.step.name) == (target, "ledger-export")
    remedy.apply(case, plan, api.client)
    assert remedy.apply(case, plan, api.client).endswith("it was done before")
    (where, kind, body), = api.written
    assert where == path and set(body["spec"]) == {spec}
    assert ("strategic" in kind) is (spec == "template")


def test_a_rollout_is_meant_where_a_deployment_only_has_its_template(service: Service) -> None:
    api = Api(f"{APPS}/deployments/payment-gateway", f"{ARGO}/rollouts/payment-gateway")
    assert planned(remedy.plan(asked(service, "rejected_credentials"), Facts(), api.client)).target == (
        "rollout/payment-gateway")
    closed = Api(f"{APPS}/deployments/payment-gateway", forbidden="argoproj")
    assert planned(remedy.plan(asked(service, "rejected_credentials"), Facts(), closed.client)).target == (
        "deployment/payment-gateway")


def test_what_is_no_workload_or_another_one_by_now_is_left_alone(service: Service) -> None:
    case = asked(service, "connections_exhausted")
    assert "no workload" in refusal(remedy.plan(case, Facts("psql"), Api().client))
    api = Api(f"{APPS}/statefulsets/ledger-export")
    plan = planned(remedy.plan(case, Facts("ledger-export"), api.client))
    assert plan.parameters.step == Restart("ledger-export", f"{APPS}/statefulsets/ledger-export", "StatefulSet")
    api.objects[f"{APPS}/statefulsets/ledger-export"]["metadata"]["uid"] = "another"
    with pytest.raises(ActionFailed, match="another one"):
        remedy.apply(case, plan, api.client)
    assert api.written == []
