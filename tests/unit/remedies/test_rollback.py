"""The rollback against an API server's documented answers."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from dataclasses import replace
from typing import Any

import httpx
import pytest

from responder.actions import ActionFailed, RemediationContext, rollback
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.codec import decode, encode
from responder.model.service import Service
from responder.plan.remedies import OnRecord
from responder.plan.remedies.rollback import REMEDY, Before, Facts, Parameters
from tests.remedies import asked, planned, refusal

pytestmark = pytest.mark.usefixtures("changes_pass")

NOW = 1_800_000_000.0


def replica_set(name: str, revision: int, version: str, created: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": created,
                         "annotations": {"deployment.kubernetes.io/revision": str(revision)},
                         "ownerReferences": [{"kind": "Deployment", "name": "payment-gateway", "controller": True}]},
            "spec": {"template": {"metadata": {"labels": {"app": "x", "pod-template-hash": name}},
                                  "spec": {"containers": [{"name": "c", "image": f"r/x:{version}"}]}}}}


class Server:
    """Deployments and ReplicaSets over HTTP, with JSON patch as far as the rollback uses it."""

    def __init__(self) -> None:
        self.sets = [replica_set("a", 1, "1.0.0", "2026-11-01T00:00:00Z"),
                     replica_set("b", 2, "1.1.0", "2026-11-20T00:00:00Z"),
                     replica_set("c", 3, "1.1.1", "2026-11-20T00:01:00Z")]
        self.deployment: dict[str, Any] = {
            "metadata": {"name": "payment-gateway", "namespace": "payments", "uid": "u", "resourceVersion": "7",
                         "generation": 3, "annotations": {"deployment.kubernetes.io/revision": "3"}},
            "spec": {"template": deepcopy(self.sets[2]["spec"]["template"])}}
        self.patches: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "PATCH":
            body = json.loads(request.content)
            if body[0]["value"] != self.deployment["metadata"]["resourceVersion"]:
                return httpx.Response(422, json={"reason": "Invalid", "message": "test failed"})
            self.patches.append(body)
            self.deployment["spec"]["template"] = body[1]["value"]
            self.deployment["metadata"]["annotations"][rollback.MARK] = body[-1]["value"]
            self.deployment["metadata"]["generation"] += 1
            return httpx.Response(200, json=self.deployment)
        if path.endswith("/deployments/payment-gateway"):
            return httpx.Response(200, json=self.deployment)
        if path.endswith("/replicasets"):
            return httpx.Response(200, json={"items": self.sets, "metadata": {}})
        found = [item for item in self.sets if path.endswith("/" + item["metadata"]["name"])]
        return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def api(server: Server) -> Kubernetes:
    return Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(server)), "https://k8s")


@pytest.fixture
def case(service: Service) -> RemediationContext:
    return asked(service, "bad_release", onset=NOW)


HEALTHY = Facts(healthy_versions=("1.0.0",))


def test_it_goes_back_to_the_last_healthy_revision_not_merely_the_previous(server: Server, api: Kubernetes,
                                                                           case: RemediationContext) -> None:
    plan = planned(rollback.plan(case, HEALTHY, api))
    assert plan.parameters.revision == 1
    assert "1.1.1" in plan.diff.text and "1.0.0" in plan.diff.text
    rollback.apply(case, plan, api)
    template = server.deployment["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "r/x:1.0.0"
    assert "pod-template-hash" not in template["metadata"]["labels"]


def test_a_repeat_finds_its_own_mark(server: Server, api: Kubernetes, case: RemediationContext) -> None:
    plan = planned(rollback.plan(case, HEALTHY, api))
    rollback.apply(case, plan, api)
    rollback.apply(case, plan, api)
    assert len(server.patches) == 1


def test_a_change_by_somebody_else_is_not_overwritten(server: Server, api: Kubernetes,
                                                      case: RemediationContext) -> None:
    plan = planned(rollback.plan(case, HEALTHY, api))
    server.deployment["metadata"]["generation"] += 1
    with pytest.raises(ActionFailed):
        rollback.apply(case, plan, api)
    assert not server.patches


@pytest.mark.parametrize(("change", "said"), [
    ({"annotations": {rollback.NO_ROLLBACK: "migration 42", "deployment.kubernetes.io/revision": "3"}}, "migration 42"),
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD"),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux"),
])
def test_it_refuses(server: Server, api: Kubernetes, case: RemediationContext, change: dict[str, Any],
                    said: str) -> None:
    server.deployment["metadata"] |= change
    assert said in refusal(rollback.plan(case, HEALTHY, api))


def test_it_refuses_without_a_healthy_revision(api: Kubernetes, case: RemediationContext) -> None:
    assert "no earlier revision" in refusal(rollback.plan(case, Facts(), api))


def test_it_refuses_a_deployment_that_is_gone(case: RemediationContext) -> None:
    empty = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(
        lambda request: httpx.Response(404, json={}))), "https://k8s")
    assert "there is no Deployment" in refusal(rollback.plan(case, HEALTHY, empty))


def test_a_variable_that_differs_is_seen_to_differ_and_not_shown(server: Server, api: Kubernetes,
                                                                 case: RemediationContext) -> None:
    """Whatever its name is: STRIPE_KEY, DB_PWD and SIGNING_KEY once went to Slack, SNS and S3."""
    names = ("DB_PASSWORD", "STRIPE_KEY", "DB_PWD", "SIGNING_KEY", "GREETING", "MERCHANT_ID")
    for part, word in ((server.sets[0]["spec"]["template"], "1-old"),
                       (server.sets[2]["spec"]["template"], "2-new"),
                       (server.deployment["spec"]["template"], "2-new")):
        part["spec"]["containers"][0] |= {
            "env": [{"name": "DB_HOST", "value": "payments-db" + word}, {"name": "RETRIES", "value": word[0]},
                    *({"name": name, "value": f"sk_live_{word}-{name.lower()}"} for name in names)],
            "args": ["--api-key", f"word-{word}"]}
    diff = rollback.plan(case, HEALTHY, api).diff.text
    for name in names:
        assert f"env.{name}.value changed (not shown)" in diff
        assert f"-{name.lower()}" not in diff
    assert "word-" not in diff
    assert '+ template.spec.containers.c.env.DB_HOST.value: "payments-db1-old"' in diff
    assert '+ template.spec.containers.c.env.RETRIES.value: "1"' in diff
    allowed = replace(case, service=Allowing(case.service, ("GREET*",)))  # type: ignore[arg-type]
    assert '"sk_live' not in rollback.plan(allowed, HEALTHY, api).diff.text


@pytest.mark.parametrize(("uid", "generation"), [
    ("4111111111111111", 4111111111111111), ("3f2a8c1e-4111-4111-8111-111111111111", 1),
    ("a@b.example", 1764100800123)])
def test_identifiers_are_kept_as_they_are(server: Server, api: Kubernetes, case: RemediationContext, uid: str,
                                          generation: int) -> None:
    """What looks like a card is a uid: with a masked one every rollback ended as changed by somebody else."""
    server.deployment["metadata"] |= {"uid": uid, "generation": generation}
    plan = planned(rollback.plan(case, HEALTHY, api))
    before, parameters = json.loads(json.dumps([encode(plan.before), encode(plan.parameters)]))
    kept = replace(plan, before=decode(Before, before), parameters=decode(Parameters, parameters))
    assert kept == plan
    assert (plan.parameters.uid, plan.parameters.generation) == (uid, generation)
    rollback.apply(case, kept, api)
    assert len(server.patches) == 1


class Allowing:
    """A service whose configuration allows names to be shown."""

    def __init__(self, service: Service, names: tuple[str, ...]) -> None:
        self._service, self.shown_keys = service, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)


def test_a_revision_of_just_before_is_known_by_its_version_though_the_onset_is_known_roughly(
        server: Server, api: Kubernetes, case: RemediationContext) -> None:
    created = "2027-01-15T08:00:01Z"  # a second after NOW, which is where the period began that the symptom began in
    server.sets = [replica_set("a", 1, "1.0.0", created), replica_set("b", 2, "1.1.0", "2027-01-15T08:00:06Z")]
    server.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2"
    server.deployment["spec"]["template"] = deepcopy(server.sets[1]["spec"]["template"])
    plan = planned(rollback.plan(case, HEALTHY, api))
    assert plan.parameters.replica_set == "a"


def test_a_person_may_choose_among_the_revisions_that_are_known_to_have_been_healthy_and_no_other(
        api: Kubernetes, case: RemediationContext) -> None:
    healthy = Facts(("1.0.0", "1.1.0"))
    plan = planned(rollback.plan(case, healthy, api))
    choice = REMEDY.choice(OnRecord(plan.target, "payment-gateway", plan.before, plan.parameters))
    assert choice is not None and (choice.label, choice.planned) == ("Revision", 2)
    assert [(option.value, option.words) for option in choice.options] == [
        (2, "1.1.0 (revision 2)"), (1, "1.0.0 (revision 1)")]
    chosen = planned(rollback.plan(replace(case, chosen=1), healthy, api))
    assert (chosen.parameters.revision, chosen.parameters.replica_set) == (1, "a")
    for revision in (3, 4, 0):  # the bad one, and what is not there
        assert "not known to have been healthy" in refusal(rollback.plan(replace(case, chosen=revision), healthy, api))
    assert "not known to have been healthy" in refusal(
        rollback.plan(replace(case, chosen=1), Facts(("1.1.0",)), api))
    one = planned(rollback.plan(case, Facts(("1.1.0",)), api))
    assert REMEDY.choice(OnRecord(one.target, "payment-gateway", one.before, one.parameters)) is None
