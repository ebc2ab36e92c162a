"""A real API server with what the cluster's owner applies, and requests in the name of the responder's groups."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from sandbox.control_plane import binaries
from sandbox.control_plane.bare import Bare, running
from sandbox.control_plane.run import POLICIES_SINCE
from sandbox.iam import rbac
from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Cluster
from sandbox.platform.objects import nodes, platform
from tests.conftest import ROOT

Object = dict[str, Any]
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
HARDENED: Object = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "hardened", "namespace": NAMESPACE, "labels": {"app": "hardened"},
                 "annotations": {"team": "payments"}},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "hardened"}}, "template": {
        "metadata": {"labels": {"app": "hardened"}, "annotations": {"scrape": "true"}},
        "spec": {"serviceAccountName": "hardened", "automountServiceAccountToken": False,
                 "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                 "volumes": [{"name": "config", "configMap": {"name": "payment-gateway-config"}},
                             {"name": "scratch", "emptyDir": {}}],
                 "initContainers": [{"name": "wait", "image": "registry.example:5000/tools/wait:1.0",
                                     "command": ["wait-for", "payments-db"]}],
                 "containers": [{"name": "app", "image": "registry.example:5000/payments/hardened:1.2.3",
                                 "ports": [{"containerPort": 8080}], "env": [{"name": "MODE", "value": "live"}],
                                 "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
                                 "securityContext": {"allowPrivilegeEscalation": False, "runAsUser": 1000,
                                                     "capabilities": {"drop": ["ALL"]}}}]}}}}
"""As careful as a Deployment of a payments company is."""


@dataclass(frozen=True)
class Answer:
    """What the API server said to a request."""

    status: int
    message: str

    @property
    def by_policy(self) -> bool:
        """Whether an admission policy refused it: not RBAC, and not the API server because it makes no sense."""
        return self.status == 403 and "ValidatingAdmissionPolicy 'incident-responder-" in self.message

    @property
    def by_rbac(self) -> bool:
        """Whether RBAC refused it."""
        return self.status == 403 and "cannot" in self.message and "ValidatingAdmissionPolicy" not in self.message


class Api:
    """The API server, asked as its administrator or in the name of a group."""

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        self.cluster = Cluster(bare.server, str(bare.authority), bare.admin_token)
        self._context = ssl.create_default_context(cafile=str(bare.authority))
        self.used: dict[str, set[rbac.Right]] = {}
        """What was asked in the name of each group by the responder's own client."""
        self._client = httpx.Client(base_url=bare.server, verify=self._context, timeout=30)

    def headers(self, group: str = "") -> dict[str, str]:
        """Of a request in the name of ``incident-responder:<group>``; empty: of the administrator."""
        return {"Authorization": f"Bearer {self.bare.admin_token}", "Accept": "application/json"} | ({
            "Impersonate-User": f"arn:aws:sts::000000000000:assumed-role/{group}/try",
            "Impersonate-Group": f"incident-responder:{group}"} if group else {})

    def ask(self, group: str, method: str, path: str, body: Any = None, *, kind: str = "application/json",
            really: bool = False) -> Answer:
        """Ask for something, without letting it happen unless ``really``: admission looks at it all the same."""
        response = self._client.request(method, path, params={} if really else {"dryRun": "All"}, json=body,
                                        headers={**self.headers(group), "Content-Type": kind})
        value = response.json()
        return Answer(response.status_code, str(value.get("message", "")) if isinstance(value, dict) else "")

    def get(self, path: str) -> Object:
        """Read an object as the administrator; raises KeyError where it is not there."""
        response = self._client.get(path, headers=self.headers())
        if response.status_code == 404:
            raise KeyError(path)
        value: Object = response.raise_for_status().json()
        return value

    def change(self, group: str, path: str, mutate: Callable[[Object], Any]) -> Answer:
        """Ask to make an object what ``mutate`` makes of it, in one patch, as the responder writes."""
        while True:
            item = self.get(path)
            mutate(item)
            answer = self.ask(group, "PATCH", path, [
                {"op": "add", "path": f"/{key}", "value": value} for key, value in item.items()
                if key not in ("apiVersion", "kind", "status")], kind="application/json-patch+json")
            if answer.status != 409:  # a controller wrote at the same moment
                return answer

    def as_group(self, group: str, seconds: float = 60.0) -> Kubernetes:
        """The responder's own client, in the name of a group."""
        http = Http(time.monotonic() + seconds, headers=self.headers(group), verify=self._context)
        http._client.event_hooks["request"].append(lambda request: self._note(group, request))
        return Kubernetes(http, self.bare.server)

    def _note(self, group: str, request: httpx.Request) -> None:
        if right := rbac.asked(request.method, request.url.path):
            self.used.setdefault(f"incident-responder:{group}", set()).add(right)

    def until(self, what: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Wait until something holds, and return it."""
        end = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < end, "it did not come about in time"
            time.sleep(0.1)
        return found


_RAN_ON: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker of xdist ran on."""
    _RAN_ON.extend(getattr(node, "workeroutput", {}).get("ran_on", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was run on, where this is a worker of xdist."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ran_on"] = _RAN_ON


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say on which Kubernetes the tests of the policies ran."""
    for line in _RAN_ON:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A cluster with the platform, RBAC and policies, and no kubelet: pods are never ready by themselves."""
    found = binaries.find() or binaries.build()
    if found.version < POLICIES_SINCE:
        reason = f"{found} has no ValidatingAdmissionPolicy: it needs {POLICIES_SINCE[0]}.{POLICIES_SINCE[1]} or later"
        pytest.skip(reason)
    with running(found, tmp_path_factory.mktemp("control-plane")) as bare:
        _RAN_ON.append(f"policies tried on {found}, ready after {bare.ready_seconds:.1f} s, with "
                       f"{sum(bare.memory_mib.values()):.0f} MiB of memory")
        api = Api(bare)
        api.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        define(api)
        for name in ("rbac.yaml", "admission.yaml"):
            for manifest in yaml.safe_load_all((ROOT / "kubernetes" / name).read_text()):
                api.cluster.apply(manifest)
        for node in nodes():
            api.cluster.create("/api/v1/nodes", node)
            api.cluster.patch_status(f"/api/v1/nodes/{node['metadata']['name']}", {
                **node["status"], "conditions": [{"type": "Ready", "status": "True"}]})
        for manifest in [*platform({}), HARDENED, *others(), *of_other_kinds()]:
            api.cluster.apply(manifest)
        api.until(lambda: api.change("rollback", f"{DEPLOYMENTS}/hardened", lambda item: item["spec"].update(
            minReadySeconds=7)).by_policy)
        yield api


def define(api: Api) -> None:
    """Argo Rollouts' and KEDA's kinds, as far as the API server knows them: their paths and subresources."""
    for group, kind, plural, paths in (
            ("argoproj.io", "Rollout", "rollouts", {"status": {}, "scale": {
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas",
                "labelSelectorPath": ".status.selector"}}),
            ("keda.sh", "ScaledObject", "scaledobjects", {"status": {}})):
        api.cluster.apply({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {
                "kind": kind, "plural": plural, "singular": kind.lower()}, "versions": [{
                    "name": "v1alpha1", "served": True, "storage": True, "subresources": paths,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                        part: {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                        for part in ("spec", "status")}}}}]}})
    for path in ("argoproj.io/v1alpha1/namespaces/x/rollouts", "keda.sh/v1alpha1/namespaces/x/scaledobjects"):
        api.until(lambda path=path: _served(api, f"/apis/{path}"))
    api.cluster.forget_kinds()


def _served(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except (KeyError, httpx.HTTPStatusError):  # Not there yet, or its storage is just being made (429).
        return False
    return True


def of_other_kinds() -> list[Object]:
    """A workload of each kind but a Deployment, as careful as that, and what KEDA scales one by."""
    def item(api: str, kind: str, name: str, **more: Any) -> Object:
        body = json.loads(json.dumps(HARDENED).replace('"hardened"', f'"{name}"'))
        return {**body, "apiVersion": api, "kind": kind, "spec": {**body["spec"], **more}}

    daemon_set = item("apps/v1", "DaemonSet", "agent")
    del daemon_set["spec"]["replicas"]
    return [
        item("apps/v1", "StatefulSet", "kept", serviceName="kept"), daemon_set,
        item("argoproj.io/v1alpha1", "Rollout", "canaried", strategy={"canary": {"steps": [{"setWeight": 20}]}}),
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {
            "name": "kept", "namespace": NAMESPACE}, "spec": {"minReplicaCount": 2, "maxReplicaCount": 6,
                                                              "scaleTargetRef": {"name": "kept"}}}]


def others() -> list[Object]:
    """One object of each of the kinds that the platform has none of."""
    def item(api: str, kind: str, name: str, spec: Object) -> Object:
        return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}

    return [
        item("autoscaling/v2", "HorizontalPodAutoscaler", "hardened", {
            "minReplicas": 2, "maxReplicas": 6, "metrics": [{"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}],
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hardened"}}),
        item("networking.k8s.io/v1", "NetworkPolicy", "gateway", {
            "podSelector": {"matchLabels": {"app": "payment-gateway"}}, "policyTypes": ["Egress"], "egress": [{}]}),
        item("v1", "ResourceQuota", "team", {"hard": {"pods": "100"}}),
        item("v1", "LimitRange", "team", {"limits": [{"type": "Container", "max": {"cpu": "4"}}]}),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": NAMESPACE},
         "data": {"ca.crt": "a certificate"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "namespace": NAMESPACE,
                                                              "ownerReferences": [
            {"apiVersion": "example.com/v1", "kind": "Operator", "name": "o", "uid": "11111111"}]},
         "data": {"key": "value"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "namespace": NAMESPACE}, "spec": {
            "containers": [{"name": "alone", "image": "registry.example/alone:1"}]}}]
