"""Kubernetes as clusters have it: workloads of all kinds, sidecars, evicted pods, old ends, Events of either API.

Shapes: the Kubernetes API reference and the pages that each test names; Argo Rollouts' "Rollout Specification", AWS
Load Balancer Controller's "Pod readiness gate", Karpenter's "Disruption".
"""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.evidence import Detail, Evidence, Finding, Window
from responder.model.evidence.changes import Changes
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.cpu_over_limit import CpuOverLimit
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.limits import Limits
from responder.model.evidence.memory import Memory
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Pods, Sidecar
from responder.model.evidence.rollouts import Rollouts
from responder.model.images import parts_of, version_of
from responder.model.service import Component
from responder.sources import Query, kubernetes, rollouts, utilisation
from tests.conftest import shipped_service
from tests.diagnosis import change, seen
from tests.kubernetes_api import NAMESPACE, Api, Object, at, metadata, pod, replica_set, workload

NOW = 1_800_000_000.0
DAY = 86_400.0
OWNER = ("ReplicaSet", "pay-5d4")


def asked(*components: Component) -> Query:
    """A question about a service of these components, by default of ``pay`` alone."""
    service = replace(shipped_service(), components=components or (Component("pay"),), entry="pay")
    return Query(service, "diagnose", Window(NOW - 120, NOW), Window(NOW - 3720, NOW - 120), time.monotonic() + 60)


def one(findings: Any, kind: type[Detail], component: str = "pay") -> Any:
    """The only answer of a kind."""
    found, = Evidence(findings).asked(kind, component)
    return found


def look(api: Api, *components: Component) -> list[Finding[Detail]]:
    """What the source says."""
    return kubernetes.collect(asked(*components), api.client())


def told(findings: list[Finding[Detail]], *more: Finding[Any]) -> set[str]:
    """The ids of the signals of ``pay`` in itself."""
    return set(seen(asked().service, "pay", *findings, *more))


def cluster(*pods: Object, wanted: int = 3, containers: list[Object] | None = None, **objects: list[Object]) -> Api:
    """A Deployment ``pay`` with these pods, and one node."""
    api = Api(deployments=[workload("pay", wanted, containers=containers)],
              replicasets=[replica_set("pay-5d4", ("Deployment", "pay"))], pods=[*pods],
              nodes=[node("node-1")])
    for plural, items in objects.items():
        api.put(plural, *items)
    return api


def node(name: str, ready: str = "True", since: float = NOW - DAY, created: float = NOW - DAY, *taints: str,
         **more: Any) -> Object:
    return {"metadata": {"name": name, "creationTimestamp": at(created), **more},
            "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
            "status": {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": at(since)}]}}


def ended(reason: str, moment: float, code: int = 137) -> Object:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": at(moment)}}


def status(name: str = "app", ready: bool = True, restarts: int = 0, **state: Any) -> Object:
    """A container's status; it runs unless ``state`` says otherwise."""
    return {"name": name, "ready": ready, "restartCount": restarts,
            "state": {"running": {"startedAt": at(NOW - DAY)}}, **state}


# --- workloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readable", [True, False])
def test_the_pods_of_a_rollout_are_ready_though_its_deployment_is_at_0(readable: bool) -> None:
    sets = replica_set("pay-5d4", ("Rollout", "pay"), **{"rollout.argoproj.io/revision": "7"})
    sets["status"] = {"replicas": 3, "readyReplicas": 3}
    api = Api(deployments=[workload("pay", 0)], replicasets=[sets], pods=[pod(f"p{n}", OWNER) for n in range(3)],
              nodes=[node("node-1")])
    if readable:
        api.put("rollouts", workload("pay", 3, template=None, workloadRef={"kind": "Deployment", "name": "pay"}))
    found = look(api)
    assert (one(found, Pods).detail.wanted, one(found, Pods).detail.ready) == (3, 3)
    assert one(found, Pods).detail.workload == "rollout/pay"
    assert "scaled_to_nothing" not in told(found) and "pods_are_ready" in told(found)


def test_a_deployment_at_0_that_nothing_stands_for_is_scaled_to_nothing() -> None:
    assert "scaled_to_nothing" in told(look(cluster(wanted=0)))


def test_pods_of_a_statefulset_are_told_by_their_revision() -> None:
    labelled = pod("pay-0", ("StatefulSet", "pay"), ready=False)
    labelled["metadata"]["labels"] |= {"controller-revision-hash": "pay-7d9"}
    found = look(Api(statefulsets=[workload("pay", 1)], pods=[labelled], nodes=[node("node-1")]))
    detail = one(found, Pods).detail
    assert (detail.workload, detail.wanted, detail.ready) == ("statefulset/pay", 1, 0)
    assert {hash: list(pods) for hash, pods in detail.templates.items()} == {"pay-7d9": [0, 1]}
    assert "pods_fail_probe" in told(found)


def test_a_workload_that_is_not_there_is_no_observation() -> None:
    found = one(look(Api()), Pods)
    assert (found.status, found.detail) == ("empty", Pods()) and "there is no Deployment" in found.note


def test_each_namespace_is_read_once_and_a_component_is_found_in_its_own() -> None:
    api = cluster(pod("a", OWNER), wanted=1)
    other = workload("ledger", 1)
    other["metadata"]["namespace"] = "books"
    api.put("statefulsets", other)
    found = look(api, Component("pay"), Component("ledger", namespace="books"))
    assert one(found, Pods, "ledger").detail.workload == "statefulset/ledger"
    assert one(found, Pods).detail.ready == 1
    # Events are read as warnings, and as those that tell of killed containers.
    assert (api.asked["api/v1/pods"], api.asked["api/v1/events"]) == (2, 4)
    # The third is the cluster's own add-ons'.
    assert api.asked["apis/apps/v1/deployments"] == 3
    assert len([finding for finding in found if isinstance(finding.detail, Limits)]) == 1


def test_the_preview_of_a_blue_green_rollout_does_not_serve() -> None:
    item = workload("pay", 2)
    item["status"] |= {"blueGreen": {"activeSelector": "old", "previewSelector": "new"}}
    pods = [pod(f"{hash}-{n}", ("ReplicaSet", f"pay-{hash}"), ready=hash == "new") for hash in ("old", "new")
            for n in range(2)]
    for one_pod in pods:
        one_pod["metadata"]["labels"] |= {"rollouts-pod-template-hash": one_pod["metadata"]["name"][:3]}
    api = Api(rollouts=[item], pods=pods, nodes=[node("node-1")],
              replicasets=[replica_set(f"pay-{hash}", ("Rollout", "pay")) for hash in ("old", "new")])
    found = look(api)
    assert (one(found, Pods).detail.wanted, one(found, Pods).detail.ready) == (2, 0)


def test_a_workload_that_was_there_is_gone() -> None:
    assert "workload_gone" not in told(look(Api(nodes=[node("node-1")])))
    earlier = replace(one(look(cluster(pod("p", OWNER), wanted=1)), Pods), window=Window(NOW - 300, NOW - 60))
    ids = told(look(Api(nodes=[node("node-1")])), earlier)
    assert "workload_gone" in ids and "pods_are_ready" not in ids
    deleted: Finding[Any] = Finding(source="changes", window=Window(NOW - 120, NOW), detail=Changes(
        (change("StatefulSet", "pay", what="deleted", at=NOW - 60),)))
    assert "workload_gone" in told(look(Api(nodes=[node("node-1")])), deleted)


def test_a_namespace_that_may_not_be_read_is_said_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    api = cluster(pod("a", OWNER), wanted=1)
    answer = Api._answer
    monkeypatch.setattr(Api, "_answer", lambda self, request: httpx.Response(403, json={}) if "/books/" in str(
        request.url) else answer(self, request))
    found = look(api, Component("pay"), Component("ledger", namespace="books"))
    assert (one(found, Pods, "ledger").status, one(found, Pods).status) == ("unauthorized", "ok")


def test_a_rollouts_autoscaler_is_its_components() -> None:
    api = Api(rollouts=[workload("pay-rollout", 4, labels={"app.kubernetes.io/name": "pay"})], nodes=[node("node-1")])
    api.put("horizontalpodautoscalers", {"metadata": metadata("h"), "spec": {
        "scaleTargetRef": {"kind": "Rollout", "name": "pay-rollout"}, "maxReplicas": 4},
        "status": {"currentReplicas": 4}})
    assert "autoscaler_at_maximum" in told(look(api))


# --- pods that are over, old ends ------------------------------------------------------------------------------------


def test_pods_that_are_over_are_no_pods() -> None:
    dead = [pod(f"a-e{n}", OWNER, ready=False, phase="Failed", reason="Evicted", statuses=[
        status(ready=False, state=ended("Error", NOW - 10))]) for n in range(2)]
    done = pod("done", OWNER, ready=False, phase="Succeeded")
    detail = one(look(cluster(*dead, done, pod("a-z2", OWNER, ready=False), wanted=1)), Pods).detail
    assert (detail.failing, detail.probing, detail.terminated) == (("a-z2",), 1, {})
    assert sum(pods.all for pods in detail.templates.values()) == 1
    assert "2 Evicted" in one(look(cluster(*dead)), Pods).note


@given(st.lists(st.sampled_from(["Failed", "Succeeded"]), max_size=4), st.integers(0, 3))
@settings(max_examples=25)
def test_whatever_pods_are_over_the_rest_is_read_as_without_them(phases: list[str], ready: int) -> None:
    staying = [pod(f"p{n}", OWNER, ready=n < ready) for n in range(3)]
    over = [pod(f"o{n}", OWNER, ready=False, phase=phase, reason="Evicted") for n, phase in enumerate(phases)]
    assert one(look(cluster(*over, *staying)), Pods).detail == one(look(cluster(*staying)), Pods).detail


@pytest.mark.parametrize(("container", "killed"), [
    (status(ready=False, restarts=4, lastState=ended("OOMKilled", NOW - 20 * DAY)), False),
    (status(ready=False, restarts=4, lastState=ended("OOMKilled", NOW - 60)), True),
    (status(ready=False, restarts=4, state=ended("OOMKilled", NOW - 20 * DAY)), True),
    (status(ready=False, restarts=4, state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState=ended("OOMKilled", NOW - 280)), True)],
    ids=["runs since", "of now", "is down since", "waits for its next start"])
def test_a_container_was_killed_for_memory_if_that_was_of_late(container: Object, killed: bool) -> None:
    found = look(cluster(pod("a", OWNER, ready=False, statuses=[container]), wanted=1))
    assert ("pods_oom_killed" in told(found)) is killed
    assert ("OOMKilled" in one(found, Pods).detail.terminated) is killed


def test_restarts_are_counted_by_their_times_where_they_are_known() -> None:
    old = pod("old", OWNER, statuses=[status(restarts=40, lastState=ended("Error", NOW - 5 * DAY))])
    again = pod("again", OWNER, statuses=[status(restarts=40, lastState=ended("Error", NOW - 30))])
    young = pod("young", OWNER, statuses=[status(restarts=3, lastState=ended("Error", NOW - 30))])
    for item, created in ((old, NOW - 9 * DAY), (again, NOW - 9 * DAY), (young, NOW - 100)):
        item["metadata"]["creationTimestamp"] = at(created)
    assert one(look(cluster(old)), Pods).detail.restarts == 0
    assert one(look(cluster(old, again, young)), Pods).detail.restarts == 0 + 1 + 3


# --- sidecars --------------------------------------------------------------------------------------------------------

PROXY = {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0"}


def with_proxy(name: str, proxy: Object, app: Object | None = None, *, ready: bool = False,
               native: bool = False) -> Object:
    """A pod into which Istio put its proxy, as a container or as an init container that goes on."""
    item = pod(name, OWNER, ready=ready, statuses=[app or status()])
    if native:
        item["spec"]["initContainers"] = [{**PROXY, "restartPolicy": "Always"}]
        item["status"]["initContainerStatuses"] = [proxy]
    else:
        item["spec"]["containers"].append(PROXY)
        item["status"]["containerStatuses"].append(proxy)
    return item


CRASHING = status("istio-proxy", False, 6, state={"waiting": {"reason": "CrashLoopBackOff"}},
                  lastState=ended("OOMKilled", NOW - 30))


@pytest.mark.parametrize("native", [False, True], ids=["container", "init container"])
def test_what_a_sidecar_does_is_told_as_the_sidecars(native: bool) -> None:
    pods = [with_proxy(f"p{n}", CRASHING, native=native) for n in range(2)]
    found = look(cluster(*pods, wanted=2))
    detail = one(found, Pods).detail
    assert (detail.waiting, detail.terminated, detail.restarts, detail.probing, detail.preparing) == ({}, {}, 0, 0, 0)
    assert detail.sidecars == {"istio-proxy": Sidecar(2, 2, {"CrashLoopBackOff": 2}, {"OOMKilled": 2})}
    ids = told(found)
    assert "pods_blocked_by_sidecar" in ids
    assert not ids & {"pods_crash", "pods_oom_killed", "pods_fail_probe", "pods_fell", "pods_held_by_init"}


def test_an_application_that_crashes_beside_a_healthy_sidecar_is_at_fault_itself() -> None:
    crashing = {**CRASHING, "name": "app"}
    found = look(cluster(with_proxy("p", status("istio-proxy"), crashing), wanted=1))
    assert {"pods_crash", "pods_oom_killed"} <= told(found)
    assert "pods_blocked_by_sidecar" not in told(found) and one(found, Pods).detail.sidecars == {}


@given(st.integers(0, 50), st.booleans(), st.sampled_from(["CrashLoopBackOff", "ImagePullBackOff", ""]), st.booleans())
@settings(max_examples=25)
def test_whatever_a_sidecar_does_the_application_is_read_as_without_it(restarts: int, ready: bool, reason: str,
                                                                       native: bool) -> None:
    state = {"waiting": {"reason": reason}} if reason else {"running": {"startedAt": at(NOW - 60)}}
    proxy = status("istio-proxy", ready, restarts, state=state, lastState=ended("OOMKilled", NOW - 10))
    crashing = {**CRASHING, "name": "app"}
    beside = one(look(cluster(with_proxy("p", proxy, crashing, native=native), wanted=1)), Pods).detail
    alone = one(look(cluster(pod("p", OWNER, ready=False, statuses=[crashing]), wanted=1)), Pods).detail
    assert replace(beside, sidecars={}) == alone


def test_an_init_container_that_has_not_ended_holds_a_pod_and_one_that_goes_on_does_not() -> None:
    def held(spec: Object, first: Object) -> int:
        item = pod("p", OWNER, ready=False, statuses=[status(ready=False, state={"waiting": {
            "reason": "PodInitializing"}})])
        item["spec"]["initContainers"] = [spec]
        item["status"]["initContainerStatuses"] = [first]
        item["status"]["conditions"][1]["status"] = "False"
        preparing: int = one(look(cluster(item, wanted=1)), Pods).detail.preparing
        return preparing

    assert held({"name": "migrate"}, status("migrate", False)) == 1
    assert held({**PROXY, "restartPolicy": "Always"}, status("istio-proxy", False)) == 0


def test_a_pod_that_waits_for_a_load_balancers_gate_fails_no_probe() -> None:
    gate = "target-health.elbv2.k8s.aws/k8s-payments-pay-0123456789"
    item = pod("p", OWNER, ready=False, statuses=[status()])
    item["spec"]["readinessGates"] = [{"conditionType": gate}]
    item["status"]["conditions"] += [{"type": "ContainersReady", "status": "True"},
                                     {"type": gate, "status": "False", "reason": "Target.FailedHealthChecks"}]
    found = look(cluster(item, wanted=1))
    assert one(found, Pods).detail.gates == (gate,)
    assert "pods_wait_for_gate" in told(found) and not told(found) & {"pods_fail_probe", "pods_fell"}


# --- Services --------------------------------------------------------------------------------------------------------


def service_of(name: str, selector: dict[str, str] | None = None, port: int | str = 8080, **spec: Any) -> Object:
    selector = {"app": "pay"} if selector is None else selector
    return {"metadata": metadata(name), "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": port}],
                                                 **spec}}


def slice_of(service: str, *addresses: str, ready: bool | None = True, kind: str = "IPv4") -> Object:
    conditions = {} if ready is None else {"ready": ready}
    return {"metadata": metadata(f"{service}-{kind}-{len(addresses)}", labels={"kubernetes.io/service-name": service}),
            "addressType": kind, "endpoints": [{"addresses": [one], "conditions": conditions} for one in addresses]}


def behind(*services: Object, slices: list[Object] | None = None, component: Component | None = None,
           **objects: list[Object]) -> tuple[Finding[Endpoints], set[str]]:
    """What stands behind the component's Service, and the signals."""
    api = cluster(*(pod(f"p{n}", OWNER) for n in range(3)), services=[*services], endpointslices=slices or [],
                  **objects)
    found = look(api, component or Component("pay"))
    return one(found, Endpoints), told(found)


def test_a_service_of_any_name_is_found_by_its_selector() -> None:
    found, ids = behind(service_of("myrelease-pay"), service_of("other", {"app": "other"}), slices=[
        slice_of("myrelease-pay", "10.0.0.1", "10.0.0.2", "10.0.0.3")])
    assert (found.detail.exists, found.detail.ready, found.detail.service) == (True, 3, "myrelease-pay")
    assert not ids & {"service_missing", "service_selects_nothing", "service_port_misfit"}


def test_a_workload_without_a_service_is_no_finding_unless_one_was_known() -> None:
    found, ids = behind()
    assert found.status == "empty" and "service_missing" not in ids
    configured, ids = behind(service_of("myrelease-pay"), component=Component("pay", service="pay-front"))
    assert (configured.status, configured.detail.exists) == ("ok", False) and "service_missing" in ids
    deleted: Finding[Any] = Finding(source="changes", window=Window(NOW - 120, NOW), detail=Changes(
        (change("Service", "pay", what="deleted", at=NOW - 60),)))
    gone = look(cluster(pod("p", OWNER)))
    assert "service_missing" in told(gone, deleted)
    earlier = replace(behind(service_of("pay"))[0], window=Window(NOW - 300, NOW - 60))
    assert "service_missing" in told(gone, earlier)


def test_services_that_may_not_be_read_are_not_missing() -> None:
    api = cluster(pod("p", OWNER))
    api.refused = {"api/v1/services"}
    assert one(look(api), Endpoints).status == "unauthorized" and "service_missing" not in told(look(api))


def test_a_service_with_the_name_that_selects_nothing_is_told_though_another_selects() -> None:
    found, ids = behind(service_of("pay", {"app": "typo"}), service_of("pay-headless", clusterIP="None"))
    assert found.detail.service == "pay" and "service_selects_nothing" in ids
    found, _ = behind(service_of("pay-headless", clusterIP="None"), service_of("web"))
    assert found.detail.service == "web"


def test_a_service_that_is_another_hosts_name_selects_nothing_by_intention() -> None:
    found, ids = behind(service_of("pay", {}, type="ExternalName", externalName="pay.example"))
    assert found.status == "empty" and not ids & {"service_selects_nothing", "service_missing"}


def test_slices_are_counted_once_for_each_address() -> None:
    found, _ = behind(service_of("pay"), slices=[
        slice_of("pay", "10.0.0.1", "10.0.0.2", ready=None), slice_of("pay", "10.0.0.2", ready=False),
        slice_of("pay", "10.0.0.3", ready=False), slice_of("pay", "fd00::1", "fd00::2", kind="IPv6")])
    assert (found.detail.ready, found.detail.not_ready) == (2, 1)


def test_endpoints_are_read_where_there_are_no_slices() -> None:
    api = cluster(pod("p", OWNER), services=[service_of("pay")], endpoints=[
        {"metadata": metadata("pay"), "subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}])
    api.refused = {"apis/discovery.k8s.io/v1/endpointslices"}
    assert one(look(api), Endpoints).detail.ready == 1
    assert api.asked["api/v1/endpoints"] == 1


def test_a_port_that_containers_do_not_declare_fits_where_an_address_is_ready() -> None:
    containers = [{"name": "app", "image": "x:1", "ports": [{"containerPort": 9000, "name": "http"}]}]
    for addresses, fits in ((["10.0.0.1"], True), ([], False)):
        api = cluster(*(pod(f"p{n}", OWNER) for n in range(3)), containers=containers, services=[
            service_of("pay", port="web")], endpointslices=[slice_of("pay", *addresses)])
        assert one(look(api), Endpoints).detail.fits is fits


# --- Events ----------------------------------------------------------------------------------------------------------

ABOUT = {"kind": "Pod", "name": "p0", "namespace": NAMESPACE}
WITH_SERIES: Object = {"metadata": {"name": "e", "creationTimestamp": at(NOW - 1800)}, "reason": "FailedScheduling",
                       "involvedObject": ABOUT, "eventTime": "2027-01-15T07:30:00.000000Z", "firstTimestamp": None,
                       "lastTimestamp": None, "series": {"count": 31,
                                                         "lastObservedTime": "2027-01-15T07:59:55.123456Z"}}


def warnings(*events: Object) -> dict[str, int]:
    found: dict[str, int] = one(look(cluster(pod("p0", OWNER), events=[
        {**event, "metadata": {**event["metadata"], "namespace": NAMESPACE}} for event in events])), Pods).detail.events
    return found


def test_an_event_with_a_series_is_of_the_window_in_which_it_was_last_observed() -> None:
    assert warnings(WITH_SERIES) == {"FailedScheduling": 2}
    old = copy.deepcopy(WITH_SERIES)
    old["series"]["lastObservedTime"] = "2027-01-15T07:50:00.000000Z"
    assert warnings(old) == {}


def test_an_event_counts_for_what_fell_into_the_window_and_not_for_all_its_life() -> None:
    back_off = {"metadata": {"name": "b", "creationTimestamp": at(NOW - 9 * DAY)}, "reason": "BackOff", "count": 4117,
                "firstTimestamp": at(NOW - 9 * DAY), "lastTimestamp": at(NOW - 5), "involvedObject": ABOUT}
    assert warnings(back_off) == {"BackOff": 1}
    assert warnings({**back_off, "count": 7, "firstTimestamp": at(NOW - 100)}) == {"BackOff": 7}


def test_events_of_the_newer_api_are_read_as_well() -> None:
    newer = {"metadata": {"name": "n"}, "reason": "FailedCreate",
             "regarding": {"kind": "ReplicaSet", "name": "pay-5d4"}, "eventTime": at(NOW - 30),
             "note": "exceeded quota", "deprecatedCount": 3,
             "deprecatedFirstTimestamp": at(NOW - 30), "deprecatedLastTimestamp": at(NOW - 10)}
    assert warnings(newer) == {"FailedCreate": 3}


# --- images, revisions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("image", "version"), [
    ("ghcr.io/x/pay:6.1.5@sha256:aaaa", "6.1.5"), ("ghcr.io/x/pay@sha256:aaaa", "sha256:aaaa"),
    ("registry.example:5000/x/pay:6.1.5", "6.1.5"), ("registry.example:5000/x/pay", "latest"),
    ("pay", "latest"), ("", "")])
def test_the_tag_of_an_image_is_its_version_and_the_digest_where_there_is_none(image: str, version: str) -> None:
    assert version_of(image) == version


_WORD = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.lists(_WORD, min_size=1, max_size=3), st.sampled_from(["", ":5000"]), st.sampled_from(["", "6.1.5", "v2"]),
       st.sampled_from(["", "sha256:" + "ab" * 32]))
def test_the_parts_of_an_image_make_it_up(path: list[str], port: str, tag: str, digest: str) -> None:
    repository = "/".join([f"registry.example{port}", *path])
    image = repository + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert tuple(parts_of(image)) == (repository, tag, digest)
    assert version_of(image) == (tag or digest or "latest")


def controller_revision(name: str, owner: tuple[str, str], number: int, image: str) -> Object:
    return {"metadata": metadata(name, owner, creationTimestamp=at(NOW - 1000 * number)), "revision": number,
            "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [
                {"name": "istio-proxy", "image": "istio/proxyv2:1"}, {"name": "app", "image": image}]}}}}}


def revisions(api: Api) -> list[tuple[int, bool, str]]:
    """Number, whether it is the current one, and the application's image, newest first."""
    found = one(rollouts.collect(asked(), api.client()), Rollouts)
    return [(revision.revision, revision.current, revision.images[0]) for revision in found.detail.revisions]


@pytest.mark.parametrize(("kind", "plural"), [("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets")])
def test_other_kinds_have_their_revisions_from_controller_revisions(kind: str, plural: str) -> None:
    item = workload("pay")
    api = Api(**{plural: [item]}, controllerrevisions=[
        controller_revision("pay-a", (kind, "pay"), 1, "x/pay:1"),
        controller_revision("pay-b", (kind, "pay"), 2, "x/pay:2"),
        controller_revision("o", (kind, "other"), 9, "x/other:9")])
    assert revisions(api) == [(2, True, "x/pay:2"), (1, False, "x/pay:1")]
    api.refused = {"apis/apps/v1/controllerrevisions"}
    refused = one(rollouts.collect(asked(), api.client()), Rollouts)
    assert refused.status == "empty" and "may not be read" in refused.note


def test_a_rollout_that_was_aborted_serves_the_revision_before() -> None:
    sets = [replica_set(f"pay-{hash}", ("Rollout", "pay"), **{"rollout.argoproj.io/revision": number})
            for hash, number in (("aaa", "6"), ("bbb", "7"))]
    for item in sets:
        item["metadata"]["labels"] = {"rollouts-pod-template-hash": item["metadata"]["name"][4:]}
    rollout = workload("pay")
    rollout["metadata"]["annotations"] = {"rollout.argoproj.io/revision": "7"}
    rollout["status"] |= {"stableRS": "aaa", "currentPodHash": "bbb"}
    api = Api(rollouts=[rollout], replicasets=sets)
    assert [row[:2] for row in revisions(api)] == [(7, True), (6, False)]
    rollout["status"]["abort"] = True
    assert [row[:2] for row in revisions(api)] == [(7, False), (6, True)]


def test_a_history_that_is_not_kept_is_said_and_is_no_fault() -> None:
    item = workload("pay", revisionHistoryLimit=0)
    item["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "5"}
    api = Api(deployments=[item], replicasets=[
        replica_set("pay-5d4", ("Deployment", "pay"), **{"deployment.kubernetes.io/revision": "5"})])
    found = one(rollouts.collect(asked(), api.client()), Rollouts)
    assert found.status == "ok" and "revisionHistoryLimit: 0" in found.note


def test_flagger_owns_its_primary() -> None:
    api = Api(deployments=[workload("pay", 0), workload("pay-primary", 3, owner=("Canary", "pay"))])
    assert one(rollouts.collect(asked(), api.client()), Rollouts).detail.owner == "Flagger"


# --- nodes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("item", "kind"), [
    (node("n", "Unknown", NOW - 60), "not_ready"),
    (node("n", "False", NOW - 30, NOW - 30, "node.cloudprovider.kubernetes.io/uninitialized"), "coming"),
    (node("n", "False", NOW - 20, NOW - 60, "karpenter.sh/unregistered"), "coming"),
    (node("n", "False", NOW - 60, NOW - 60, "node.kubernetes.io/not-ready"), "coming"),
    (node("n", "False", NOW - 10, NOW - 300), "not_ready"),
    (node("n", "False", NOW - DAY, NOW - DAY, "node.cilium.io/agent-not-ready"), "not_ready"),
    (node("n", "Unknown", NOW - 10, NOW - DAY, "karpenter.sh/disrupted"), "going"),
    (node("n", "Unknown", NOW - 10, NOW - DAY, "ToBeDeletedByClusterAutoscaler"), "going"),
    (node("n", "Unknown", NOW - 10, NOW - DAY, "aws-node-termination-handler/spot-itn"), "going"),
    (node("n", "Unknown", NOW - 10, deletionTimestamp=at(NOW - 20)), "going")],
    ids=["silent", "uninitialized", "unregistered", "never ready yet", "was ready", "long not ready", "disrupted",
         "scaled down", "interrupted", "deleted"])
def test_nodes_that_an_autoscaler_brings_or_takes_are_not_down(item: Object, kind: str) -> None:
    found = look(cluster(pod("p", OWNER, node="n"), wanted=2, nodes=[item]))
    nodes = one(found, Nodes, "").detail
    assert {name: getattr(nodes, name) for name in ("not_ready", "coming", "going")} == {
        name: ("n",) if name == kind else () for name in ("not_ready", "coming", "going")}
    assert ("nodes_not_ready" in told(found)) is (kind == "not_ready")


def test_a_condition_that_says_that_all_is_well_is_no_pressure() -> None:
    item = node("n")
    item["status"]["conditions"] += [{"type": kind, "status": "True"} for kind in ("StorageReady", "PIDPressure")]
    assert one(look(cluster(nodes=[item])), Nodes, "").detail.pressure == {"PIDPressure": ("n",)}


# --- use of CPU and memory -------------------------------------------------------------------------------------------

LIMITED = {"name": "app", "image": "x:1", "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}}}
USE = [{"name": "app", "usage": {"cpu": "180m", "memory": "300000Ki"}},
       {"name": "istio-proxy", "usage": {"cpu": "260m", "memory": "190Mi"}}]


@pytest.fixture
def no_insights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utilisation, "_insights", lambda *_: [])


def used(api: Api, *containers: Object, name: str = "p", taken: float = NOW - 15) -> list[Finding[Detail]]:
    api.put("apis/metrics.k8s.io/v1beta1/nodes")
    api.put("apis/metrics.k8s.io/v1beta1/pods", {"metadata": metadata(name), "timestamp": at(taken), "window": "15s",
                                                 "containers": [*containers]})
    return utilisation.collect(asked(), api.client())


@pytest.mark.usefixtures("no_insights")
def test_the_share_of_the_limit_is_the_applications() -> None:
    item = with_proxy("p", status("istio-proxy"), ready=True)
    item["spec"]["containers"] = [LIMITED, {**PROXY, "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}]
    api = cluster(item, containers=[LIMITED])
    found = used(api, *USE)
    assert (one(found, Cpu).value, one(found, Memory).value) == (0.36, 0.572)
    assert one(found, Cpu).detail.container == "app" and one(found, Cpu).detail.sidecars == {"istio-proxy": 0.13}
    assert "cpu_at_limit" not in told(found)


@pytest.mark.usefixtures("no_insights")
def test_a_sidecar_at_its_limit_is_told_as_the_sidecars() -> None:
    item = with_proxy("p", status("istio-proxy"), ready=True)
    item["spec"]["containers"] = [LIMITED, {**PROXY, "resources": {"limits": {"cpu": "270m"}}}]
    found = used(cluster(item, containers=[LIMITED]), *USE)
    whole: Finding[Any] = Finding(source="utilisation", component="pay", unit="%", value=95.0, detail=CpuOverLimit())
    assert "sidecar_cpu_at_limit" in told(found, whole) and "cpu_at_limit" not in told(found, whole)
    assert "cpu_at_limit" in told([], whole)


@pytest.mark.usefixtures("no_insights")
def test_pods_belong_to_a_workload_by_their_owner_and_not_by_their_name() -> None:
    mine, other = pod("p", OWNER), pod("pay-migrate-abcde", ("Job", "pay-migrate"))
    mine["spec"]["containers"] = other["spec"]["containers"] = [LIMITED]
    api = cluster(mine, other, containers=[LIMITED])
    api.put("apis/metrics.k8s.io/v1beta1/pods", {"metadata": metadata("pay-migrate-abcde"), "containers": USE[:1]})
    assert one(used(api, *USE[:1]), Cpu).detail.pods == 1


@pytest.mark.usefixtures("no_insights")
def test_what_a_pod_was_resized_to_is_its_limit() -> None:
    item = pod("p", OWNER, statuses=[status(resources={"limits": {"cpu": "1", "memory": "1Gi"}})])
    item["spec"]["containers"] = [LIMITED]
    assert one(used(cluster(item, containers=[LIMITED]), *USE[:1]), Cpu).value == 0.18


@pytest.mark.usefixtures("no_insights")
def test_a_measure_that_is_old_is_of_a_pod_that_is_lost() -> None:
    assert one(used(cluster(pod("p", OWNER)), *USE[:1], taken=NOW - 900), Cpu).status == "empty"


@pytest.mark.usefixtures("no_insights")
def test_where_pods_may_not_be_read_their_names_tell_whose_they_are() -> None:
    api = cluster(containers=[LIMITED])
    api.refused = {"api/v1/pods"}
    found = used(api, *USE, name="pay-5d4-abcde")
    assert one(found, Cpu).value == 0.36


@pytest.mark.usefixtures("no_insights")
def test_of_many_pods_only_the_measures_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utilisation, "_MANY", 1)
    api = cluster(containers=[LIMITED], statefulsets=[workload("ledger", containers=[LIMITED])])
    api.put("apis/metrics.k8s.io/v1beta1/pods", *(
        {"metadata": metadata(name), "containers": USE[:1]} for name in (
            "pay-5d4-aaaaa", "pay-5d4-bbbbb", "pay-migrate-ccccc", "ledger-0")))
    api.put("apis/metrics.k8s.io/v1beta1/nodes")
    found = utilisation.collect(asked(Component("pay"), Component("ledger")), api.client())
    assert [one(found, Cpu, name).detail.pods for name in ("pay", "ledger")] == [2, 1]
    assert one(found, Cpu).value == 0.36 and api.asked["api/v1/pods"] == 0
