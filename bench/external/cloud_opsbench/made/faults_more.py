"""Faults of routing, databases and nodes, and those that only numbers show."""

from __future__ import annotations

import math
import time
from typing import Any

from bench.external.cloud_opsbench.made.cluster import iso
from bench.external.cloud_opsbench.made.faults import _crash, down, fault
from bench.external.cloud_opsbench.made.stage import Fate, Stage, event

Object = dict[str, Any]


@fault("service_selector_mismatch")
def _selector(stage: Stage, variant: int) -> None:
    stage.service()["spec"]["selector"] = {"app": f"{stage.target}-v2"} if variant else {
        "app": stage.target, "version": "stable"}
    down(stage)
    stage.late.clear()


@fault("service_port_mapping_mismatch")
def _mapping(stage: Stage, variant: int) -> None:
    stage.service()["spec"]["ports"][0]["targetPort"] = 9090 if variant else stage.app.target + 1
    down(stage)
    stage.late.clear()


@fault("service_protocol_mismatch")
def _protocol(stage: Stage, variant: int) -> None:
    stage.service()["spec"]["ports"][0]["protocol"] = "SCTP" if variant else "UDP"
    down(stage)
    stage.late.clear()


@fault("service_env_var_address_mismatch", speaks=("http", "grpc"))
def _address(stage: Stage, variant: int) -> None:
    entry = next(one for one in stage.container()["env"] if ":" in one.get("value", "") or "HOST" in one["name"])
    host, _, port = entry["value"].removeprefix("http://").partition(":")
    scheme = "http://" if entry["value"].startswith("http://") else ""
    entry["value"] = f"{scheme}{host}:{int(port) + 3}" if variant and port else f"{scheme}{host}-svc" + (
        f":{port}" if port else "")
    wrong = entry["value"].removeprefix("http://")
    stage.log(stage.target, f"rpc error: code = Unavailable desc = name resolver error: produced zero addresses: lookup "
                            f"{wrong.partition(':')[0]}: no such host" if not variant else
              f"dial tcp 10.96.31.8:{wrong.partition(':')[2]}: i/o timeout")
    stage.alert(stage.target, "error_rate", f"success rate of {stage.target} fell to 35%")
    stage.late.append(stage.target)


@fault("service_dns_resolution_failure", speaks=("http", "grpc"))
def _dns(stage: Stage, variant: int) -> None:
    stage.pod_spec()["dnsPolicy"] = "None" if variant else "Default"
    if variant:
        stage.pod_spec()["dnsConfig"] = {"nameservers": ["203.0.113.53"]}
    called = stage.app.calls[0] if stage.app.calls else "postingservice"
    stage.log(stage.target, f"lookup {called} on {'203.0.113.53:53: i/o timeout' if variant else '1.1.1.1:53: no such host'}")
    stage.alert(stage.target, "error_rate", f"success rate of {stage.target} fell to 12%")
    stage.late.append(stage.target)


_JOURNALS = {
    "kubelet_unavailable": ("kubelet", "kubelet.service - kubelet: The Kubernetes Node Agent"),
    "containerd_unavailable": ("containerd", "containerd.service - containerd container runtime"),
    "kube_proxy_unavailable": ("kube-proxy", "kube-proxy.service - Kubernetes Kube-Proxy Server"),
    "kube_scheduler_unavailable": ("kube-scheduler", "kube-scheduler.service - Kubernetes Scheduler")}


def _status(unit: str, active: str, lines: str = "") -> str:
    return (f"● {unit}\n     Loaded: loaded (/lib/systemd/system/{unit.split()[0]}; enabled; vendor preset: enabled)\n"
            f"     Active: {active} since {time.strftime('%a %Y-%m-%d %H:%M:%S UTC', time.gmtime(time.time() - 500))}; 8min "
            f"ago\n   Main PID: 811 (code=exited, status=0/SUCCESS)\n{lines}")


def _machine(name: str) -> None:
    def play(stage: Stage, variant: int) -> None:
        for node in ("control-1", "worker-1", "worker-2", "worker-3"):
            for service, unit in _JOURNALS.values():
                if service != "kube-scheduler" or node == "control-1":
                    stage.node_services.setdefault(node, {})[service] = _status(unit, "active (running)")
        service, unit = _JOURNALS[name]
        node = "control-1" if service == "kube-scheduler" else "worker-2"
        stage.node_services[node][service] = _status(unit, "failed (Result: exit-code)" if variant else "inactive (dead)")
        if service in ("kubelet", "containerd"):
            unknown = service == "kubelet"
            stage.nodes[node] = {"status": {"conditions": [
                {"type": "Ready", "status": "Unknown" if unknown else "False",
                 "reason": "NodeStatusUnknown" if unknown else "KubeletNotReady",
                 "message": "Kubelet stopped posting node status." if unknown else
                 "[container runtime is down, PLEG is not healthy: pleg was last seen active 4m33s ago; threshold is 3m0s]",
                 "lastTransitionTime": iso(time.time() - 400), "lastHeartbeatTime": iso(time.time() - 450)}]}}
            stage.after.append(lambda stage, plane: event(
                plane, "Node", "", node, "Normal", "NodeNotReady", f"Node {node} status is now: NodeNotReady",
                by="node-controller", ago=300))
        stage.alert(stage.target, "error_rate", f"success rate of {stage.target} fell to 61%")
        if service == "kube-scheduler":
            stage.deployment()["spec"]["template"]["spec"]["schedulerName"] = "default-scheduler"
    fault(name, object="node/control-1" if name == "kube_scheduler_unavailable" else "node/worker-2")(play)


for _name in ("kubelet_unavailable", "containerd_unavailable", "kube_proxy_unavailable"):
    _machine(_name)


def _series(stage: Stage, **special: dict[str, float]) -> str:
    """Write five minutes of metrics; ``special``: column to factor or value from the second minute on."""
    names, rows = [], []
    for app in stage.system.apps:
        names += [(f"{app.name}-{kind}", value) for kind, value in (
            ("cpu", 0.03), ("mem", 4e7), ("cpu_cfs", 0.001), ("rps", 8.0), ("success_rate", 1.0),
            ("network_receive_packets", 40.0), ("network_transmit_packets", 40.0), ("p50latency", 6.0), ("p90latency", 12.0),
            ("p95latency", 18.0))]
    names += [(f"{node}-{kind}", value) for node in ("worker-1", "worker-2", "worker-3") for kind, value in (
        ("cpu", 14.0), ("mem", 41.0), ("tcp_retans", 0.4))]
    begin = time.time() - 300
    for step in range(60):
        row = [f"{begin + 5 * step:.0f}"]
        for name, usual in names:
            value = usual * (1 + 0.08 * math.sin(step * 1.7 + len(name)) + stage.rng.gauss(0, 0.04))
            change = special.get("columns", {}).get(name)
            row.append(f"{value if change is None or step < 18 else change * (1 + stage.rng.gauss(0, 0.05)):.5g}")
        rows.append(",".join(row))
    return "\n".join([",".join(["timestamp", *(name for name, _ in names)]), *rows]) + "\n"


@fault("pod_cpu_overload", speaks=("http", "grpc"))
def _load(stage: Stage, variant: int) -> None:
    columns = {f"{stage.target}-cpu": 0.3, f"{stage.target}-cpu_cfs": 0.6, f"{stage.target}-p95latency": 900.0,
               f"{stage.target}-p50latency": 300.0, f"{stage.target}-p90latency": 700.0}
    columns |= {f"{name}-p95latency": 950.0 for name in stage.callers()}
    stage.metrics = _series(stage, columns=columns)
    stage.alert(stage.target, "cpu", f"CPU usage of {stage.target} is 98% of its limit for 4 minutes")


@fault("pod_network_delay", speaks=("http", "grpc"))
def _delay(stage: Stage, variant: int) -> None:
    columns = {f"{stage.target}-p{of}latency": 200.0 * (variant + 1) for of in (50, 90, 95)}
    for name in stage.callers():
        columns |= {f"{name}-p{of}latency": 210.0 * (variant + 1) for of in (50, 90, 95)}
    stage.metrics = _series(stage, columns=columns)
    for name in (stage.target, *stage.callers()):
        stage.alert(name, "latency", f"p95 latency of {name} rose from 18 ms to {210 * (variant + 1)} ms")


def _database(name: str, pattern: str, of: str, code: int = 1) -> None:
    def play(stage: Stage, variant: int) -> None:
        stage.target = stage.rng.choice([app.name for app in stage.system.apps if app.secret and not app.claim])
        _crash(stage, code) if variant else stage.late.append(stage.target)
        stage.log(stage.target, pattern)
        stage.alert(stage.target, "error_rate", f"success rate of {stage.target} fell to 4%")
    fault(name, of=("cargo",), speaks=(of,), object="app/{base}" if name in (
        "database_read_only", "database_connections_exhausted") else "app/{target}")(play)


_database("database_credentials_wrong", "java.sql.SQLException: Access denied for user 'root'@'10.244.1.9' (using password: YES)",
          "http")
_database("database_port_wrong", "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure; Caused by: "
                           "java.net.ConnectException: Connection refused (Connection refused) booking-mysql:3307", "http")
_database("database_read_only", "java.sql.SQLException: The MySQL server is running with the --read-only option so it cannot "
                                "execute this statement", "http")
_database("database_connections_exhausted", 'java.sql.SQLNonTransientConnectionException: Data source rejected establishment of '
                                  'connection,  message from server: "Too many connections"', "http")


@fault("missing_secret_binding", of=("cargo",), speaks=("http",))
def _secret(stage: Stage, variant: int) -> None:
    name = f"{stage.target}-login"
    key = "password" if variant else "DB_PASS"
    stage.container()["env"].append({"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})
    stage.fates[stage.target] = Fate("CreateContainerConfigError", ready=False, events=[
        ("Warning", "Failed", f'Error: secret "{name}" not found' if variant else
         f"Error: couldn't find key {key} in Secret {stage.namespace}/{name}", 30)])
    if not variant:
        stage.extra.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": stage.namespace},
                            "data": {"password": "eA=="}})
    down(stage)


@fault("sidecar_port_conflict", of=("cargo",), speaks=("http",))
def _sidecar(stage: Stage, variant: int) -> None:
    spec = stage.pod_spec()
    spec["containers"].append({"name": "metrics-agent", "image": "depot.cargo.example/tools/agent:1.0",
                               "ports": [{"containerPort": stage.app.target}]})
    _crash(stage, 1)
    stage.log(stage.target, f"Web server failed to start. Port {stage.app.target} was already in use." if variant
              else f"listen tcp :{stage.app.target}: bind: address already in use")


@fault("gateway_misroute", of=("cargo",), speaks=("http",), object="app/cargo-gateway")
def _misroute(stage: Stage, variant: int) -> None:
    stage.log("cargo-gateway", f"404 NOT_FOUND No matching handler for GET /api/v1/{stage.target}", 80)
    stage.alert("cargo-gateway", "error_rate", "share of 404 responses of cargo-gateway is 42%")
