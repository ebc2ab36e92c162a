"""Faults at a pod's way: admission, scheduling, volumes, start, run. Each changes a stage; wordings are the kubelet's,
containerd's and the API server's own, where no controller of the real control plane says them itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.external.cloud_opsbench.made.cluster import Plane
from bench.external.cloud_opsbench.made.stage import Fate, Stage

Object = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A fault of the vocabulary."""

    root_cause: str
    play: Callable[[Stage, int], None]
    object: str = "app/{target}"
    variants: int = 2
    of: tuple[str, ...] = ("petal", "cargo")
    """Systems that it can be put into."""
    speaks: tuple[str, ...] = ("grpc", "http", "tcp")
    """What the workload speaks that it can be put into."""


FAULTS: dict[str, Fault] = {}


def fault(root_cause: str, **more: Any) -> Callable[[Callable[[Stage, int], None]], Callable[[Stage, int], None]]:
    """Register a fault."""
    def register(play: Callable[[Stage, int], None]) -> Callable[[Stage, int], None]:
        FAULTS[root_cause] = Fault(root_cause, play, **more)
        return play
    return register


def down(stage: Stage, name: str = "") -> None:
    """Let the callers of a workload fail, as they do when nothing answers."""
    name = name or stage.target
    app = stage.system.app(name)
    for caller in stage.callers(name):
        stage.alert(caller, "error_rate", f"success rate of {caller} fell to {stage.rng.randint(20, 70)}%")
        stage.log(caller, f'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while '
                          f'dialing: dial tcp 10.96.{stage.rng.randint(1, 99)}.17:{app.port}: connect: connection refused"'
                  if stage.system.name == "petal" else
                  f"I/O error on GET request for \"http://{name}:{app.port}/api/v1\": Connection refused (Connection "
                  f"refused); nested exception is java.net.ConnectException: Connection refused")
    stage.connectivity[f"{name}:{app.port}"] = (
        f"nc: connect to {name} (10.96.13.7) port {app.port} (tcp) failed: Connection refused")
    stage.late.append(name)


@fault("missing_service_account")
def _account(stage: Stage, variant: int) -> None:
    stage.pod_spec()["serviceAccountName"] = f"{stage.target}-sa-v2" if variant else "deployer"
    down(stage)


def _quota(resource: str, hard: str, variant_hard: str) -> Callable[[Stage, int], None]:
    def play(stage: Stage, variant: int) -> None:
        stage.extra.append({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {
            "name": "compute-resources" if variant else f"{stage.namespace}-quota", "namespace": stage.namespace},
            "spec": {"hard": {resource: variant_hard if variant else hard, "count/secrets": "50"}}})
        down(stage)
        stage.late[:] = [stage.target]
    return play


for _name, _resource, _hard, _other in (
        ("namespace_cpu_quota_exceeded", "requests.cpu", "480m", "490m"),
        ("namespace_memory_quota_exceeded", "limits.memory", "1500Mi", "1600Mi"),
        ("namespace_pod_quota_exceeded", "pods", "9", "10")):
    fault(_name, object="namespace/{namespace}")(_quota(_resource, _hard, _other))


@fault("cpu_capacity_mismatch")
def _cpu(stage: Stage, variant: int) -> None:
    amount = "64" if variant else "30"
    stage.container()["resources"] = {"requests": {"cpu": amount, "memory": "64Mi"}, "limits": {
        "cpu": amount, "memory": "256Mi"}}
    down(stage)


@fault("memory_capacity_mismatch")
def _memory(stage: Stage, variant: int) -> None:
    amount = "500Gi" if variant else "96Gi"
    stage.container()["resources"] = {"requests": {"cpu": "50m", "memory": amount}, "limits": {"memory": amount}}
    down(stage)


@fault("node_selector_mismatch")
def _selector(stage: Stage, variant: int) -> None:
    stage.pod_spec()["nodeSelector"] = {"disktype": "nvme"} if variant else {
        "topology.kubernetes.io/zone": "eu-central-9z"}
    down(stage)


@fault("node_affinity_mismatch")
def _affinity(stage: Stage, variant: int) -> None:
    stage.pod_spec()["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [
            {"key": "gpu", "operator": "Exists"} if variant else
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-9"]}]}]}}}
    down(stage)


@fault("pod_anti_affinity_conflict")
def _anti(stage: Stage, variant: int) -> None:
    key = stage.target if variant else stage.callers()[0] if stage.callers() else stage.target
    stage.pod_spec()["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "labelSelector": {"matchLabels": {"app": key}},
        "topologyKey": "kubernetes.io/hostname" if key == stage.target else "kubernetes.io/os"}]}}
    if key == stage.target:
        stage.deployment()["spec"]["replicas"] = 5
    down(stage)


@fault("taint_toleration_mismatch")
def _taint(stage: Stage, variant: int) -> None:
    stage.nodes["worker-2"] = {"spec": {"taints": [
        {"key": "dedicated", "value": "batch", "effect": "NoExecute" if variant else "NoSchedule"}]}}
    stage.pod_spec()["nodeSelector"] = {"kubernetes.io/hostname": "worker-2"}
    down(stage)


@fault("node_cordon_mismatch")
def _cordon(stage: Stage, variant: int) -> None:
    for node in ("worker-2",) if variant else ("worker-1", "worker-2", "worker-3"):
        stage.nodes[node] = {"spec": {"unschedulable": True}}
    if variant:
        stage.pod_spec()["nodeSelector"] = {"kubernetes.io/hostname": "worker-2"}
    down(stage)


def _volume(stage: Stage, name: str, **spec: Any) -> None:
    stage.extra.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {
        "name": name, "labels": spec.pop("labels", {})}, "spec": {
            "capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
            "hostPath": {"path": f"/mnt/{name}"}, **spec}})


def _claim(stage: Stage, **spec: Any) -> None:
    name = f"{stage.target}-store"
    stage.manifests[stage.target].insert(0, {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": stage.namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
                 "resources": {"requests": {"storage": "1Gi"}}, **spec}})
    stage.pod_spec().setdefault("volumes", []).append({"name": "store", "persistentVolumeClaim": {"claimName": name}})
    stage.container().setdefault("volumeMounts", []).append({"name": "store", "mountPath": "/store"})
    down(stage)


@fault("pvc_capacity_mismatch")
def _capacity(stage: Stage, variant: int) -> None:
    _volume(stage, f"{stage.namespace}-pv", labels={"for": stage.namespace})
    _claim(stage, resources={"requests": {"storage": "100Gi" if variant else "8Gi"}},
           selector={"matchLabels": {"for": stage.namespace}})


@fault("pvc_access_mode_mismatch")
def _mode(stage: Stage, variant: int) -> None:
    _volume(stage, f"{stage.namespace}-pv", labels={"for": stage.namespace})
    _claim(stage, accessModes=["ReadWriteMany" if variant else "ReadOnlyMany"],
           selector={"matchLabels": {"for": stage.namespace}})


@fault("pvc_storage_class_mismatch")
def _class(stage: Stage, variant: int) -> None:
    _volume(stage, f"{stage.namespace}-pv")
    _claim(stage, storageClassName="fast-ssd" if variant else "manual-v2")


@fault("pvc_selector_mismatch")
def _labels(stage: Stage, variant: int) -> None:
    _volume(stage, f"{stage.namespace}-pv", labels={"tier": "gold"})
    _claim(stage, selector={"matchLabels": {"tier": "platinum" if variant else "silver"}})


@fault("pv_binding_occupied")
def _occupied(stage: Stage, variant: int) -> None:
    name = f"{stage.namespace}-pv"
    _volume(stage, name)
    stage.extra.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {
        "name": "archive" if variant else "old-claim", "namespace": stage.namespace}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "volumeName": name,
            "resources": {"requests": {"storage": "1Gi"}}}})
    _claim(stage, volumeName=name)


def _pull(stage: Stage, image: str, said: str) -> None:
    stage.container()["image"] = image
    stage.fates[stage.target] = Fate("ImagePullBackOff", ready=False, events=[
        ("Normal", "Pulling", f'Pulling image "{image}"', 4),
        ("Warning", "Failed", f'Failed to pull image "{image}": {said}', 4), ("Warning", "Failed", "Error: ErrImagePull", 4),
        ("Normal", "BackOff", f'Back-off pulling image "{image}"', 21), ("Warning", "Failed", "Error: ImagePullBackOff", 21)])
    down(stage)


@fault("incorrect_image_reference")
def _image(stage: Stage, variant: int) -> None:
    repository = stage.container()["image"].rpartition(":")[0]
    wrong = f"{repository}:v99.99" if variant else f"{repository}x:v0.9.2"
    _pull(stage, wrong, f'rpc error: code = NotFound desc = failed to pull and unpack image "{wrong}": failed to resolve '
                        f'reference "{wrong}": {wrong}: not found' if variant else
          f'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/{wrong}": failed to resolve '
          f'reference "docker.io/library/{wrong}": pull access denied, repository does not exist or may require '
          f'authorization: server message: insufficient_scope: authorization failed')


@fault("image_registry_dns_failure")
def _registry(stage: Stage, variant: int) -> None:
    host = "registry.internal.invalid" if variant else "hub.nowhere.example"
    wrong = f"{host}/{stage.target}:v0.9.2"
    _pull(stage, wrong, f'failed to pull and unpack image "{wrong}": failed to resolve reference "{wrong}": failed to do '
                        f'request: Head "https://{host}/v2/{stage.target}/manifests/v0.9.2": dial tcp: lookup {host} on '
                        f'{"10.96.0.10:53: no such host" if variant else "172.18.0.1:53: server misbehaving"}')


@fault("missing_image_pull_secret")
def _pull_secret(stage: Stage, variant: int) -> None:
    wrong = f"harbor.petal.example/private/{stage.target}:v0.9.2"
    _pull(stage, wrong, f'failed to pull and unpack image "{wrong}": failed to resolve reference "{wrong}": failed to '
                        f'authorize: failed to fetch anonymous token: unexpected status from GET request to https://harbor'
                        f'.petal.example/service/token: 401 Unauthorized' if variant else
          f'rpc error: code = Unknown desc = failed to pull and unpack image "{wrong}": failed to resolve reference '
          f'"{wrong}": pull access denied, repository does not exist or may require authorization: server message: '
          f'insufficient_scope: authorization failed')
    if not variant:
        stage.pod_spec()["imagePullSecrets"] = [{"name": "harbor-login"}]
        stage.fates[stage.target].events.append((
            "Warning", "FailedToRetrieveImagePullSecret",
            "Unable to retrieve some image pull secrets (harbor-login); attempting to pull the image may not succeed.", 9))


@fault("volume_mount_permission_denied")
def _permission(stage: Stage, variant: int) -> None:
    stage.pod_spec()["securityContext"] = {"runAsUser": 1000, "runAsGroup": 1000}
    stage.pod_spec()["volumes"] = [{"name": "work", "hostPath": {"path": "/var/data/work"}}]
    stage.container()["volumeMounts"] = [{"name": "work", "mountPath": "/scratch"}]
    _crash(stage, 1)
    stage.log(stage.target, "mkdir: cannot create directory '/scratch/index': Permission denied" if variant else
              "open /scratch/state.db: permission denied")


def _crash(stage: Stage, code: int, reason: str = "Error", name: str = "", restarts: int = 6) -> None:
    name = name or stage.target
    container = stage.container(name)["name"]
    stage.fates[name] = Fate("CrashLoopBackOff", (reason, code), restarts, False, [
        ("Warning", "BackOff", f"Back-off restarting failed container {container} in pod {{pod}}_{{namespace}}({{uid}})",
         27)])
    down(stage, name)


@fault("oom_killed")
def _oom(stage: Stage, variant: int) -> None:
    stage.container()["resources"]["limits"]["memory"] = "16Mi" if variant else "24Mi"
    stage.container()["resources"]["requests"]["memory"] = "16Mi"
    _crash(stage, 137, "OOMKilled")
    if variant:
        stage.fates[stage.target].waiting = ""
        stage.fates[stage.target].ready = True


@fault("deployment_zero_replicas")
def _zero(stage: Stage, variant: int) -> None:
    stage.deployment()["spec"]["replicas"] = 0
    down(stage)


def _unready(stage: Stage, kind: str, message: str, count: int = 40, restarts: int = 0) -> None:
    container = stage.container()["name"]
    fate = stage.fates[stage.target] = Fate(ready=False, restarts=restarts, events=[
        ("Warning", "Unhealthy", f"{kind} probe failed: {message}", count)])
    if restarts:
        fate.last = ("Error", 137)
        fate.events += [("Normal", "Killing", f"Container {container} failed liveness probe, will be restarted", restarts),
                        ("Warning", "BackOff", f"Back-off restarting failed container {container} in pod "
                                               f"{{pod}}_{{namespace}}({{uid}})", 12)]
        if stage.rng.random() < 0.5:
            fate.waiting = "CrashLoopBackOff"
    down(stage)


def _probe(stage: Stage, field: str, kind: str, restarts: int, wrong: str, variant: int) -> None:
    port, probe = stage.app.target, stage.container().get(field) or {"initialDelaySeconds": 10, "periodSeconds": 10}
    how = next((key for key in ("grpc", "httpGet", "tcpSocket") if key in probe), "tcpSocket")
    said = probe.pop(how, {"port": port})
    stage.container()[field] = probe
    if wrong == "port":
        other = 9999 if variant else port + 1
        probe[how] = {**said, "port": other}
        message = {"grpc": f'timeout: failed to connect service "{{ip}}:{other}" within 3s: context deadline exceeded',
                   "httpGet": f'Get "http://{{ip}}:{other}{said.get("path")}": dial tcp {{ip}}:{other}: connect: connection '
                              "refused", "tcpSocket": f"dial tcp {{ip}}:{other}: connect: connection refused"}[how]
    elif how == "httpGet" and variant:
        probe["grpc"] = {"port": port}
        message = f'timeout: failed to connect service "{{ip}}:{port}" within 1s: context deadline exceeded'
    elif how == "httpGet":
        probe["httpGet"] = {**said, "scheme": "HTTPS"}
        message = f'Get "https://{{ip}}:{port}{said["path"]}": http: server gave HTTP response to HTTPS client'
    else:
        probe["httpGet"] = {"path": "/healthz", "port": port}
        message = (f'Get "http://{{ip}}:{port}/healthz": net/http: HTTP/1.x transport connection broken: malformed HTTP '
                   'response "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00"' if variant else
                   f'Get "http://{{ip}}:{port}/healthz": EOF')
    _unready(stage, kind, message, restarts=restarts)


def _probes(field: str, kind: str, restarts: int, wrong: str) -> Callable[[Stage, int], None]:
    return lambda stage, variant: _probe(stage, field, kind, restarts, wrong, variant)


for _field, _kind, _restarts in (("livenessProbe", "Liveness", 7), ("readinessProbe", "Readiness", 0)):
    for _wrong in ("port", "protocol"):
        fault(f"{_kind.lower()}_probe_incorrect_{_wrong}", speaks=("grpc", "http"))(
            _probes(_field, _kind, _restarts, _wrong))


@fault("liveness_probe_incorrect_timing", speaks=("grpc", "http"))
def _timing(stage: Stage, variant: int) -> None:
    probe = stage.container()["livenessProbe"]
    probe |= {"initialDelaySeconds": 1 if variant else 0, "periodSeconds": 1 if variant else 2, "timeoutSeconds": 1,
              "failureThreshold": 1}
    port = stage.app.target
    _unready(stage, "Liveness", f'timeout: failed to connect service "{{ip}}:{port}" within 1s: context deadline exceeded'
             if "grpc" in probe else f'Get "http://{{ip}}:{port}{probe["httpGet"]["path"]}": dial tcp {{ip}}:{port}: connect: '
             "connection refused", restarts=8)


def noise(stage: Stage, plane: Plane) -> None:
    """Add what is always there: restarts of days ago, and a readiness that failed once while it started."""
    others = [app.name for app in stage.system.apps if app.name not in stage.fates and app.name != stage.target]
    calm, slow = stage.rng.sample(others, 2)
    stage.fates[calm] = Fate(restarts=2, last=("Error", 255))
    stage.fates[slow] = Fate(events=[("Warning", "Unhealthy", "Readiness probe failed: dial tcp {ip}:8080: connect: "
                                                              "connection refused", 1)])
