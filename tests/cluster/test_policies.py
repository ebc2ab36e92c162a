"""What each of the responder's groups may change in the cluster, and what not, by the real API server.

Nothing here happens (dry run). What an admission policy has to refuse is refused by it and by nothing else: the same
request of the administrator passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.places import NAMESPACE
from tests.cluster.conftest import DEPLOYMENTS, Api, Object

Mutate = Callable[[Object], Any]
HARDENED = f"{DEPLOYMENTS}/hardened"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
SCALERS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
POLICIES = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"
BUDGETS = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
OTHER_WORKLOAD: Object = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "22222222"}


def pod(item: Object) -> Object:
    found: Object = item["spec"]["template"]["spec"]
    return found


def app(item: Object) -> Object:
    found: Object = pod(item)["containers"][0]
    return found


def note(item: Object, key: str, value: str = "i/1") -> None:
    item["metadata"].setdefault("annotations", {})[key] = value


def security(item: Object, **values: Any) -> None:
    app(item).setdefault("securityContext", {}).update(values)


# --- what no group that writes Deployments may change --------------------------------------------------------------

OUTSIDE: dict[str, Mutate] = {
    "a label": lambda d: d["metadata"]["labels"].update(app="other"),
    "a label more": lambda d: d["metadata"]["labels"].update({"argocd.argoproj.io/instance": "x"}),
    "an annotation of the team": lambda d: note(d, "team", "others"),
    "an annotation less": lambda d: d["metadata"]["annotations"].pop("team"),
    "an annotation more": lambda d: note(d, "example.com/hook"),
    "another remedy's annotation": lambda d: note(d, "incident-responder/closed"),
    "a finalizer": lambda d: d["metadata"].update(finalizers=["example.com/never"]),
    "an owner": lambda d: d["metadata"].update(ownerReferences=[OTHER_WORKLOAD]),
    "readiness time": lambda d: d["spec"].update(minReadySeconds=7),
    "history": lambda d: d["spec"].update(revisionHistoryLimit=0),
    "progress deadline": lambda d: d["spec"].update(progressDeadlineSeconds=5),
}
STRATEGY: dict[str, Mutate] = {
    "strategy": lambda d: d["spec"].update(strategy={"type": "Recreate"}),
    "paused": lambda d: d["spec"].update(paused=True)}
REPLICAS: dict[str, Mutate] = {"replicas": lambda d: d["spec"].update(replicas=9)}
# --- what no template may gain -------------------------------------------------------------------------------------
GAINED: dict[str, Mutate] = {
    "privileged": lambda d: security(d, privileged=True, allowPrivilegeEscalation=True),
    "escalation": lambda d: security(d, allowPrivilegeEscalation=True),
    "root": lambda d: security(d, runAsUser=0, runAsNonRoot=False),
    "root by the pod": lambda d: pod(d).update(securityContext={"runAsUser": 0}),
    "a capability": lambda d: security(d, capabilities={"add": ["SYS_ADMIN"]}),
    "an unconfined profile": lambda d: security(d, seccompProfile={"type": "Unconfined"}),
    "an unconfined pod": lambda d: pod(d)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "no AppArmor": lambda d: security(d, appArmorProfile={"type": "Unconfined"}),
    "SELinux": lambda d: security(d, seLinuxOptions={"type": "spc_t"}),
    "a sysctl": lambda d: pod(d)["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "the host's network": lambda d: pod(d).update(hostNetwork=True),
    "the host's processes": lambda d: pod(d).update(hostPID=True),
    "the host's IPC": lambda d: pod(d).update(hostIPC=True),
    "a host port": lambda d: app(d)["ports"][0].update(hostPort=8080),
    "a host path": lambda d: pod(d)["volumes"].append({"name": "h", "hostPath": {"path": "/"}}),
    "an NFS volume": lambda d: pod(d)["volumes"].append({"name": "n", "nfs": {"server": "x", "path": "/"}}),
    "a claim": lambda d: pod(d)["volumes"].append({"name": "c", "persistentVolumeClaim": {"claimName": "x"}}),
    "a token": lambda d: pod(d)["volumes"].append({"name": "t", "projected": {"sources": [
        {"serviceAccountToken": {"path": "t", "audience": "sts.amazonaws.com"}}]}}),
    "a CSI volume": lambda d: pod(d)["volumes"].append({"name": "s", "csi": {"driver": "secrets-store"}}),
    "another account": lambda d: pod(d).update(serviceAccountName="admin", serviceAccount="admin"),
    "no account": lambda d: [pod(d).pop(key) for key in ("serviceAccountName", "serviceAccount")],
    "a mounted token": lambda d: pod(d).update(automountServiceAccountToken=True),
    "a node": lambda d: pod(d).update(nodeName="node-a"),
    "a runtime": lambda d: pod(d).update(runtimeClassName="other"),
    "pull secrets": lambda d: pod(d).update(imagePullSecrets=[{"name": "other"}]),
    "a container": lambda d: pod(d)["containers"].append({"name": "more", "image": app(d)["image"]}),
    "an init container": lambda d: pod(d)["initContainers"].append({"name": "more", "image": app(d)["image"]}),
    "another repository": lambda d: app(d).update(image="registry.example:5000/payments/other:1.2.3"),
    "another registry": lambda d: app(d).update(image="evil.example/payments/hardened:1.2.3"),
    "a registry without its port": lambda d: app(d).update(image="registry.example/payments/hardened:1.2.3"),
    "a repository in a repository": lambda d: app(d).update(image="registry.example:5000/payments/hardened/x:1.2.3"),
    "another init image": lambda d: pod(d)["initContainers"][0].update(image="registry.example:5000/tools/sh:1.0"),
    "a command": lambda d: app(d).update(command=["sh", "-c", "id"]),
    "another init command": lambda d: pod(d)["initContainers"][0].update(command=["sh", "-c", "id"]),
    "a priority of the system": lambda d: pod(d).update(priorityClassName="system-node-critical"),
    "a device": lambda d: pod(d).update(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]),
    "a profile by an annotation": lambda d: d["spec"]["template"]["metadata"]["annotations"].update(
        {"container.apparmor.security.beta.kubernetes.io/app": "unconfined"}),
    "a hook": lambda d: app(d).update(lifecycle={"postStart": {"exec": {"command": ["id"]}}}),
    "a probe that runs something": lambda d: app(d).update(livenessProbe={"exec": {"command": ["id"]}}),
}
# --- what a template may be given back -----------------------------------------------------------------------------
BACK: dict[str, Mutate] = {
    "another tag": lambda d: app(d).update(image="registry.example:5000/payments/hardened:1.2.2"),
    "a digest": lambda d: app(d).update(image=f"registry.example:5000/payments/hardened@sha256:{'0' * 64}"),
    "a variable": lambda d: app(d).update(env=[{"name": "MODE", "value": "test"}]),
    "a password from a Secret": lambda d: app(d)["env"].append(
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "payment-gateway-db", "key": "password"}}}),
    "arguments": lambda d: app(d).update(args=["--timeout=5"]),
    "resources": lambda d: app(d).update(resources={"limits": {"cpu": "1", "memory": "512Mi"}}),
    "a probe": lambda d: app(d)["readinessProbe"]["httpGet"].update(path="/ready"),
    "no init container": lambda d: pod(d).pop("initContainers"),
    "no init command": lambda d: pod(d)["initContainers"][0].pop("command"),
    "a ConfigMap": lambda d: pod(d)["volumes"].append({"name": "m", "configMap": {"name": "more"}}),
    "the downward API": lambda d: pod(d)["volumes"].append({"name": "p", "projected": {"sources": [
        {"configMap": {"name": "more"}}, {"downwardAPI": {"items": [
            {"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}}),
    "a node selector": lambda d: pod(d).update(nodeSelector={"pool": "general"}),
    "DNS": lambda d: pod(d).update(dnsPolicy="Default"),
    "a stricter user": lambda d: security(d, runAsUser=2000, readOnlyRootFilesystem=True),
}
TEMPLATE_MARKS: dict[str, Mutate] = {
    "a label of the pods": lambda d: d["spec"]["template"]["metadata"]["labels"].update(tier="x"),
    "an annotation of the pods": lambda d: d["spec"]["template"]["metadata"]["annotations"].update(scrape="false")}


def restarted(item: Object) -> None:
    item["spec"]["template"]["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = "now"
    note(item, "incident-responder/restart")


def cases(**groups: dict[str, Mutate]) -> list[Any]:
    return [pytest.param(group.replace("_", "-"), mutate, id=f"{group}: {name}")
            for group, found in groups.items() for name, mutate in found.items()]


@pytest.mark.parametrize(("group", "mutate"), cases(
    rollback=OUTSIDE | STRATEGY | REPLICAS | GAINED,
    cycle_deployment=OUTSIDE | STRATEGY | GAINED | BACK | TEMPLATE_MARKS | REPLICAS,
    restore_database=OUTSIDE | STRATEGY | REPLICAS | GAINED | BACK | TEMPLATE_MARKS,
    restore_configuration=OUTSIDE | GAINED | TEMPLATE_MARKS | {"its own annotation": lambda d: note(
        d, "incident-responder/rollback")}))
def test_a_deployment_is_not_changed_by_more_than_the_remedy_is_for(api: Api, group: str, mutate: Mutate) -> None:
    answer = api.change(group, HARDENED, mutate)
    assert answer.by_policy, answer
    assert api.change("", HARDENED, mutate).status == 200


@pytest.mark.parametrize(("group", "mutate"), cases(
    rollback=BACK | TEMPLATE_MARKS | {
        "its annotation": lambda d: note(d, "incident-responder/rollback"),
        "a strategy that stays, with a new image": lambda d: (BACK["another tag"](d), note(
            d, "incident-responder/rollback"))},
    cycle_deployment={"down": lambda d: (d["spec"].update(replicas=0), note(d, "incident-responder/cycle"))},
    restore_database={"a restart": restarted},
    restore_configuration=BACK | STRATEGY | REPLICAS))
def test_a_deployment_is_changed_by_what_the_remedy_is_for(api: Api, group: str, mutate: Mutate) -> None:
    answer = api.change(group, HARDENED, mutate)
    assert answer.status == 200, answer


SETS, DAEMONS = (f"/apis/apps/v1/namespaces/{NAMESPACE}/{plural}" for plural in ("statefulsets", "daemonsets"))
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts"
ROLLOUT = f"{ROLLOUTS}/canaried"
SCALED = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects/kept"
OF_ANY: list[str] = [f"{SETS}/kept", f"{DAEMONS}/agent", ROLLOUT]
OF_OTHERS = {name: GAINED[name] for name in ("privileged", "a host path", "another account", "a command",
                                             "another repository")} | {
    name: OUTSIDE[name] for name in ("a label", "an annotation of the team", "a finalizer", "an owner")}


@pytest.mark.parametrize("path", OF_ANY)
@pytest.mark.parametrize(("group", "mutate"), cases(
    rollback=OF_OTHERS, restore_configuration=OF_OTHERS | TEMPLATE_MARKS))
def test_a_workload_of_another_kind_is_bound_as_a_deployment_is(api: Api, path: str, group: str,
                                                               mutate: Mutate) -> None:
    answer = api.change(group, path, mutate)
    assert answer.by_policy, answer


@pytest.mark.parametrize("path", OF_ANY)
@pytest.mark.parametrize("group", ["rollback", "restore-configuration"])
def test_a_workload_of_another_kind_gets_its_template_back(api: Api, path: str, group: str) -> None:
    for mutate in (BACK["another tag"], BACK["a variable"], BACK["no init container"]):
        answer = api.change(group, path, mutate)
        assert answer.status == 200, answer


@pytest.mark.parametrize(("path", "replicas"), [(f"{SETS}/kept", 0), (ROLLOUT, 0), (f"{SETS}/kept", 9), (ROLLOUT, 9)])
def test_a_workload_of_another_kind_goes_down_and_not_elsewhere(api: Api, path: str, replicas: int) -> None:
    answer = api.change("cycle-deployment", path, lambda item: item["spec"].update(replicas=replicas))
    assert answer.status == 200 if not replicas else answer.by_policy, answer
    answer = api.change("cycle-deployment", path, BACK["another tag"])
    assert answer.by_policy, answer
    assert api.change("rollback", path, lambda item: item["spec"].update(replicas=replicas)).by_policy


@pytest.mark.parametrize("path", [f"{SETS}/kept", ROLLOUT])
@pytest.mark.parametrize(("replicas", "passes"), [(8, True), (20, True), (0, False), (21, False)])
def test_another_kind_is_scaled_within_the_guardrails(api: Api, path: str, replicas: int, passes: bool) -> None:
    answer = api.ask("scale-up", "PATCH", f"{path}/scale", {"spec": {"replicas": replicas}},
                     kind="application/merge-patch+json")
    assert answer.status == 200 if passes else answer.by_policy, answer
    assert api.change("scale-up", path, REPLICAS["replicas"]).by_rbac


@pytest.mark.parametrize(("status", "passes"), [
    ({"abort": True}, True), ({"promoteFull": True}, False), ({"abort": True, "promoteFull": True}, False),
    ({"stableRS": "h9"}, False), ({"pauseConditions": None}, False)])
def test_a_rollout_s_update_is_aborted_and_never_promoted(api: Api, status: Object, passes: bool) -> None:
    api.cluster.patch_status(ROLLOUT, {"stableRS": "h1", "currentPodHash": "h2", "abort": None, "pauseConditions": [
        {"reason": "CanaryPauseStep"}]})
    answer = api.ask("rollback", "PATCH", f"{ROLLOUT}/status", {"status": status}, kind="application/merge-patch+json")
    assert answer.status == 200 if passes else answer.by_policy, answer


def test_an_abort_is_not_taken_back(api: Api) -> None:
    api.cluster.patch_status(ROLLOUT, {"stableRS": "h1", "currentPodHash": "h2", "abort": True})
    for value in (False, None):
        assert api.ask("rollback", "PATCH", f"{ROLLOUT}/status", {"status": {"abort": value}},
                       kind="application/merge-patch+json").by_policy
    assert api.ask("scale-up", "PATCH", f"{ROLLOUT}/status", {"status": {"abort": True}},
                   kind="application/merge-patch+json").by_rbac


@pytest.mark.parametrize(("mutate", "passes"), [
    (lambda s: s["spec"].update(minReplicaCount=8, maxReplicaCount=8), True),
    (lambda s: s["spec"].update(minReplicaCount=0), True),
    (lambda s: s["spec"].update(minReplicaCount=21), False),
    (lambda s: s["spec"].update(maxReplicaCount=21), False),
    (lambda s: s["spec"].update(minReplicaCount=-1), False),
    (lambda s: s["spec"]["scaleTargetRef"].update(name="another"), False),
    (lambda s: s["spec"].update(triggers=[]), False),
    (lambda s: note(s, "autoscaling.keda.sh/paused"), False)])
def test_scale_up_changes_a_scaled_object_s_bounds_alone(api: Api, mutate: Mutate, passes: bool) -> None:
    answer = api.change("scale-up", SCALED, mutate)
    assert answer.status == 200 if passes else answer.by_policy, answer


def test_a_rollback_deletes_no_pod_but_a_stateful_set_s_that_is_not_ready(api: Api) -> None:
    def of(app: str) -> str:
        return str(api.until(lambda: next((
            f"{CORE}/pods/{item['metadata']['name']}" for item in api.get(f"{CORE}/pods")["items"]
            if item["metadata"].get("labels", {}).get("app") == app
            and "deletionTimestamp" not in item["metadata"]), None)))

    assert api.ask("rollback", "DELETE", of("kept")).status == 200
    assert api.ask("rollback", "DELETE", of("payment-gateway")).by_policy
    assert api.ask("rollback", "DELETE", f"{CORE}/pods/alone").by_policy
    path = of("kept")
    api.cluster.patch_status(path, {"conditions": [{"type": "Ready", "status": "True"}]})
    assert api.ask("rollback", "DELETE", path).by_policy
    assert api.ask("restart-pods", "DELETE", path).by_policy
    api.cluster.patch_status(path, {"conditions": [{"type": "Ready", "status": "False"}]})
    assert api.ask("restart-pods", "DELETE", path).status == 200


def test_a_remedy_may_keep_privileges_that_the_pods_already_have(api: Api) -> None:
    def risky(item: Object) -> None:
        pod(item).update(hostNetwork=True, serviceAccountName="agent", serviceAccount="agent", volumes=[
            {"name": "h", "hostPath": {"path": "/var/log"}}])
        item["metadata"] = {"name": "agent", "namespace": NAMESPACE, "labels": {"app": "hardened"}}
        pod(item)["containers"] = [{"name": "app", "image": "agent:1", "command": ["agent"], "securityContext": {
            "privileged": True, "runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}}}]
        pod(item).pop("initContainers")

    item = api.get(HARDENED)
    risky(item)
    api.cluster.apply(item)
    path = f"{DEPLOYMENTS}/agent"
    assert api.change("rollback", path, lambda d: app(d).update(image="agent:0")).status == 200
    assert api.change("rollback", path, lambda d: pod(d)["volumes"][0]["hostPath"].update(path="/")).by_policy
    assert api.change("rollback", path, lambda d: app(d)["securityContext"]["capabilities"]["add"].append(
        "SYS_ADMIN")).by_policy


def test_a_large_deployment_is_not_too_much_to_look_at(api: Api) -> None:
    """The API server gives a policy a budget, and refuses what goes beyond it."""
    item = api.get(HARDENED)
    item["metadata"] = {"name": "large", "namespace": NAMESPACE, "labels": {"app": "hardened"},
                        "annotations": {f"example.com/note-{number}": "x" * 200 for number in range(100)}}
    containers = [app(item) | {"name": f"app-{number}", "env": [
        {"name": f"VARIABLE_{key}", "value": "x" * 100} for key in range(150)]} for number in range(30)]
    pod(item).update(containers=containers, volumes=[
        {"name": f"v-{number}", "configMap": {"name": f"v-{number}"}} for number in range(60)])
    item["spec"]["replicas"] = 0
    api.cluster.apply(item)
    path = f"{DEPLOYMENTS}/large"

    def older(item: Object) -> None:
        for container in pod(item)["containers"]:
            container["image"] = container["image"].replace("1.2.3", "1.2.2")
        note(item, "incident-responder/rollback")

    for group in ("rollback", "restore-configuration"):
        answer = api.change(group, path, older if group == "rollback" else REPLICAS["replicas"])
        assert answer.status == 200, answer
    assert api.change("cycle-deployment", path, lambda d: d["spec"].update(replicas=3)).status == 200
    assert api.change("restore-database", path, restarted).status == 200
    api.cluster.delete_now(path)


# --- the number of pods --------------------------------------------------------------------------------------------


def scaled(api: Api, group: str, replicas: int) -> Any:
    return api.ask(group, "PATCH", f"{HARDENED}/scale", {"spec": {"replicas": replicas}},
                   kind="application/merge-patch+json")


@pytest.mark.parametrize(("replicas", "passes"), [(1, True), (8, True), (20, True), (0, False), (21, False),
                                                  (2_000, False)])
def test_scale_up_sets_the_number_within_the_guardrails(api: Api, replicas: int, passes: bool) -> None:
    answer = scaled(api, "scale-up", replicas)
    assert answer.status == 200 if passes else answer.by_policy, answer


@pytest.mark.parametrize("mutate", [*OUTSIDE.values(), *STRATEGY.values(), *REPLICAS.values(), *BACK.values()])
def test_scale_up_changes_no_deployment(api: Api, mutate: Mutate) -> None:
    assert api.change("scale-up", HARDENED, mutate).by_rbac


@pytest.mark.parametrize(("mutate", "passes"), [
    (lambda h: h["spec"].update(minReplicas=8, maxReplicas=8), True),
    (lambda h: h["spec"].update(minReplicas=2, maxReplicas=20), True),
    (lambda h: h["spec"].update(minReplicas=21, maxReplicas=21), False),
    (lambda h: h["spec"].update(maxReplicas=10_000), False),
    (lambda h: h["spec"]["scaleTargetRef"].update(name="payment-gateway"), False),
    (lambda h: h["spec"]["metrics"][0]["resource"]["target"].update(averageUtilization=1), False),
    (lambda h: h["spec"].update(behavior={"scaleUp": {"selectPolicy": "Disabled"}}), False),
    (lambda h: h["metadata"].update(labels={"a": "b"}), False),
    (lambda h: note(h, "incident-responder/rollback"), False),
    (lambda h: note(h, "example.com/hook"), False),
    (lambda h: h["metadata"].update(finalizers=["example.com/never"]), False),
    (lambda h: h["metadata"].update(ownerReferences=[OTHER_WORKLOAD]), False)])
def test_scale_up_changes_an_autoscalers_bounds_alone(api: Api, mutate: Mutate, passes: bool) -> None:
    answer = api.change("scale-up", f"{SCALERS}/hardened", mutate)
    assert answer.status == 200 if passes else answer.by_policy, answer
    assert api.change("", f"{SCALERS}/hardened", mutate).status == 200


def test_an_autoscaler_of_an_older_api_version_is_bound_as_well(api: Api) -> None:
    path = f"{SCALERS}/hardened".replace("/v2/", "/v1/")
    assert api.change("scale-up", path, lambda h: h["spec"].update(maxReplicas=8)).status == 200
    assert api.change("scale-up", path, lambda h: h["spec"].update(targetCPUUtilizationPercentage=1)).by_policy


# --- the provider --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mutate", "passes"), [
    (lambda c: c["data"].update(PROVIDER="fallback"), True),
    (lambda c: c["data"].update(PROVIDER="evil.example"), False),
    (lambda c: c["data"].update(PROVIDER=""), False),
    (lambda c: c["data"].pop("PROVIDER"), False),
    (lambda c: c["data"].update(CURRENCY="USD"), False),
    (lambda c: c["data"].update(MORE="x"), False),
    (lambda c: c["data"].pop("CURRENCY"), False),
    (lambda c: c.update(binaryData={"x": "eA=="}), False),
    (lambda c: c.update(immutable=True), False),
    (lambda c: c["metadata"].update(labels={"a": "b"}), False),
    (lambda c: note(c, "incident-responder/rollback"), False),
    (lambda c: c["metadata"].update(finalizers=["example.com/never"]), False),
    (lambda c: c["metadata"].update(ownerReferences=[OTHER_WORKLOAD]), False)])
def test_switch_provider_changes_the_one_key_to_the_name_of_a_provider(api: Api, mutate: Mutate, passes: bool) -> None:
    answer = api.change("switch-provider", f"{CORE}/configmaps/payment-gateway-config", mutate)
    assert answer.status == 200 if passes else answer.by_policy, answer
    assert api.change("", f"{CORE}/configmaps/payment-gateway-config", mutate).status == 200


def test_switch_provider_changes_no_other_config_map(api: Api) -> None:
    assert api.change("switch-provider", f"{CORE}/configmaps/owned", lambda c: c["data"].update(key="x")).by_rbac


# --- the other switches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "key", "value", "passes"), [
    ("cap-retries", "MAX_ATTEMPTS", "1", True), ("cap-retries", "MAX_ATTEMPTS", "9", False),
    ("cap-retries", "SHED_PERCENT", "80", False), ("shed-load", "SHED_PERCENT", "80", True),
    ("shed-load", "SHED_PERCENT", "100", False), ("shed-load", "PROVIDER", "fallback", False),
    ("fail-open", "FRAUD_CHECK_MODE", "skip", True), ("fail-open", "FRAUD_CHECK_MODE", "evil", False),
    ("fail-open", "MORE", "skip", False)])
def test_a_switch_has_one_of_its_values_and_nothing_else_changes(api: Api, group: str, key: str, value: str,
                                                                 passes: bool) -> None:
    answer = api.change(group, f"{CORE}/configmaps/payment-gateway-config", lambda c: c["data"].update({key: value}))
    assert answer.status == 200 if passes else answer.by_policy, answer


@pytest.mark.parametrize(("mutate", "passes"), [
    (lambda c: c["data"].update(HIDDEN_METHODS="wallet"), True),
    (lambda c: c["data"].update(HIDDEN_METHODS="wallet; rm"), False),
    (lambda c: c["data"].pop("HIDDEN_METHODS"), False),
    (lambda c: c["data"].update(PROVIDER="fallback"), False),
    (lambda c: c["metadata"].update(labels={"a": "b"}), False)])
def test_hide_payment_method_changes_the_one_key_to_names(api: Api, mutate: Mutate, passes: bool) -> None:
    answer = api.change("hide-payment-method", f"{CORE}/configmaps/payment-gateway-config", mutate)
    assert answer.status == 200 if passes else answer.by_policy, answer


# --- nodes and pods ------------------------------------------------------------------------------------------------


@pytest.fixture
def ill(api: Api) -> str:
    """The path of a node that is not ready."""
    path = "/api/v1/nodes/node-a"
    api.cluster.patch_status(path, {"conditions": [{"type": "Ready", "status": "Unknown"}]})
    return path


def closed(node: Object) -> None:
    node["spec"]["unschedulable"] = True
    note(node, "incident-responder/closed")


@pytest.mark.parametrize("mutate", [
    lambda n: n["spec"].update(taints=[{"key": "x", "effect": "NoExecute"}]),
    lambda n: n["spec"].update(podCIDR="10.9.0.0/24", podCIDRs=["10.9.0.0/24"]),
    lambda n: n["metadata"]["labels"].update(pool="special"),
    lambda n: n["metadata"]["labels"].pop("topology.kubernetes.io/zone"),
    lambda n: n["metadata"]["labels"].update({"kubernetes.io/hostname": "node-z"}),
    lambda n: note(n, "incident-responder/rollback"),
    lambda n: note(n, "cluster-autoscaler.kubernetes.io/scale-down-disabled", "true"),
    lambda n: note(n, "volumes.kubernetes.io/keep-terminated-pod-volumes", "true"),
    lambda n: n["metadata"].update(finalizers=["example.com/never"]),
    lambda n: n["metadata"].update(ownerReferences=[OTHER_WORKLOAD]),
    lambda n: (closed(n), n["metadata"]["labels"].update(pool="special")),
    lambda n: (closed(n), n["spec"].update(taints=[{"key": "x", "effect": "NoExecute"}]))])
def test_restart_pods_changes_nothing_else_of_a_node(api: Api, ill: str, mutate: Mutate) -> None:
    answer = api.change("restart-pods", ill, mutate)
    assert answer.by_policy, answer
    assert api.change("", ill, mutate).status == 200


def test_restart_pods_cordons_nodes_that_are_not_ready_and_uncordons_only_those(api: Api, ill: str) -> None:
    assert api.change("restart-pods", ill, closed).status == 200
    assert api.change("restart-pods", "/api/v1/nodes/node-b", closed).by_policy  # it is ready
    api.cluster.patch("Node", "node-b", {"spec": {"unschedulable": True}})  # a person closes it
    reopened: Mutate = lambda n: n["spec"].pop("unschedulable")  # noqa: E731
    assert api.change("restart-pods", "/api/v1/nodes/node-b", reopened).by_policy
    api.cluster.patch("Node", "node-b", {"metadata": {"annotations": {"incident-responder/closed": "i/1"}}})
    assert api.change("restart-pods", "/api/v1/nodes/node-b", reopened).status == 200
    api.cluster.patch("Node", "node-b", {"metadata": {"annotations": {"incident-responder/closed": None}},
                                         "spec": {"unschedulable": None}})


def test_cordon_node_closes_a_ready_node_under_its_mark_and_opens_only_that(api: Api, ill: str) -> None:
    node = "/api/v1/nodes/node-b"
    bare: Mutate = lambda n: n["spec"].update(unschedulable=True)  # noqa: E731
    marked: Mutate = lambda n: (bare(n), note(n, "incident-responder/cordoned", "i/1"))  # noqa: E731
    assert api.change("cordon-node", node, marked).status == 200
    assert api.change("cordon-node", node, bare).by_policy  # nobody would know whose it is
    assert api.change("cordon-node", node, closed).by_policy  # the mark of another remedy
    for more in (lambda n: n["spec"].update(taints=[{"key": "x", "effect": "NoExecute"}]),
                 lambda n: n["metadata"]["labels"].update(pool="special"),
                 lambda n: note(n, "incident-responder/closed")):
        assert api.change("cordon-node", node, lambda n, more=more: (marked(n), more(n))).by_policy
    api.cluster.patch("Node", "node-b", {"spec": {"unschedulable": True}})  # a person closes it
    reopened: Mutate = lambda n: n["spec"].pop("unschedulable")  # noqa: E731
    assert api.change("cordon-node", node, reopened).by_policy
    api.cluster.patch("Node", "node-b", {"spec": {"unschedulable": None}})
    api.cluster.patch("Node", "node-b", {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}})
    assert api.change("cordon-node", node, marked).by_policy
    api.cluster.patch("Node", "node-b", {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": None}}})


def test_restart_pods_takes_away_what_serves_nobody_and_evicts_by_uid(api: Api) -> None:
    found = api.until(lambda: [item for item in api.get(f"{CORE}/pods")["items"]
                               if item["metadata"].get("labels", {}).get("app") == "hardened"])[0]
    path, uid = f"{CORE}/pods/{found['metadata']['name']}", found["metadata"]["uid"]

    def evicted(**options: Any) -> Any:
        return api.ask("restart-pods", "POST", f"{path}/eviction", {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": found["metadata"]["name"],
                                                                       "namespace": NAMESPACE},
            "deleteOptions": options})

    assert evicted(preconditions={"uid": uid}).status == 201
    assert evicted().by_policy
    assert evicted(preconditions={"uid": uid}, gracePeriodSeconds=0).by_policy
    assert api.ask("restart-pods", "DELETE", path).status == 200
    api.cluster.patch_status(path, {"conditions": [{"type": "Ready", "status": "True"}]})
    assert api.ask("restart-pods", "DELETE", path).by_policy
    assert api.ask("restart-pods", "DELETE", f"{CORE}/pods/alone").by_policy
    assert api.ask("", "DELETE", path).status == 200
    assert api.ask("restart-pods", "PATCH", path, {"metadata": {"labels": {"a": "b"}}},
                   kind="application/merge-patch+json").by_rbac


# --- the configuration ---------------------------------------------------------------------------------------------

KEPT: dict[str, tuple[str, Mutate]] = {
    "data": (f"{CORE}/configmaps/payment-gateway-config", lambda c: c["data"].update(CURRENCY="USD")),
    "a port": (f"{CORE}/services/backend", lambda s: s["spec"]["ports"][0].update(targetPort=9090)),
    "a selector": (f"{CORE}/services/backend", lambda s: s["spec"].update(selector={"app": "other"})),
    "egress": (f"{POLICIES}/gateway", lambda p: p["spec"].update(egress=[])),
    "a quota": (f"{CORE}/resourcequotas/team", lambda q: q["spec"]["hard"].update(pods="5")),
    "a range": (f"{CORE}/limitranges/team", lambda q: q["spec"]["limits"][0].update(max={"cpu": "8"})),
    "bounds": (f"{SCALERS}/hardened", lambda h: h["spec"].update(minReplicas=1)),
    "a budget": (f"{BUDGETS}/payment-gateway", lambda b: b["spec"].update(minAvailable=1)),
}
REFUSED: dict[str, tuple[str, Mutate]] = {
    "the cluster's certificates": (f"{CORE}/configmaps/kube-root-ca.crt", lambda c: c["data"].update(more="x")),
    "immutable": (f"{CORE}/configmaps/payment-gateway-config", lambda c: c.update(immutable=True)),
    "a label": (f"{CORE}/configmaps/payment-gateway-config", lambda c: c["metadata"].update(labels={"a": "b"})),
    "a load balancer": (f"{CORE}/services/backend", lambda s: s["spec"].update(type="LoadBalancer")),
    "a node port": (f"{CORE}/services/backend", lambda s: s["spec"].update(type="NodePort")),
    "an outside address": (f"{CORE}/services/backend", lambda s: s["spec"].update(externalIPs=["192.0.2.1"])),
    "an annotation of a service": (f"{CORE}/services/backend", lambda s: note(s, "example.com/scheme", "open")),
    "a finalizer": (f"{POLICIES}/gateway", lambda p: p["metadata"].update(finalizers=["example.com/never"])),
    "an owner": (f"{CORE}/resourcequotas/team", lambda q: q["metadata"].update(ownerReferences=[OTHER_WORKLOAD])),
    "a label of a budget": (f"{BUDGETS}/payment-gateway", lambda b: b["metadata"].update(labels={"a": "b"})),
    "a note on an autoscaler": (f"{SCALERS}/hardened", lambda h: note(h, "incident-responder/rollback")),
    "a note on a range": (f"{CORE}/limitranges/team", lambda q: note(q, "x")),
}


@pytest.mark.parametrize("name", KEPT)
def test_restore_configuration_restores_the_objects_of_the_ledger(api: Api, name: str) -> None:
    answer = api.change("restore-configuration", *KEPT[name])
    assert answer.status == 200, answer


@pytest.mark.parametrize("name", REFUSED)
def test_restore_configuration_changes_nothing_else(api: Api, name: str) -> None:
    answer = api.change("restore-configuration", *REFUSED[name])
    assert answer.by_policy, answer
    assert api.change("", *REFUSED[name]).status == 200


def test_restore_configuration_creates_and_deletes_plain_objects_alone(api: Api) -> None:
    def made(metadata: Object, **rest: Any) -> Any:
        kind = "Service" if "spec" in rest else "ConfigMap"
        return api.ask("restore-configuration", "POST", f"{CORE}/{kind.lower()}s", {
            "apiVersion": "v1", "kind": kind, "metadata": {"name": "n", "namespace": NAMESPACE, **metadata}, **rest})

    ports = [{"port": 80}]
    assert made({}, data={"a": "b"}).status == 201
    assert made({}, spec={"ports": ports, "selector": {"app": "x"}}).status == 201
    for metadata in ({"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"finalizers": ["example.com/x"]},
                     {"ownerReferences": [OTHER_WORKLOAD]}):
        assert made(metadata, data={}).by_policy, metadata
    for spec in ({"type": "LoadBalancer"}, {"type": "NodePort"}, {"externalIPs": ["192.0.2.1"]},
                 {"type": "ExternalName", "externalName": "evil.example"}):
        assert made({}, spec={"ports": ports, **spec}).by_policy, spec
    assert api.ask("restore-configuration", "DELETE", f"{POLICIES}/gateway").status == 200
    assert api.ask("restore-configuration", "DELETE", f"{CORE}/configmaps/owned").by_policy
    assert api.ask("restore-configuration", "DELETE", f"{CORE}/configmaps/kube-root-ca.crt").by_policy


# --- what RBAC keeps from all of them ------------------------------------------------------------------------------

WRITERS = ("rollback", "restart-pods", "cordon-node", "scale-up", "restore-database", "switch-provider",
           "cycle-deployment", "restore-configuration", "cap-retries", "shed-load", "fail-open",
           "hide-payment-method")


@pytest.mark.parametrize("group", [*WRITERS, "readers"])
def test_no_group_reaches_secrets_rights_other_namespaces_or_the_policies(api: Api, group: str) -> None:
    for method, path, body in (
            ("GET", f"{CORE}/secrets", None), ("GET", "/api/v1/pods", None), ("GET", "/api/v1/secrets", None),
            ("POST", f"{CORE}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {
                "containers": [{"name": "x", "image": "x"}]}}),
            ("POST", f"{CORE}/pods/alone/exec?command=id", None), ("DELETE", HARDENED, None),
            ("DELETE", "/api/v1/nodes/node-a", None),
            ("GET", "/apis/apps/v1/namespaces/default/deployments", None),
            ("GET", "/api/v1/namespaces/kube-system/pods", None),
            ("GET", "/api/v1/namespaces/kube-system/configmaps", None),
            ("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/incident-responder-rollback",
             None),
            ("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings", {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "x"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}}),
            ("POST", f"{CORE}/serviceaccounts/default/token", {
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}})):
        answer = api.ask(group, method, path, body)
        assert answer.by_rbac, (method, path, answer)


def test_others_are_not_bound(api: Api) -> None:
    """Whatever the policies cannot evaluate, nobody but the responder is refused for it."""
    for change in (GAINED["privileged"], OUTSIDE["a finalizer"], REPLICAS["replicas"]):
        assert api.change("", HARDENED, change).status == 200
    assert scaled(api, "", 5_000).status == 200
