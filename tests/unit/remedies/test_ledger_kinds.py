"""The ledger's kinds: those of operators where they are, none missed where they are not, and what may not be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from moto import mock_aws

from responder import sources
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.clients.watched import KINDS, snapshot
from responder.handlers import ledger
from responder.model.evidence import Window
from responder.model.service import Service
from responder.model.watched import Watched, snapshot_of
from responder.records.ledger import Ledger
from responder.sources import Query
from tests.conftest import timeline_in_aws
from tests.unit.evidence.test_writers import SCALED, entry

Object = dict[str, Any]
OPERATORS = ("rollouts", "scaledobjects", "canaries")


def workload(name: str, replicas: int, *entries: Object, **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "payments", "managedFields": list(entries)},
            "spec": {"replicas": replicas, "template": {"metadata": {"annotations": {
                "kubectl.kubernetes.io/restartedAt": "2026-11-26T10:00:00Z"}}, "spec": {"containers": [
                    {"name": "app", "image": "r/pay:1.0.0", "envFrom": [{"configMapRef": {"name": "settings"}}]}]}},
                **spec}}


class Server:
    """Lists by plural; a kind with a number instead is answered with that status."""

    def __init__(self, **lists: list[Object] | int) -> None:
        self.lists = dict(lists)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.lists.get(request.url.path.rpartition("/")[2], [])
        if isinstance(answer, int):
            return httpx.Response(answer, json={"kind": "Status", "code": answer})
        return httpx.Response(200, json={"items": answer, "metadata": {}})

    @property
    def api(self) -> Kubernetes:
        return Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(self)), "https://k8s")


def test_workloads_of_any_kind_are_watched_without_their_restarts() -> None:
    server = Server(
        statefulsets=[workload("pay", 3, updateStrategy={"type": "RollingUpdate"}, serviceName="pay")],
        daemonsets=[workload("agent", 0)], rollouts=[workload("gateway", 4, strategy={"canary": {}}, restartAt="now")],
        scaledobjects=[{"metadata": {"name": "pay"}, "spec": {"minReplicaCount": 2}}],
        canaries=[{"metadata": {"name": "pay"}, "spec": {"service": {"port": 80}}}])
    found, failed = snapshot(server.api, "payments")
    assert not failed and {one.kind for one in found.values()} == {
        "StatefulSet", "DaemonSet", "Rollout", "ScaledObject", "Canary"}
    assert found["StatefulSet/pay"].body.keys() == {"replicas", "updateStrategy", "template"}
    assert found["StatefulSet/pay"].reads_configmaps == ("settings",)
    assert found["Rollout/gateway"].body.keys() == {"replicas", "strategy", "template"}
    assert "restartedAt" not in str([one.body for one in found.values()])


@pytest.mark.parametrize(("status", "plurals", "before", "missed"), [
    (404, OPERATORS, (), []), (403, OPERATORS, (), []), (404, OPERATORS, ("Rollout",), []),
    (403, OPERATORS, ("Rollout",), ["Rollout"]), (403, ("statefulsets",), (), ["StatefulSet"]),
    (403, ("limitranges",), (), ["LimitRange"]), (404, ("nodes",), (), ["Node"])])
def test_a_kind_that_need_not_be_there_is_missed_only_where_it_was(status: int, plurals: tuple[str, ...],
                                                                   before: tuple[str, ...], missed: list[str]) -> None:
    server = Server(services=[{"metadata": {"name": "s"}, "spec": {}}], **dict.fromkeys(plurals, status))
    was = snapshot_of(*(Watched(kind, "x", {}) for kind in before))
    found, failed = snapshot(server.api, "payments", was)
    assert list(failed) == missed and "Service/s" in found


def test_what_was_not_asked_for_any_more_has_not_vanished() -> None:
    with pytest.raises(CallFailed):
        snapshot(Server(deployments=401).api, "payments")
    server = Server(deployments=[workload("pay", 3)], services=401)
    found, failed = snapshot(server.api, "payments")
    later = list(KINDS)[list(KINDS).index("Service"):]
    assert list(found) == ["Deployment/pay"] and list(failed) == later


@pytest.fixture
def minute(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[Server], int | None]:
    """The ledger's function, for one minute, against a server."""
    monkeypatch.setenv("TABLE", "timeline")
    monkeypatch.setattr("responder.handlers.ledger.names", lambda: [service.service])
    monkeypatch.setattr("responder.handlers.ledger.load", lambda name: service)
    monkeypatch.setattr("responder.clients.parameter_groups.snapshot", lambda *arguments: ({}, {}))

    def run(server: Server) -> int | None:
        monkeypatch.setattr("responder.clients.kubernetes.connect", lambda *arguments: server.api)
        return ledger.handler({}, None)[service.service]

    return run


@mock_aws
def test_an_older_ledger_goes_on_and_what_is_forbidden_is_carried_forward(
        service: Service, minute: Callable[[Server], int | None]) -> None:
    kept = Ledger(timeline_in_aws(), service.service)
    server = Server(deployments=[workload("pay", 3)], statefulsets=403)
    assert minute(server) == 0
    server.lists |= {"statefulsets": [workload("db", 2)], "rollouts": [workload("r", 2)]}
    assert minute(server) == 2  # As old as they are: they were created long before.
    server.lists |= {"statefulsets": 403, "rollouts": 403}
    assert minute(server) == 0
    assert {"StatefulSet/db", "Rollout/r"} <= kept.last_snapshot()[1].keys()
    server.lists |= {"statefulsets": [workload("db", 1)], "rollouts": 404}
    assert minute(server) == 2
    assert [(change.kind, change.what) for change in kept.changes(0.0)][-2:] == [
        ("Rollout", "deleted"), ("StatefulSet", "changed")]
    server.lists |= {"deployments": 403}
    assert minute(server) is None


@mock_aws
def test_what_several_have_changed_at_once_is_kept_and_controllers_are_told_apart(
        service: Service, minute: Callable[[Server], int | None]) -> None:
    kept = Ledger(timeline_in_aws(), service.service)
    now = time.time()
    server = Server(deployments=[workload("payment-gateway", 6)])
    minute(server)
    together = [entry("kubectl-patch", now, {"f:template": {}}), entry(
        "kube-controller-manager", now, SCALED["fieldsV1"]["f:spec"], subresource="scale")]
    changed = workload("payment-gateway", 4, *together)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "r/pay:1.1.0"
    server.lists |= {"deployments": [changed]}
    query = Query(service, "diagnose", Window(now - 180, now + 1), Window(now - 3780, now - 180), now + 5)
    live, = sources.load("changes").collect(query)
    assert minute(server) == 2
    recorded, = sources.load("changes").collect(query)
    for finding in (live, recorded):
        assert [change.by for change in finding.detail.changes] == ["kubectl-patch"]
        assert [change.by for change in finding.detail.by_controllers] == ["kube-controller-manager"]
        assert finding.value == 1.0
    assert all(not one.writings for one in kept.last_snapshot()[1].values())
    assert minute(server) == 0
