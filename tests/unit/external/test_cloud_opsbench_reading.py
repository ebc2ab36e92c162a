"""What ``kubectl`` prints becomes live state: tables, descriptions, Events, manifests, logs and metrics."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.external import cloud_opsbench
from bench.external.cloud_opsbench import ages, containers, listed, observed
from bench.external.cloud_opsbench.state import read
from bench.external.frame import Answer, Case, Truth
from responder.state import State
from responder.state.basics import Ref

_POD = """Name:             pay-7d4f5c6b9-x2x4q
Namespace:        shop
Priority:         0
Service Account:  pay
Node:             worker-1/172.18.0.4
Start Time:       Mon, 06 May 2024 10:00:00 +0000
Labels:           app=pay
                  pod-template-hash=7d4f5c6b9
Annotations:      prometheus.io/scrape: true
Status:           Running
IP:               10.244.1.9
IPs:
  IP:           10.244.1.9
Controlled By:  ReplicaSet/pay-7d4f5c6b9
Containers:
  server:
    Container ID:  containerd://abc
    Image:         registry.example/pay:v1
    Image ID:      registry.example/pay@sha256:0123
    Ports:         8080/TCP (http), 9090/TCP
    Host Ports:    0/TCP, 9090/TCP
    Command:
      /bin/pay
    Args:
      --verbose
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Mon, 06 May 2024 10:08:00 +0000
      Finished:     Mon, 06 May 2024 10:09:00 +0000
    Ready:          False
    Restart Count:  6
    Limits:
      cpu:     200m
      memory:  32Mi
    Requests:
      cpu:      100m
      memory:   16Mi
    Liveness:   http-get http://:http/healthz delay=5s timeout=1s period=10s #success=1 #failure=3
    Readiness:  exec [/bin/probe -addr=:8080] delay=0s timeout=1s period=10s #success=1 #failure=3
    Environment Variables from:
      pay-settings  ConfigMap  Optional: true
    Environment:
      STOCK_ADDR:   stock:3550
      DB_PASSWORD:  <set to the key 'password' in secret 'pay-db'>  Optional: false
      POD_IP:        (v1:status.podIP)
    Mounts:
      /data from data (rw)
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-1 (ro)
Conditions:
  Type              Status
  Initialized       True 
  Ready             False 
  PodScheduled      True 
Volumes:
  data:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  pay-data
    ReadOnly:   false
QoS Class:                   Burstable
Node-Selectors:              disk=ssd
                             zone=a
Tolerations:                 dedicated=pay:NoSchedule
                             node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
Events:
  Type     Reason     Age                  From               Message
  ----     ------     ----                 ----               -------
  Normal   Scheduled  10m                  default-scheduler  Successfully assigned shop/pay to worker-1
  Warning  BackOff    12s (x24 over 9m3s)  kubelet            Back-off restarting failed container server in pod pay
"""  # noqa: W291 - it is printed so
_NODE = """Name:               worker-1
Roles:              <none>
Labels:             disk=ssd
CreationTimestamp:  Wed, 01 May 2024 10:00:00 +0000
Taints:             dedicated=pay:NoSchedule
                    node.kubernetes.io/unreachable:NoExecute
Unschedulable:      true
Conditions:
  Type             Status    LastHeartbeatTime                 LastTransitionTime                Reason              Message
  ----             ------    -----------------                 ------------------                ------              -------
  Ready            Unknown   Mon, 06 May 2024 10:00:00 +0000   Mon, 06 May 2024 10:01:00 +0000   NodeStatusUnknown   Kubelet stopped posting node status.
Allocatable:
  cpu:                4
  memory:             8Gi
System Info:
  Container Runtime Version:  containerd://1.7.2
"""


def _state(**case: Any) -> State:
    return read({"namespace": "shop", "collected": "2024-05-06T10:10:00Z", **case}).state


@pytest.fixture(scope="module")
def pod() -> Any:
    return _state(describe={"pods": {"pay-7d4f5c6b9-x2x4q": _POD}}).pods[0]


def test_a_description_of_a_pod_is_read_whole(pod: Any) -> None:
    container = pod.spec.containers[0]
    assert (pod.node, pod.address, pod.phase, pod.ready) == ("worker-1", "10.244.1.9", "Running", False)
    assert pod.meta.owner == Ref("ReplicaSet", "shop", "pay-7d4f5c6b9")
    assert [(port.name, port.number, port.host_port) for port in container.ports] == [("http", 8080, 0), ("", 9090, 9090)]
    assert (container.limits, container.command, container.args) == (
        {"cpu": 0.2, "memory": 32 * 2**20}, ("/bin/pay",), ("--verbose",))
    assert (container.liveness.how, container.liveness.port, container.liveness.path) == ("httpGet", "http", "/healthz")
    assert container.readiness.command == ("/bin/probe", "-addr=:8080")
    assert {(one.name, one.value, one.source, one.object, one.key) for one in container.environment} == {
        ("STOCK_ADDR", "stock:3550", "", "", ""), ("DB_PASSWORD", "", "Secret", "pay-db", "password"),
        ("POD_IP", "", "", "", ""), ("", "", "ConfigMap", "pay-settings", "")}
    assert pod.spec.node_selector == {"disk": "ssd", "zone": "a"}
    assert pod.spec.volumes[0].object == "pay-data"
    assert pod.spec.tolerations[0][:4] == ("dedicated", "Equal", "pay", "NoSchedule")
    status = pod.statuses[0]
    assert (status.waiting, status.restarts, status.last.reason, status.last.exit_code) == (
        "CrashLoopBackOff", 6, "OOMKilled", 137)
    assert status.last.finished == 1714990140.0


def test_events_have_their_times_and_numbers() -> None:
    state = _state(describe={"pods": {"pay-7d4f5c6b9-x2x4q": _POD}})
    last = next(event for event in state.events if event.reason == "BackOff")
    assert (last.times, last.last, last.warning, last.by) == (24, 1714990200.0 - 12, True, "kubelet")


def test_the_end_of_a_description_tells_events_and_overwrites_nothing() -> None:
    end = "\n".join(_POD.splitlines()[-8:])
    state = _state(describe={"pods": {"pay-7d4f5c6b9-x2x4q": _POD}, "events": {"pay-7d4f5c6b9-x2x4q": end}})
    assert len(state.pods[0].spec.containers) == 1
    assert {event.about for event in state.events} == {Ref("Pod", "shop", "pay-7d4f5c6b9-x2x4q")}
    alone = _state(describe={"events": {"pay-7d4f5c6b9-x2x4q": end}})
    assert [event.reason for event in alone.events] == ["Scheduled", "BackOff"]


def test_a_node_has_its_taints_conditions_and_amounts() -> None:
    node = _state(describe={"nodes": {"worker-1": _NODE}}).nodes[0]
    assert [(taint.key, taint.effect) for taint in node.taints] == [
        ("dedicated", "NoSchedule"), ("node.kubernetes.io/unreachable", "NoExecute")]
    assert (node.unschedulable, node.ready, node.allocatable["cpu"]) == (True, False, 4.0)
    ready = node.condition("Ready")
    assert ready is not None
    assert (ready.reason, ready.message) == ("NodeStatusUnknown", "Kubelet stopped posting node status.")


@pytest.mark.parametrize("table", [
    # kubectl up to 1.21, and from 1.22 on, which says when a container was last started anew.
    "NAME                  READY   STATUS             RESTARTS   AGE   IP           NODE       NOMINATED NODE   READINESS "
    "GATES\npay-7d4f5c6b9-x2x4q   0/1     CrashLoopBackOff   6          10m   10.244.1.9   worker-1   <none>           <none>\n",
    "NAME                  READY   STATUS             RESTARTS      AGE   IP           NODE       NOMINATED NODE   READINESS "
    "GATES\npay-7d4f5c6b9-x2x4q   0/1     CrashLoopBackOff   6 (12s ago)   10m   10.244.1.9   worker-1   <none>           "
    "<none>\n"])
def test_a_pod_of_a_list_is_known_by_its_row(table: str) -> None:
    state = _state(list={"pods": {"wide": table}})
    pod = state.pods[0]
    assert (pod.node, pod.address, pod.phase, pod.ready) == ("worker-1", "10.244.1.9", "Running", False)
    assert (pod.statuses[0].waiting, pod.statuses[0].restarts) == ("CrashLoopBackOff", 6)
    assert state.app(pod) == "pay"
    assert state.lists("Pod", "shop")


def test_a_list_of_nothing_is_known_to_be_empty() -> None:
    state = _state(list={"services": {"plain": "No resources found in shop namespace.\n"}})
    assert state.lists("Service", "shop")
    assert not state.lists("Pod", "shop")


def test_services_and_claims_and_volumes_and_quotas_are_read_of_lists() -> None:
    state = _state(list={
        "services": {"wide": "NAME   TYPE       CLUSTER-IP   EXTERNAL-IP   PORT(S)                      AGE   SELECTOR\n"
                             "pay    NodePort   10.96.1.2    <none>        80:30001/TCP,53:30002/UDP    5d    app=pay,tier=x\n"},
        "pvc": {"plain": "NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE\n"
                         "data   Pending                                      manual         4m\n"},
        "pv": {"plain": "NAME   CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS   CLAIM       STORAGECLASS   REASON   AGE\n"
                        "vol    5Gi        RWO,ROX        Retain           Bound    shop/old    manual                  4d\n"},
        "resourcequotas": {"plain": "NAME    AGE   REQUEST                                    LIMIT\n"
                                    "quota   9m    pods: 10/10, requests.cpu: 500m/1          limits.memory: 1Gi/2Gi\n"}})
    service = state.services[0]
    assert (service.kind, service.selector, [(port.number, port.node_port, port.protocol) for port in service.ports]) == (
        "NodePort", {"app": "pay", "tier": "x"}, [(80, 30001, "TCP"), (53, 30002, "UDP")])
    assert (state.claims[0].phase, state.claims[0].volume, state.claims[0].storage_class) == ("Pending", "", "manual")
    volume = state.volumes[0]
    assert (volume.modes, volume.claim) == (
        ("ReadWriteOnce", "ReadOnlyMany"), Ref("PersistentVolumeClaim", "shop", "old"))
    assert (state.quotas[0].used["pods"], state.quotas[0].hard["limits.memory"]) == (10.0, 2 * 2**30)


def test_a_manifest_tells_what_a_description_cannot_and_what_lives_wins() -> None:
    manifest = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: pay}
spec:
  replicas: 3
  selector: {matchLabels: {app: pay}}
  template:
    metadata: {labels: {app: pay}}
    spec:
      nodeSelector: {old: gone}
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
        {matchExpressions: [{key: gpu, operator: Exists}]}]}}}
      containers: [{name: server, image: registry.example/pay:v0, env: [{name: A, value: b}]}]
--- 
not: [yaml
---
apiVersion: v1
kind: Service
metadata: {name: pay}
spec: {selector: {app: pay}, ports: [{port: 80}]}
"""  # noqa: W291 - a separator may end in a blank
    text = ("Name:         pay\nNamespace:    shop\nSelector:     app=pay\nReplicas:     1 desired | 1 updated | 1 total | 0 "
            "available | 1 unavailable\nPod Template:\n  Labels:  app=pay\n  Containers:\n   server:\n    Image:      "
            "registry.example/pay:v1\n    Environment:\n      A:     c\n    Mounts:      <none>\n  Volumes:       <none>\n"
            "  Node-Selectors:  <none>\n  Tolerations:     <none>\n")
    workload = _state(yaml={"pay": manifest}, describe={"deployments": {"pay": text}}).apps[0]
    assert (workload.wanted, workload.ready) == (1, 0)
    assert workload.template.node_selector == {}
    assert workload.template.containers[0].image == "registry.example/pay:v1"
    assert workload.template.containers[0].environment[0].value == "c"
    assert workload.template.node_terms[0][0].key == "gpu"


def test_what_a_manifest_names_and_no_list_has_is_gone() -> None:
    manifest = "kind: Service\nmetadata: {name: pay}\nspec: {ports: [{port: 80}]}\n"
    state = _state(yaml={"pay": manifest}, list={"services": {"plain": "No resources found in shop namespace."}})
    assert (state.services, state.gone) == ((), (Ref("Service", "shop", "pay"),))


@pytest.mark.parametrize(("text", "seconds"), [
    ("45s", 45.0), ("3m12s", 192.0), ("5d3h", 442800.0), ("2y30d", 65664000.0), ("<unknown>", None), ("", None)])
def test_ages_are_read_in_seconds(text: str, seconds: float | None) -> None:
    assert ages.age(text) == seconds


def test_the_clock_is_the_objects_own_where_the_cases_is_of_another_zone() -> None:
    table = "NAME                  READY   STATUS    RESTARTS   AGE\npay-7d4f5c6b9-x2x4q   0/1     Running   0          600s\n"
    case = {"list": {"pods": {"plain": table}}, "describe": {"pods": {"pay-7d4f5c6b9-x2x4q": _POD}},
            "namespace": "shop", "collected": "2024-05-06 18:10:00"}
    assert read(case).state.now == 1714990200.0


@pytest.mark.parametrize(("text", "how"), [
    ("grpc <pod>:8080  delay=0s timeout=1s period=10s #success=1 #failure=3", "grpc"),
    ("tcp-socket :6379 delay=0s timeout=1s period=10s #success=1 #failure=3", "tcpSocket"),
    ("http-get https://:8443/health%3Fx=1 delay=0s timeout=1s period=10s #success=1 #failure=3", "httpGet")])
def test_probes_of_every_kind_are_read(text: str, how: str) -> None:
    found = containers.probe(text)
    assert found is not None
    assert how in found


def test_a_probe_that_kubectl_does_not_know_is_taken_from_the_manifest() -> None:
    assert containers.probe("unknown delay=0s timeout=1s period=10s #success=1 #failure=3") is None


@pytest.mark.parametrize(("said", "reached"), [
    ("Connection to pay 80 port [tcp/*] succeeded!", True), ("pay (10.96.1.2:80) open", True),
    ("nc: connect to pay port 80 (tcp) failed: Connection refused", False),
    ("nc: bad address 'pay'", False), ("curl: (28) Connection timed out after 3001 milliseconds", False), ("?", None),
    ('{"reachable": true, "error": null}', True), ("success: False", False), ("connected, errors: none", True)])
def test_connections_are_told_from_what_the_tool_says(said: str, reached: bool | None) -> None:
    assert [one.reached for one in observed.connections({"connectivity": {"pay:80": said}})] == [reached]


def test_services_of_nodes_are_told_from_systemctl() -> None:
    text = ("● kubelet.service - kubelet\n     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled)\n"
            "     Active: inactive (dead) since Mon 2024-05-06 10:00:00 UTC; 10min ago\nMay 06 kubelet[1]: bye\n")
    one = next(observed.node_services({"node_services": {"worker-1": {"kubelet": text}}}))
    assert (one.node, one.name, one.active, one.state, one.since) == (
        "worker-1", "kubelet", False, "inactive (dead)", 1714989600.0)


def test_metrics_have_the_units_of_live_state() -> None:
    text = "time,pay-cpu,pay-cpu_cfs,a-b-p95latency,worker-1-mem,pay-nothing\n1714990000,0.5,0.1,250,40,1\n1714990005,,,,,\n"
    found = {(one.ref.name, one.name): one.points for one in observed.measures({"metrics": text}, "shop", {"worker-1"})}
    assert found == {("pay", "cpu"): ((1714990000.0, 0.5),), ("pay", "throttled"): ((1714990000.0, 0.1),),
                     ("a-b", "p95"): ((1714990000.0, 0.25),), ("worker-1", "memory"): ((1714990000.0, 0.4),)}


def test_logs_are_told_by_component_with_their_numbers() -> None:
    found = list(observed.lines({"error_logs": {"pay": {"total_errors": 3, "patterns": [
        {"pattern": "connection refused", "count": 3}, "no such host"]}}, "recent_logs": {"shop": "all well\n", "x": None}}))
    assert [(line.component, line.text, line.times, line.is_error) for line in found] == [
        ("pay", "connection refused", 3, True), ("pay", "no such host", 1, True), ("shop", "all well", 1, False)]


@pytest.mark.parametrize(("name", "kind"), [("pods", "Pod"), ("deployments.apps", "Deployment"), ("pvc", "PersistentVolumeClaim"),
                                            ("ingresses", "Ingress"), ("Endpoints", "Endpoints"), ("quotas", "ResourceQuota")])
def test_resources_are_known_by_their_names(name: str, kind: str) -> None:
    assert listed.kind_of(name) == kind


_texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    (*_POD.splitlines(), *_NODE.splitlines())), max_size=30).map("\n".join))


@given(st.fixed_dictionaries({}, optional={
    "list": st.dictionaries(st.sampled_from(("pods", "nodes", "services@x", "events", "y")), _texts | st.none()),
    "describe": st.dictionaries(st.sampled_from(("pods", "nodes", "events", "pvc")), st.dictionaries(
        st.sampled_from(("pay", "worker-1")), _texts)),
    "yaml": st.dictionaries(st.just("pay"), _texts), "alerts": st.lists(_texts) | _texts, "metrics": _texts | st.none(),
    "connectivity": st.dictionaries(_texts, _texts), "node_services": _texts, "collected": _texts}))
@settings(max_examples=25)
def test_nothing_that_is_said_raises(case: dict[str, Any]) -> None:
    cloud_opsbench.answer(Case("a", "", None, case), always=True)


@pytest.mark.parametrize(("said", "truth"), [
    ("database_credentials_wrong", "mysql_invalid_credentials"), ("database_port_wrong", "mysql_invalid_port"),
    ("database_connections_exhausted", "db_connection_exhaustion"), ("sidecar_port_conflict", "sidecar_port_conflict"),
    ("missing_secret_binding", "missing_secret_binding"), ("database_read_only", "db_readonly")])
def test_the_second_systems_root_causes_are_compared_by_their_meaning(said: str, truth: str) -> None:
    assert cloud_opsbench.matches(Answer("app/Pay", said), Truth("app/pay", truth)) == (True, True)
