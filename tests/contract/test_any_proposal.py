"""Every remedy, given proposals, clusters and AWS answers of any content: a plan or a sentence, and one target alone.

A remedy's facts are on record, and the cluster's objects are written by whoever may write them. Whatever they say, a
remedy plans, applies and reverts, or refuses in a sentence; it never ends by an error of the language, and it writes to
nothing but what its plan names.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from responder import actions
from responder.actions import ActionFailed, Declined
from responder.clients import gate, kubernetes
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.change import Change, FieldChange
from responder.model.codec import Malformed, encode
from responder.model.service import Service
from responder.model.shown import NotExact
from tests.contract.test_any_answer import World, answers, configured, words, world
from tests.odd import FUZZ, mutated
from tests.remedies import asked
from tests.unit.report.test_review import RECORD
from tests.workloads_api import metadata, template

__all__ = ["world"]

REFUSALS = (ActionFailed, CallFailed, NotExact, gate.Stopped)
"""What the step that runs a remedy makes a sentence of."""
GATEWAY, NAMESPACE = "payment-gateway", "payments"
_READS = re.compile(r"(Describe|Get|List|Lookup|Assume|Start(ConfigurationSession)|BatchGet)")
_PATH = re.compile(r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)/(?P<name>[^/]+)(/[a-z]+)?$")


def standing() -> dict[str, Any]:
    """A cluster with everything that a remedy reads, as the Kubernetes API documents it."""
    def controlled(name: str, kind: str, owner: str, **more: Any) -> dict[str, Any]:
        return {"metadata": metadata(name, (kind, owner), **more)}

    revision = "deployment.kubernetes.io/revision"
    ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-20T00:00:00Z"}]
    return {
        "deployments": [{"metadata": metadata(GATEWAY, annotations={revision: "2"}), "spec": {
            "replicas": 4, "selector": {"matchLabels": {"app": "pay"}}, "template": template("1.1.0")},
            "status": {"replicas": 4, "readyReplicas": 4, "availableReplicas": 4, "updatedReplicas": 4,
                       "observedGeneration": 3}}],
        "replicasets": [controlled(f"rs-{number}", "Deployment", GATEWAY, annotations={revision: str(number)}) | {
            "spec": {"replicas": 4 * (number == 2), "selector": {"matchLabels": {"app": "pay"}},
                     "template": template(f"1.{number - 1}.0")}, "status": {"replicas": 4 * (number == 2)}}
            for number in (1, 2)],
        "pods": [controlled(f"pod-{number}", "ReplicaSet", "rs-2", labels={"app": "pay"}) | {
            "spec": {"nodeName": f"node-{number % 2}", "containers": [{"name": "app", "image": "r/pay:1.1.0"}]},
            "status": {"phase": "Running", "conditions": ready, "containerStatuses": [
                {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "r/pay:1.1.0"}]}}
            for number in range(4)],
        "nodes": [{"metadata": {"name": f"node-{number}", "uid": f"n{number}", "resourceVersion": "1", "labels": {}},
                   "spec": {}, "status": {"conditions": ready, "allocatable": {"cpu": "4", "memory": "8Gi",
                                                                              "pods": "30"}}} for number in range(3)],
        "horizontalpodautoscalers": [{"metadata": metadata("scaler"), "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": GATEWAY, "apiVersion": "apps/v1"}, "minReplicas": 2,
            "maxReplicas": 6}, "status": {"currentReplicas": 4, "desiredReplicas": 4}}],
        "configmaps": [{"metadata": metadata("payment-provider"), "data": {"provider": "primary", "x": "1"}}],
        "resourcequotas": [], "poddisruptionbudgets": [], "events": [], "statefulsets": [], "daemonsets": [],
        "rollouts": [], "services": [], "networkpolicies": []}


CHANGE = Change("ConfigMap", "payment-provider", "changed", 1.0, 2.0, "kubectl-edit", (
    FieldChange(("data", "provider"), "fallback", "primary"),))
FACTS: dict[str, Any] = {
    "rollback": {"healthy_versions": ["1.0.0"]}, "cordon_node": {"node": "node-1", "named_by": ["kubernetes"]},
    "restart_pods": {"odd": ["pod-1"], "worn": ["pod-2"]}, "restore_configuration": {"changes": [CHANGE]},
    "restore_parameter_group": {"changes": [replace(CHANGE, kind="DBParameterGroup", name="payments")], "by": "ada"},
    "turn_flag_back": {"flag": "tariff", "state": "off", "by": "ada"}, "hide_payment_method": {"method": "card"}}
"""Facts as a diagnosis writes them."""


class Cluster:
    """An API server that has such objects, and takes what is written without a look."""

    def __init__(self) -> None:
        self.objects: Any = standing()
        self.status = 200
        self.writes: list[tuple[str, str]] = []
        """The method and the path, as it arrived."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        if request.method != "GET":
            self.writes.append((request.method, path))
            return httpx.Response(self.status, json={"kind": "Status", "metadata": {}, "reason": "x", "message": "y"})
        kinds = self.objects if isinstance(self.objects, dict) else {}
        *_, plural = [part for part in path.split("/") if part in kinds] or [""]
        items = kinds.get(plural, self.objects if not kinds else [])
        name = unquote(path.rpartition(f"/{plural}")[2].strip("/")).partition("/")[0]
        if not name:
            return _json({"items": items, "metadata": {}})
        found = [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)
                 and item["metadata"].get("name") == name] if isinstance(items, list) else []
        return _json(found[0]) if found else httpx.Response(404, json={"reason": "NotFound"})


def _json(value: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(value).encode())


def facts_of(name: str) -> st.SearchStrategy[Any]:
    """Facts of a remedy's own kind with odd texts and numbers, and some that do not belong."""
    documented = st.just(encode(FACTS.get(name, {})))
    found = [documented, documented, documented.flatmap(mutated)]
    if not name.startswith("restore_"):
        # A change may be of anything, which no type says.
        found.append(st.from_type(actions.find(name).remedy.kinds[0]).map(encode))
    return st.one_of(*found)


@contextmanager
def changes(patch: pytest.MonkeyPatch, cluster: Cluster, world: World) -> Iterator[list[tuple[str, str]]]:
    """Let changes through; yields the writing calls of AWS, each with its body."""
    written: list[tuple[str, str]] = []
    of_aws = World.of_aws

    def told(self: World, request: Any, protocol: str, wrapper: str) -> Any:
        if not _READS.match(wrapper):
            written.append((wrapper, unquote(f"{request.url} {request.body!r}")))
        return of_aws(self, request, protocol, wrapper)

    patch.setattr(World, "of_aws", told)
    patch.setattr(kubernetes, "connect", lambda name, deadline: Kubernetes(
        Http(deadline, transport=httpx.MockTransport(cluster)), "https://k8s.example"))
    with gate.opened(lambda: ""):
        yield written


def own(service: Service) -> tuple[str, ...]:
    """What of AWS a configuration names for remedies to change."""
    database, switch = service.database, service.provider_switch
    places = [switch, *(one.place for one in service.switches)]
    return tuple(name for name in (
        *(database.identifiers if database else ()), *service.aws.security_groups,
        *(place.ssm_parameter for place in places if place),
        *(place.appconfig.application for place in places if place and place.appconfig)) if name)


@pytest.mark.parametrize("name", [action.name for action in actions.every()])
def test_a_remedy_plans_and_does_or_refuses_whatever_it_is_told(world: World, name: str) -> None:
    action, service = actions.find(name), configured()

    @settings(FUZZ, phases=(Phase.generate,))
    @given(st.data())
    def done(data: st.DataObject) -> None:
        cluster = Cluster()
        cluster.objects = data.draw(st.just(standing()) | mutated(standing(), most=3))
        cluster.status = data.draw(st.sampled_from([200, 200, 201, 403, 404, 409, 422, 429, 500]))
        world.contents = data.draw(st.lists(answers(words("actions", name)), min_size=1, max_size=3))
        context = replace(asked(service, data.draw(st.sampled_from(
            ["bad_release", "storage_full", "refuses_connections", "provider_fails", "more_traffic"])),
                                data.draw(st.sampled_from([GATEWAY, "backend", "elsewhere"]))),
                          at=time.time(), record=lambda: RECORD)
        with pytest.MonkeyPatch.context() as patch, changes(patch, cluster, world) as written:
            try:
                found = action.plan_of(context, data.draw(facts_of(name)))
            except (*REFUSALS, Malformed):
                return
            assert not cluster.writes and not written, "nothing is changed by a plan"
            if isinstance(found, Declined):
                assert found.reason and found.target
                return
            assert found.summary and found.target
            kept = json.loads(json.dumps([found.target, found.summary, encode(found.before), encode(found.parameters)],
                                         allow_nan=False))
            plan = action.kept(*kept, found.diff.text)
            for operation in (action.apply, action.apply, action.revert):
                if operation is not None:
                    with suppress(*REFUSALS), actions.understood():
                        assert operation(context, plan)
        named = json.dumps(kept, ensure_ascii=False)
        for method, path in cluster.writes:
            place = _PATH.search(path)
            assert place and place["namespace"] in (NAMESPACE, None), (method, path)
            assert (place["namespace"] is None) == (place["plural"] in ("nodes",)), (method, path)
            assert json.dumps(unquote(place["name"]), ensure_ascii=False)[1:-1] in named, (method, path, named)
        for operation_name, body in written:
            assert any(identifier in body for identifier in own(service)), (operation_name, body)

    done()


@pytest.mark.parametrize("name", [".", "..", "a/b", "../../nodes/node-1", "a%2fb", "%2e%2e", ""])
def test_a_name_that_is_a_way_through_the_api_is_no_object(name: str) -> None:
    """Kubernetes' page "Object Names and IDs", "Path Segment Names": an HTTP client takes ``..`` out of a path."""
    cluster = Cluster()
    api = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(cluster)), "https://k8s.example")
    with gate.opened(lambda: ""):
        for write in (lambda: api.delete("api/v1", "pods", NAMESPACE, name, "u"),
                      lambda: api.evict(NAMESPACE, name, "u"), lambda: api.get("api/v1", "pods", NAMESPACE, name),
                      lambda: api.patch("apps/v1", "deployments", NAMESPACE, name, {}, manager="m"),
                      lambda: api.delete("api/v1", "pods", name or "..", "pod-1", "u")):
            with pytest.raises(CallFailed, match="is no name of an object"):
                write()
    assert cluster.writes == []
