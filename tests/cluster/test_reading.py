"""The sources of the cluster read a real API server in the name of the readers' group, workloads of other kinds too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from responder.model.evidence import Detail, Evidence, Window
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.limits import Limits
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Pods
from responder.model.evidence.rollouts import Rollouts
from responder.model.service import Component, Service
from responder.sources import Query, kubernetes, rollouts
from sandbox.places import NAMESPACE
from tests.cluster.conftest import Api, Object

NAME = "books"
PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"


def manifest(image: str) -> Object:
    containers = [{"name": "istio-proxy", "image": "istio/proxyv2:1.24.0"}, {"name": "app", "image": image}]
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"replicas": 2, "serviceName": "", "selector": {"matchLabels": {"app": NAME}}, "template": {
                "metadata": {"labels": {"app": NAME}}, "spec": {"containers": containers}}}}


@pytest.fixture
def stateful(api: Api) -> Iterator[None]:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "main-books", "namespace": NAMESPACE},
               "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": 8080}]}}
    api.cluster.create(PATH, manifest("registry.example/books:1.0.0"))
    api.cluster.create(f"/api/v1/namespaces/{NAMESPACE}/services", service)
    yield
    for path in (f"{PATH}/{NAME}", f"/api/v1/namespaces/{NAMESPACE}/services/main-books"):
        api.ask("", "DELETE", path, really=True)


def asked(service: Service) -> Query:
    now = time.time()
    service = replace(service, components=(*service.components, Component(NAME)))
    return Query(service, "diagnose", Window(now - 120, now), Window(now - 3720, now - 120), time.monotonic() + 60)


def one(findings: Any, kind: type[Detail], component: str = NAME) -> Any:
    found, = Evidence(findings).asked(kind, component)
    return found


@pytest.mark.usefixtures("stateful")
def test_the_readers_see_a_statefulset_its_service_and_its_revisions(api: Api, service: Service) -> None:
    query = asked(service)
    revisions = api.until(lambda: one(rollouts.collect(query, api.as_group("readers")), Rollouts).detail.revisions)
    assert [(revision.current, revision.images[0]) for revision in revisions] == [
        (True, "registry.example/books:1.0.0")]
    api.until(lambda: one(kubernetes.collect(query, api.as_group("readers")), Pods).detail.templates)
    found = kubernetes.collect(query, api.as_group("readers"))
    pods = one(found, Pods)
    assert (pods.status, pods.detail.workload, pods.detail.wanted, pods.detail.container) == (
        "ok", f"statefulset/{NAME}", 2, "app")
    behind = one(found, Endpoints)
    assert (behind.status, behind.detail.exists, behind.detail.service) == ("ok", True, "main-books")
    assert {one(found, kind, "").status for kind in (Nodes, Limits)} == {"ok"}
    assert "may not be read" not in " ".join(finding.note for finding in found)
    assert one(found, Pods, "payment-gateway").detail.workload == "deployment/payment-gateway"
