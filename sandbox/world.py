"""The world that the responder meets: the platform, the vendors, the clock that moves them, in one process.

    python -m sandbox.world

One port carries the vendors' stand-ins, the cluster's authentication webhook, and the sandbox's own control, which
the responder does not know. Two more are the ways to CloudWatch and to Kubernetes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx

from sandbox.alarms import Evaluator
from sandbox.control_plane.run import ADMIN_TOKEN
from sandbox.places import (
    ACCOUNT,
    CANARY,
    CLUSTER,
    DATABASE,
    LOAD_BALANCER,
    NAMESPACE,
    REGION,
    STATE,
    TARGET_GROUP,
    Ports,
)
from sandbox.platform.cluster import Cluster
from sandbox.platform.flow import BALANCER, ENTRY, Flow, Snapshot, environment_of, targets
from sandbox.platform.kubelet import Kubelet
from sandbox.platform.listeners import Listeners
from sandbox.platform.objects import KINDS, NODES, image, nodes, platform
from sandbox.platform.state import Broken, Database, HealthEvent, Provider, World
from sandbox.platform.telemetry import Delays, Telemetry, metric_data
from sandbox.platform.usage import Usage
from sandbox.platform.versions import Behaviour, Versions
from sandbox.vendors.aws import Aws
from sandbox.vendors.gate import SLOW_SECONDS, Answer, Gates
from sandbox.vendors.groups import RULES
from sandbox.vendors.newrelic import NewRelic
from sandbox.vendors.people import ManagedPage, PagerDuty, Slack
from sandbox.vendors.proxy import CloudWatch
from sandbox.vendors.proxy import Kubernetes as KubernetesProxy
from sandbox.vendors.rds import PARAMETER_GROUP, parameters_told
from sandbox.vendors.splunk import Splunk
from sandbox.vendors.statuspage import StatusPages

_CONFIG_READ_SECONDS = 2.0
"""A mounted ConfigMap's change arrives so much later."""


class Platform:
    """Everything that moves, and the events that a drill may bring about."""

    def __init__(self, ports: Ports, pki: Path) -> None:
        self.ports = ports
        self.versions = Versions()
        self.gates = Gates()
        self.delays = Delays.read(os.environ.get("SANDBOX_DELAYS", "sandbox"))
        self.telemetry = Telemetry(self.versions)
        self.cluster = Cluster(f"https://127.0.0.1:{ports.apiserver}", str(pki / "ca.crt"), ADMIN_TOKEN)
        self.kubelet = Kubelet(self.cluster, self.versions)
        self.newrelic = NewRelic(self.telemetry, self.gates, self.delays)
        self.people: dict[str, PagerDuty | Slack | ManagedPage] = {}
        self._nobody_told()
        self.usage = Usage(self.cluster)
        self.aws = Aws(f"http://127.0.0.1:{ports.aws}", lambda: self.world, self.cluster, self.gates,
                       self.delays.cloudtrail)
        self.listeners = Listeners({name: getattr(ports, name) for name in ("database", "primary", "fallback")})
        self.cloudwatch = boto3.client("cloudwatch")
        self.eks = boto3.client("eks")
        self.evaluator: Evaluator | None = None
        self.world = World()
        self._rng = random.Random("steady")
        self._flow = Flow(self.versions, self._rng)
        self._lock = threading.RLock()
        self._environments: dict[str, dict[str, str]] = {}
        self._config: list[tuple[float, dict[str, str]]] = []
        self._published = self._published_minute = 0.0
        self._running_pods: list[dict[str, Any]] = []
        self._targets = (0, 0)
        """Healthy and unhealthy hosts behind the load balancer."""
        self._canary = random.Random("canary")
        self._recent: list[tuple[float, int, int]] = []
        self._logs: dict[int, tuple[str, str, float, float]] = {}
        self._served = 0.0
        """The last second that was served."""
        self._running = False

    # --- the clock ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Move the platform's second hand, the kubelet and the alarms, each in a thread of its own."""
        for step, pause in ((self._second, 0.3), (self.kubelet.step, 0.7), (self._publish, 0.25),
                            (self._measure, 10.0), (self._listen, 0.5)):
            threading.Thread(target=self._forever, args=(step, pause), daemon=True).start()

    def _forever(self, step: Callable[[], None], pause: float) -> None:
        following = time.monotonic()
        while True:
            following = max(following + pause, time.monotonic())
            try:
                step()
            except Exception:
                # A control plane that is just starting, or a fault that a drill brought about.
                traceback.print_exc()
            time.sleep(max(0.05, following - time.monotonic()))

    def _second(self) -> None:
        # A machine that is late serves fewer seconds, never one of them twice.
        if not self._running or int(time.time()) <= self._served:
            return
        snapshot = self._snapshot()
        with self._lock:
            if not self._running:
                return
            at = float(int(time.time()))
            if at <= self._served:
                return
            self._served = at
            self.world.database.step(at, {pod["metadata"]["uid"]: pod["metadata"].get("labels", {}).get("app", "")
                                          for pod in snapshot.pods
                                          if pod["spec"].get("nodeName") not in self.world.silent_nodes})
            self.aws.second(at)
            served = self._flow.second(self.world, snapshot)
            self._targets = targets(self.world, snapshot)
            self.usage.count(served)
            self.telemetry.second(at, served, self._rng, {
                client: part / self.world.factor for client, part in self.world.floods.items() if self.world.factor})
            for key, (component, line, every, following) in list(self._logs.items()):
                if at >= following:
                    for part in range(max(1, round(1 / every)) if every > 0 else 1):
                        self.telemetry.log(at + part * every, component, line)
                    self._logs[key] = (component, line, every, at + every)
            entry = [item for item in served if item.component in ("frontend", BALANCER)]
            requests, errors = sum(item.requests for item in entry), sum(item.errors for item in entry)
            self._recent = [*self._recent[-600:], (at, requests, errors)]

    def _snapshot(self) -> Snapshot:
        path = f"/api/v1/namespaces/{NAMESPACE}"
        pods = [pod for pod in self.cluster.items(f"{path}/pods")
                if any(status.get("state", {}).get("running") for status in
                       pod.get("status", {}).get("containerStatuses") or [])]
        config = {item["metadata"]["name"]: item.get("data") or {} for item in self.cluster.items(f"{path}/configmaps")}
        secrets = {item["metadata"]["name"]: {key: base64.b64decode(value).decode(errors="replace")
                                              for key, value in (item.get("data") or {}).items()}
                   for item in self.cluster.items(f"{path}/secrets")}
        now = time.time()
        self._config = [*self._config[-5:], (now, config.get("payment-gateway-config", {}))]
        mounted = next((value for moment, value in reversed(self._config) if moment <= now - _CONFIG_READ_SECONDS),
                       self._config[0][1])
        self._running_pods = pods
        snapshot = Snapshot(pods, {item["metadata"]["name"]: item for item in self.cluster.items(f"{path}/endpoints")},
                            {item["metadata"]["name"]: item for item in self.cluster.items(f"{path}/services")},
                            self.cluster.items(f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"),
                            mounted, secrets.get("payment-gateway-db", {}))
        for pod in pods:
            # A variable keeps the value that it had when the container started.
            pod["_environment"] = self._environments.setdefault(pod["metadata"]["uid"],
                                                                environment_of(pod, snapshot))
        return snapshot

    def _publish(self) -> None:
        """Publish metrics at the end of each period, and evaluate the alarms."""
        if not self._running or self.evaluator is None:
            return
        now = time.time()
        with self._lock:
            period = (now - 1.0 - self.delays.cloudwatch) // 10 * 10
            if period > self._published:
                rows = list(self.telemetry.between(self._published, period))
                self._put("PaymentPlatform", metric_data(rows, 10))
                self._put_database(period - 10)
                self._put_targets(self._published, period)
                self._published = period
            minute = (now - 1.0 - self.delays.load_balancer) // 60 * 60
            if minute > self._published_minute:
                self._put_balancer(self._published_minute, minute)
                self._published_minute = minute
        self.evaluator.step()

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for first in range(0, len(data), 1000):
            self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first:first + 1000])

    def _put_balancer(self, start: float, end: float) -> None:
        """What the load balancer counts, as AWS does: each minute."""
        sums: dict[float, list[int]] = {}
        for row in self.telemetry.balanced_between(start, end):
            entry = sums.setdefault(row.at // 60 * 60, [0, 0, 0])
            for place, value in enumerate((row.requests, row.target_errors, row.own_errors)):
                entry[place] += value
        common = {"Dimensions": [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}], "Unit": "Count"}
        self._put("AWS/ApplicationELB", [
            common | {"MetricName": name, "Timestamp": at, "Value": float(value)}
            for at, values in sorted(sums.items())
            for name, value in zip(("RequestCount", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"), values,
                                   strict=True)])
        self._put("CloudWatchSynthetics", [
            {"MetricName": "SuccessPercent", "Dimensions": [{"Name": "CanaryName", "Value": CANARY}],
             "Unit": "Percent", "Timestamp": at, "Value": self._run_canary(at + 60)} for at in sorted(sums)])

    def _run_canary(self, at: float) -> float:
        """Success, in per cent, of a request that is made at the end of a minute: it fares as the customers' do."""
        rows = list(self.telemetry.balanced_between(at - 10, at))
        requests, failed = sum(row.requests for row in rows), sum(row.target_errors + row.own_errors for row in rows)
        return 0.0 if requests and self._canary.random() < failed / requests else 100.0

    def _put_hosts(self, healthy: int, unhealthy: int, times: Iterable[float]) -> None:
        """Hosts of the target group, where any are registered."""
        common = {"Dimensions": [{"Name": "TargetGroup", "Value": TARGET_GROUP},
                                 {"Name": "LoadBalancer", "Value": LOAD_BALANCER}], "Unit": "Count",
                  "StorageResolution": 1}
        self._put("AWS/ApplicationELB", [
            common | {"MetricName": name, "Timestamp": at, "Value": float(value)} for at in times
            for name, value in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy))
            if healthy + unhealthy])

    def _put_database(self, period: float) -> None:
        """What RDS publishes: each minute in AWS, each ten seconds here (docs/drills.md)."""
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": DATABASE}]
        self._put("AWS/RDS", [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": period, "Value": value, "StorageResolution": 1}
            for name, value in self.world.database.metrics(time.time()).items()])

    def _put_targets(self, start: float, end: float) -> None:
        """Hosts behind the load balancer and connections that they did not take, and Container Insights' utilisation.

        Each minute in AWS, each ten seconds here (docs/drills.md). A count of nothing is not published, as in AWS.
        """
        self._put_hosts(*self._targets, [end - 10])
        failed = sum(row.not_connected for row in self.telemetry.balanced_between(start, end))
        self._put("AWS/ApplicationELB", [
            {"MetricName": "TargetConnectionErrorCount", "Unit": "Count", "Timestamp": end - 10, "Value": float(failed),
             "Dimensions": [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}], "StorageResolution": 1}
        ] if failed else [])
        self._put("ContainerInsights", self.usage.insights(end - 10))

    def _measure(self) -> None:
        """Write what metrics.k8s.io shows."""
        if self._running:
            self.usage.write(self._running_pods)

    def _listen(self) -> None:
        """Let the listeners be as the world is."""
        self.listeners.step(self.world, time.time())

    # --- control --------------------------------------------------------------------------------------------------

    def _nobody_told(self) -> None:
        """Begin anew with the vendors that people are reached by."""
        self.people = {"/pagerduty/": PagerDuty(self.gates), "/slack/": Slack(self.gates),
                       "/statuspage/": ManagedPage(self.gates)}

    def told(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what the vendors were told, word for word."""
        return {root.strip("/"): vendor.told() for root, vendor in self.people.items()}

    def reset(self, body: dict[str, Any]) -> dict[str, Any]:
        """Begin anew: the same healthy objects, two healthy hours of history, no fault anywhere."""
        self._running = False
        with self._lock:
            self.gates.reset()
            self.versions.reset()
            self.newrelic.deployments.clear()
            self.newrelic.issues.clear()
            self._nobody_told()
            self._logs, self._environments, self._config, self._recent = {}, {}, [], []
            self.world = World(requests_per_second=float(body.get("requests_per_second", 40)))
            self.kubelet.world = self.world
            self._rng.seed(str(body.get("seed", "steady")))
        self.cluster.clear(keep=[("Node", node) for node in NODES])
        self._await(lambda: not self.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods"), 30, "pods to go")
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for node in nodes():
            self._create_node(node)
            self.cluster.patch("Node", node["metadata"]["name"], {"spec": {"unschedulable": None, "taints": None}})
        self.kubelet._beat = 0.0
        for manifest in platform(body.get("replicas") or {}):
            self.cluster.apply(manifest)
        self._await(self._ready, 60, "all pods to be ready")
        now = time.time()
        httpx.post(f"http://127.0.0.1:{self.ports.engine_admin}/clear-metrics", json={}, timeout=10)
        with self._lock:
            self.telemetry.reset(now, self.world.requests_per_second, random.Random(f"history {body.get('seed')}"))
            self._published = (now - 2) // 10 * 10
            self._published_minute = (now - 2) // 60 * 60
            history = list(self.telemetry.between(0, self._published))
            self._put("PaymentPlatform", metric_data(history, 10))
            self._put_balancer(0, self._published_minute)
            self._targets = ((body.get("replicas") or {}).get(ENTRY, KINDS[ENTRY].pods), 0)
            self._put_hosts(*self._targets, [self._published_minute - 60 * minute for minute in range(1, 130)])
            metrics = Database().metrics(now) | {"DatabaseConnections": 28.0}
            self._put("AWS/RDS", [
                {"MetricName": name, "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": DATABASE}],
                 "Timestamp": now - 60 * minute, "Value": value * self._rng.uniform(0.97, 1.03)}
                for name, value in metrics.items() for minute in range(1, 130)])
            if self.evaluator:
                self.evaluator.reset()
            self._running = True
        return {}

    def _ready(self) -> bool:
        deployments = self.cluster.items(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
        # Until the Services know the pods, the first requests would be refused and set an alarm off.
        addresses = {item["metadata"]["name"]: sum(len(subset.get("addresses") or [])
                                                   for subset in item.get("subsets") or [])
                     for item in self.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/endpoints")}
        return len(deployments) >= len(KINDS) and all(
            item.get("status", {}).get("readyReplicas", 0) == item["spec"]["replicas"]
            and item.get("status", {}).get("observedGeneration") == item["metadata"]["generation"]
            and (item["metadata"]["name"] not in KINDS
                 or addresses.get(item["metadata"]["name"], 0) == item["spec"]["replicas"])
            for item in deployments)

    def _await(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.2)

    def template(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take up the alarms of a deployed template."""
        self.evaluator = Evaluator(Path(body["path"]), self.cloudwatch,
                                   {10: 1.0 + self.delays.cloudwatch + 0.3, 60: 1.0 + self.delays.load_balancer + 0.3})
        return {"alarms": self.evaluator.alarms()}

    def status(self, body: dict[str, Any]) -> dict[str, Any]:
        """The error rate of the last seconds, the pods, and which alarms went off when."""
        with self._lock:
            recent = list(self._recent)
        return {"recent": recent[-120:], "running": self._running,
                "went_off": dict(self.evaluator.went_off) if self.evaluator else {}}

    def event(self, body: dict[str, Any]) -> dict[str, Any]:
        """Bring one event of a drill about; ``heal`` undoes what it did."""
        kind, fields, heal = body["kind"], body["fields"], bool(body.get("heal"))
        return getattr(self, f"_event_{kind}")(fields, heal, body.get("token")) or {}

    # --- the kinds of events --------------------------------------------------------------------------------------

    def _event_release(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        component = fields["component"]
        if heal:
            template = token["template"]
            self.cluster.patch("Deployment", component, {"spec": {"template": template}})
            return {}
        found = self.cluster.get("Deployment", component)
        assert found is not None
        before = found["spec"]["template"]["spec"]["containers"][0]["image"]
        self.newrelic.mark(component, str(fields["version"]))
        self.versions.add(component, str(fields["version"]), Behaviour(
            float(fields.get("error_rate", 0)), float(fields.get("latency_ms", 0)), fields.get("capacity"),
            fields.get("memory_mib"), str(fields.get("log", "")), str(fields.get("state", ""))))
        containers = [{"name": component, "image": image(component, str(fields["version"]))}]
        self.cluster.patch("Deployment", component, {"spec": {"template": {"spec": {"containers": containers}}}})
        return {"template": {"spec": {"containers": [{"name": component, "image": before}]}}}

    def _event_kubernetes(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        if heal:
            for manifest in token["restore"]:
                self.cluster.apply(manifest)
            for kind, name, namespace in token["remove"]:
                self.cluster.delete(kind, name, namespace)
            return {}
        restore: list[dict[str, Any]] = []
        remove: list[tuple[str, str, str | None]] = []
        if "apply" in fields:
            manifests = fields["apply"] if isinstance(fields["apply"], list) else [fields["apply"]]
            for manifest in manifests:
                metadata = manifest["metadata"]
                before = self.cluster.get(manifest["kind"], metadata["name"], metadata.get("namespace"))
                if before:
                    restore.append(_bare(before))
                else:
                    remove.append((manifest["kind"], metadata["name"], metadata.get("namespace")))
                self.cluster.apply(manifest)
        for word in ("patch", "delete"):
            if word in fields:
                item = fields[word]
                before = self.cluster.get(item["kind"], item["name"], item.get("namespace"))
                restore += [_bare(before)] if before else []
                if word == "patch":
                    self.cluster.patch(item["kind"], item["name"], item["patch"], item.get("namespace"))
                else:
                    self.cluster.delete(item["kind"], item["name"], item.get("namespace"))
        return {"restore": restore, "remove": remove}

    def _event_traffic(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        with self._lock:
            world, client = self.world, fields.get("client")
            if heal:
                world.factor, world.floods = token["before"], token["floods"]
                return {}
            before, floods = world.factor, dict(world.floods)
            world.factor *= float(fields["factor"])
            if client:
                world.floods[client] = world.floods.get(client, 0.0) + world.factor - before
            return {"before": before, "floods": floods}

    def _event_telemetry(self, fields: dict[str, Any], heal: bool, token: Any) -> None:
        if heal:
            self.gates.heal(fields["source"])
        else:
            self.gates.set(fields["source"], fields["fault"], float(fields.get("slow_seconds", SLOW_SECONDS)))

    def _event_alarm(self, fields: dict[str, Any], heal: bool, token: Any) -> None:
        if not heal:
            name = next((name for name in (self.evaluator.alarms() if self.evaluator else [])
                         if name.endswith("-error-rate") and "load-balancer" not in name), "unknown")
            httpx.post(f"http://127.0.0.1:{self.ports.engine_admin}/alarm-events", timeout=60, json={
                "name": name, "count": fields["count"],
                "reason": "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold"})

    def _event_configuration(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        name = "payment-gateway-config"
        if heal:
            self.cluster.patch("ConfigMap", name, {"data": token["before"]})
            return {}
        found = self.cluster.get("ConfigMap", name) or {}
        before = {key: (found.get("data") or {}).get(key) for key in fields["set"]}
        with self._lock:
            effect = (float(fields.get("error_rate", 0)), float(fields.get("latency_ms", 0)),
                      str(fields.get("log", "")))
            # One value carries the effect, so that several keys set at once do not add it up.
            key = next(iter(fields["set"]))
            self.world.settings[key, str(fields["set"][key])] = effect
        self.cluster.patch("ConfigMap", name, {"data": {key: str(value) for key, value in fields["set"].items()}})
        return {"before": before}

    def _event_database(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any] | None:
        now, fault = time.time(), fields.get("fault", "")
        database = self.world.database
        if "parameters" in fields:
            with self._lock:
                values = token["before"] if heal else fields["parameters"]
                before = {name: database.parameters.get(name) for name in values}
                database.set_parameters(now, values)
                self.world.record("ModifyDBParameterGroup", "rds", "database-admin",
                                  (("AWS::RDS::DBParameterGroup", PARAMETER_GROUP),), **parameters_told(values))
            return {"before": before}
        if fault == "rejects_credentials":
            with self._lock:
                if heal:
                    database.heal(now)
                    database.password = Database().password
                else:
                    database.set_fault(fault, now)
                    database.password = "second-password"  # noqa: S105 - of a database that does not exist
                    self.world.record("RotationSucceeded", "secretsmanager", "secretsmanager.amazonaws.com",
                                      (("AWS::SecretsManager::Secret", "payments-db/payment-gateway"),))
                    self.world.record("ModifyDBInstance", "rds", "rotation", (("AWS::RDS::DBInstance", DATABASE),),
                                      dBInstanceIdentifier=DATABASE, masterUserPassword="****")
            self.cluster.patch("Secret", "payment-gateway-db", {"stringData": {"password": database.password}})
            return None
        with self._lock:
            if heal:
                database.heal(now)
            else:
                leaking = frozenset(pod["metadata"]["uid"] for pod in self._running_pods
                                    if pod["metadata"].get("labels", {}).get("app") == "ledger-export")
                database.set_fault(fault, now, leaking)
        return None

    def _event_nodes(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        fault = fields["fault"]
        if heal:
            for name in token["names"]:
                self.world.silent_nodes.discard(name)
                if fault == "gone":
                    self._create_node(next(node for node in nodes() if node["metadata"]["name"] == name))
                if fault == "cordoned":
                    self.cluster.patch("Node", name, {"spec": {"unschedulable": None}})
            self.kubelet._beat = 0.0
            return {}
        held: dict[str, int] = dict.fromkeys(NODES, 0)
        for pod in self.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods"):
            if pod["metadata"].get("labels", {}).get("app") == "payment-gateway" and pod["spec"].get("nodeName"):
                held[pod["spec"]["nodeName"]] = held.get(pod["spec"]["nodeName"], 0) + 1
        names = fields.get("names") or sorted(held, key=lambda name: (-held[name], name))[:int(fields.get("count", 1))]
        for name in names:
            if fault in ("not_ready", "gone"):
                self.world.silent_nodes.add(name)
            if fault == "gone":
                self.cluster.delete_now(f"/api/v1/nodes/{name}")
            if fault == "cordoned":
                self.cluster.patch("Node", name, {"spec": {"unschedulable": True}})
        return {"names": list(names)}

    def _event_pods(self, fields: dict[str, Any], heal: bool, token: Any) -> None:
        component, count = fields["component"], fields.get("count")
        uids = sorted(pod["metadata"]["uid"] for pod in self.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
                      if pod["metadata"].get("labels", {}).get("app") == component)
        with self._lock:
            if fields["fault"] == "deadlocked":
                self.world.deadlocked = {key: value for key, value in self.world.deadlocked.items()
                                         if key != component} | ({} if heal else {component: set(uids)})
            else:
                self.world.hung = set() if heal else self.world.hung | set(uids[:count])

    def _event_control_plane(self, fields: dict[str, Any], heal: bool, token: Any) -> None:
        self.world.control_plane_down = not heal

    def _event_network(self, fields: dict[str, Any], heal: bool, token: Any) -> None:
        broken = Broken(fields["from"], fields["to"], fields["fault"])
        rule = RULES[broken.target]
        with self._lock:
            if heal and broken not in self.world.broken:
                return  # its rule is there again
            self.world.broken = [item for item in self.world.broken if item != broken] + ([] if heal else [broken])
            if broken.fault == "blocked":
                self.world.record(f"{'Authorize' if heal else 'Revoke'}SecurityGroup{rule.direction}", "ec2",
                                  "network-admin", (("AWS::EC2::SecurityGroup", rule.group),), **rule.parameters())

    def _event_provider(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        name = fields.get("name", "primary")
        with self._lock:
            before = self.world.providers[name]
            if heal:
                self.world.providers[name] = Provider()
            else:
                fault = fields.get("fault", "")
                page = fields.get("status_page") or {"down": "outage", "errors": "degraded",
                                                     "slow": "degraded"}.get(fault, "operational")
                self.world.providers[name] = Provider(
                    fault, float(fields.get("error_rate", 0.6 if fault == "errors" else before.error_rate)),
                    before.latency_ms, page, time.time())
        return {}

    def _event_aws_health(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        region, now = fields.get("region") or REGION, time.time()
        service, code = fields["service"].upper(), fields["code"]
        arn = (f"arn:aws:health:{region}::event/{service}/{code}/{code}_"
               f"{hashlib.sha256(f'{service}{code}{int(now)}'.encode()).hexdigest()[:12]}")
        if heal:
            event = next(item for item in self.world.health if item.arn == token["arn"])
            event.status, event.ended = "closed", now
        else:
            status = fields.get("status", "open")
            event = HealthEvent(arn, service, code, status, region, now, now if status == "closed" else None)
            self.world.health.append(event)
        httpx.post(f"http://127.0.0.1:{self.ports.engine_admin}/aws-event", timeout=10, json={
            "detail_type": "AWS Health Event", "source": "aws.health", "resources": [], "detail": {
                "eventArn": event.arn, "service": event.service, "eventTypeCode": event.code,
                "eventTypeCategory": "issue", "eventScopeCode": "PUBLIC", "communicationId": event.arn[-12:],
                "statusCode": event.status, "eventRegion": event.region, "lastUpdatedTime": _http_date(now),
                "startTime": _http_date(event.at), **({"endTime": _http_date(event.ended)} if event.ended else {}),
                "eventDescription": [{"language": "en_US", "latestDescription":
                                      f"We are investigating an issue with {event.service} in {event.region}."}],
                "page": "1", "totalPages": "1", "affectedAccount": ACCOUNT}})
        return {"arn": event.arn}

    def _event_log(self, fields: dict[str, Any], heal: bool, token: Any) -> dict[str, Any]:
        with self._lock:
            if heal:
                self._logs.pop(token["key"], None)
                return {}
            key = len(self._logs) + 1
            self._logs[key] = (fields["component"], str(fields["line"]), float(fields.get("every", 1)), 0.0)
            return {"key": key}

    def _create_node(self, node: dict[str, Any]) -> None:
        self.cluster.create("/api/v1/nodes", node)
        self.cluster.patch_status(f"/api/v1/nodes/{node['metadata']['name']}", node["status"])

    # --- authentication -------------------------------------------------------------------------------------------

    def review(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a TokenReview for a token from EKS, as AWS's authenticator does in a real cluster.

        The token is a presigned STS GetCallerIdentity URL; whose it is, STS says, and what the caller's groups are,
        the cluster's access entries.
        """
        review = {"apiVersion": body["apiVersion"], "kind": "TokenReview", "status": {"authenticated": False}}
        try:
            arn = self._caller(body["spec"]["token"])
            role = re.sub(r"^arn:aws:sts::(\d+):assumed-role/([^/]+)/.*$", r"arn:aws:iam::\1:role/\2", arn)
            entry = self.eks.describe_access_entry(clusterName=CLUSTER, principalArn=role)["accessEntry"]
        except (ValueError, httpx.HTTPError, self.eks.exceptions.ResourceNotFoundException) as error:
            review["status"]["error"] = str(error)[:200]
            return review
        review["status"] = {"authenticated": True, "user": {
            "username": arn, "uid": role, "groups": [*entry.get("kubernetesGroups", []), "system:authenticated"]}}
        return review

    def _caller(self, token: str) -> str:
        if not token.startswith("k8s-aws-v1."):
            raise ValueError("not a token from EKS")
        text = token.removeprefix("k8s-aws-v1.")
        url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
        query = parse_qs(url.query)
        if query.get("Action") != ["GetCallerIdentity"] or "x-k8s-aws-id" not in query.get(
                "X-Amz-SignedHeaders", [""])[0]:
            raise ValueError("the token is no presigned GetCallerIdentity for a cluster")
        signed = time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        import calendar
        if abs(time.time() - calendar.timegm(signed)) > 15 * 60:
            raise ValueError("the token has expired")
        # Whatever host the URL names, only STS is asked.
        answer = httpx.get(f"http://127.0.0.1:{self.ports.aws}/?{url.query}", headers={"x-k8s-aws-id": CLUSTER},
                           timeout=10)
        found = re.search(r"<Arn>([^<]+)</Arn>", answer.text)
        if answer.status_code != 200 or not found:
            raise ValueError(f"STS does not know the caller ({answer.status_code})")
        return found[1]


def _http_date(seconds: float) -> str:
    """The form of times in AWS Health's events."""
    return formatdate(seconds, usegmt=True)


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """An object without what the API server adds."""
    metadata = {key: value for key, value in item["metadata"].items()
                if key in ("name", "namespace", "labels", "annotations")}
    return {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}


Route = Callable[[str, str, dict[str, str], bytes], Answer]


def _server(port: int, route: Route, pki: Path | None = None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            try:
                answer = route(self.command, self.path, headers, body)
            except Exception:
                traceback.print_exc()
                answer = Answer(500, b'{"message": "the sandbox failed"}')
            if answer.status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            for key, value in answer.headers:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ValueError, OSError):
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    if pki:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "tls.crt", pki / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Start the servers and the clock, and stay."""
    ports, pki = Ports.planned(), STATE / "control-plane"
    world = Platform(ports, pki)
    splunk = Splunk(world.telemetry, world.gates, world.delays)
    pages = StatusPages(lambda: world.world, world.gates)
    control = {"reset": world.reset, "template": world.template, "status": world.status, "event": world.event,
               "authenticate": world.review, "told": world.told}

    def route(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/newrelic/graphql" and method == "POST":
            return world.newrelic.answer(headers, body)
        if path == "/splunk/services/search/v2/jobs/export" and method == "POST":
            return splunk.answer(headers, body)
        if path.startswith("/aws/"):
            return world.aws.answer(method, path, headers, body)
        for root, vendor in world.people.items():
            if path.startswith(root):
                return vendor.answer(method, path, headers, body)
        if path.startswith(("/status/", "/provider/")):
            return pages.answer(method, path, headers)
        name = path.strip("/").split("?")[0].removeprefix("control/")
        if name in control and method == "POST":
            return Answer(200, json.dumps(control[name](json.loads(body or b"{}"))).encode())
        return Answer(404, b"{}")

    cloudwatch = CloudWatch(f"http://127.0.0.1:{ports.aws}", world.gates)
    kubernetes = KubernetesProxy(f"https://127.0.0.1:{ports.apiserver}", str(pki / "ca.crt"), world.gates,
                                 lambda: world.world.control_plane_down)
    servers = [_server(ports.world, route), _server(ports.cloudwatch, cloudwatch.answer),
               _server(ports.kubernetes, kubernetes.answer, pki)]
    world.start()
    while servers:
        time.sleep(3600)


if __name__ == "__main__":
    main()
