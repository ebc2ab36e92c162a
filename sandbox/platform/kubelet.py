"""The kubelet's part: it runs the pods that have a node, and sends the nodes' heartbeat.

What happens to a pod follows from its objects alone: image, command, init containers, limits, probes, references. It
writes what a kubelet writes: conditions, container states, restarts, Events.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from dataclasses import dataclass
from typing import Any

from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.containers import ended, iso, proxy, wait
from sandbox.platform.lives import Lives, answered, stopping
from sandbox.platform.mesh import asked_of_app
from sandbox.platform.objects import KINDS, NODES, digest
from sandbox.platform.state import World
from sandbox.platform.untidy import remembered
from sandbox.platform.versions import PROXY, Versions, component_of

_PULL_SECONDS, _START_SECONDS, _READY_SECONDS, _LEAVE_SECONDS = 0.5, 0.5, 1.0, 1.0
_CRASH_SECONDS, _TASK_SECONDS = 2.0, 3.0
_BACKOFF = (10, 20, 40, 80, 160, 300)
_HEARTBEAT_SECONDS = 8.0
_REFERENCES_SECONDS = 2.0
"""Time between two looks at ConfigMaps and Secrets."""
_ENDLESS = re.compile(r"infinity|while\s+true|until\s|tail\s+-f|wait-for|\bsleep\s+\d{4,}")
_SLEEP = re.compile(r"\bsleep\s+(\d+)")


@dataclass
class _Told:
    """An Event that was written."""

    name: str
    last: float
    count: int = 1


class Kubelet:
    """One for all nodes; ``step`` is called a few times a second."""

    def __init__(self, cluster: Cluster, versions: Versions) -> None:
        self._cluster, self._versions = cluster, versions
        self._began: dict[str, float] = {}
        self._written: dict[str, str] = {}
        self._turned: dict[str, dict[str, float]] = {}
        """Uid of a pod to since when it is ``ready``, ``unready`` or ``leaving``."""
        self._events: dict[tuple[str, str, str], _Told] = {}
        self._addresses = itertools.count(10)
        self._ip: dict[str, str] = {}
        self._beat = self._looked = 0.0
        self._references: dict[str, dict[str, set[str]]] = {}
        self._past: dict[str, Object] = {}
        """Uid of a pod to what its container's status tells of earlier days."""
        self._lives = Lives()
        self.world = World()
        """Nodes in ``silent_nodes`` and ``ill_kubelets`` send no heartbeat, and nobody looks after their pods. Pods
        that hang are never ready."""

    def beat_now(self) -> None:
        """Send the nodes' next heartbeats at once."""
        self._beat = 0.0

    def step(self) -> None:
        """Look at every pod once."""
        now = time.time()
        self._heartbeat(now)
        pods = self._cluster.items("/api/v1/pods")
        if now - self._looked >= _REFERENCES_SECONDS:
            self._looked, self._references = now, _references(self._cluster)
        references = self._references
        self._wait_for_each_other(pods)
        for pod in pods:
            node = pod["spec"].get("nodeName")
            if not node or node in self.world.silent_nodes | self.world.ill_kubelets:
                continue
            if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                if pod["metadata"].get("deletionTimestamp"):
                    self._finish(pod, now)
                continue
            if pod["metadata"].get("deletionTimestamp"):
                self._finish(pod, now)
            else:
                self._run(pod, now, references)
        living = {pod["metadata"]["uid"] for pod in pods}
        for memory in (self._began, self._written, self._ip, self._turned, self._past):
            for uid in memory.keys() - living:
                del memory[uid]
        self._lives.keep(living)

    def _wait_for_each_other(self, pods: list[Object]) -> None:
        for component, waiting in list(self.world.deadlocked.items()):
            there = {pod["metadata"]["uid"] for pod in pods
                     if (pod["metadata"].get("labels") or {}).get("app") == component}
            if waiting & there:
                waiting |= there
            else:
                del self.world.deadlocked[component]

    def _hangs(self, pod: Object) -> bool:
        uid = pod["metadata"]["uid"]
        return uid in self.world.hung or any(uid in waiting for waiting in self.world.deadlocked.values())

    def _heartbeat(self, now: float) -> None:
        if now - self._beat < _HEARTBEAT_SECONDS:
            return
        self._beat = now
        for node in NODES:
            if node not in self.world.silent_nodes | self.world.ill_kubelets:
                moment = iso(now)
                self._cluster.patch_status(f"/api/v1/nodes/{node}", {"conditions": [
                    {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": moment,
                     "message": "kubelet is posting ready status"},
                    *({"type": kind, "status": "False", "reason": f"KubeletHas{ok}", "lastHeartbeatTime": moment,
                       "message": ""} for kind, ok in (("MemoryPressure", "SufficientMemory"),
                                                       ("DiskPressure", "NoDiskPressure"),
                                                       ("PIDPressure", "SufficientPID")))]})

    def _finish(self, pod: Object, now: float) -> None:
        uid = pod["metadata"]["uid"]
        gone = self._turned.setdefault(uid, {}).setdefault("leaving", now)
        ends = max((stopping(pod, container, self._hangs(pod))[0] for container in pod["spec"]["containers"]
                    if container.get("lifecycle")), default=_LEAVE_SECONDS)
        if now - gone >= ends:
            self._cluster.delete_now(_path(pod))

    def _run(self, pod: Object, now: float, references: dict[str, dict[str, set[str]]]) -> None:
        uid = pod["metadata"]["uid"]
        age = now - self._began.setdefault(uid, now)
        if uid not in self._ip:
            if not self.world.settled:
                self._past |= remembered(self.world.shape.untidy, pod, list(self._past), now)
            number = next(self._addresses)
            self._ip[uid] = f"10.1.{number // 250 % 250}.{number % 250 + 1}"
        status = self._status(pod, age, now, references)
        # A pod is written only when something about it has changed.
        mark = repr({key: value for key, value in status.items() if key != "startTime"})
        if self._written.get(uid) != mark:
            self._cluster.patch_status(_path(pod), status)
            self._written[uid] = mark

    def _status(self, pod: Object, age: float, now: float, references: dict[str, dict[str, set[str]]]) -> Object:
        spec, namespace = pod["spec"], pod["metadata"]["namespace"]
        began_at = self._began[pod["metadata"]["uid"]]
        began = iso(began_at)
        base = {"startTime": began, "hostIP": "10.0.1.1"}
        missing = _missing_volume(spec, references.get(namespace, {}))
        if missing:
            self._event(pod, "Warning", "FailedMount", f'MountVolume.SetUp failed: {missing} not found', now)
            return base | self._waiting(pod, "ContainerCreating", "", began, initialized=True)
        held = self._init(pod, age, now, began)
        if held is not None:
            return base | held
        first = [proxy(pod, container, age, began_at) if container.get("restartPolicy") == "Always"
                 else ended(container, began_at) for container in spec.get("initContainers") or []]
        states = [self._container(pod, container, age, now, references.get(namespace, {}))
                  for container in spec["containers"]]
        ready = all(state["ready"] for state in states + first)
        over = [state["state"].get("terminated") for state in states]
        if all(over):
            phase = "Succeeded" if all(item["exitCode"] == 0 for item in over if item) else "Failed"
        else:
            # A container that ended and waits for its next start counts as one that runs.
            running = any("running" in state["state"] or state["lastState"] for state in states)
            phase = "Running" if running else "Pending"
        return base | {"phase": phase, "podIP": self._ip[pod["metadata"]["uid"]],
                       "podIPs": [{"ip": self._ip[pod["metadata"]["uid"]]}], "containerStatuses": states,
                       **({"initContainerStatuses": first} if first else {}),
                       "conditions": _conditions(began, True, ready, self._changed(pod, ready, now))}

    def _changed(self, pod: Object, ready: bool, now: float) -> str:
        turned = self._turned.setdefault(pod["metadata"]["uid"], {})
        turned.pop("unready" if ready else "ready", None)
        return iso(turned.setdefault("ready" if ready else "unready", now))

    def _init(self, pod: Object, age: float, now: float, began: str) -> Object | None:
        """The status of a pod that an init container holds, or None once all have ended."""
        for container in pod["spec"].get("initContainers") or []:
            if container.get("restartPolicy") == "Always":
                continue
            words = " ".join([*container.get("command", []), *container.get("args", [])])
            if not self._versions.pullable(container["image"]):
                self._event(pod, "Warning", "Failed", f'Failed to pull image "{container["image"]}"', now)
                return self._waiting(pod, "ImagePullBackOff", "", began, initialized=False, init=container)
            sleep = _SLEEP.search(words)
            if _ENDLESS.search(words) or (sleep and age < float(sleep[1])):
                return self._waiting(pod, "PodInitializing", "", began, initialized=False, init=container, runs=True)
            if re.search(r"\bexit\s+[1-9]|(^|\s)false($|\s)", words):
                self._event(pod, "Warning", "BackOff", "Back-off restarting failed container", now)
                return self._waiting(pod, "CrashLoopBackOff", "", began, initialized=False, init=container)
        return None

    def _container(self, pod: Object, container: Object, age: float, now: float,
                   references: dict[str, set[str]]) -> Object:
        image, name = container["image"], container["name"]
        component, _ = component_of(image)
        behaviour = self._versions.behaviour(image)
        base: Object = {"name": name, "image": image, "imageID": "", "ready": False, "restartCount": 0,
                        "started": False, "state": {}, "lastState": {}}
        if age < _PULL_SECONDS:
            return base | {"state": wait("ContainerCreating")}
        if not self._versions.pullable(image):
            self._event(pod, "Warning", "Failed",
                        f'Failed to pull image "{image}": manifest unknown: manifest unknown', now)
            reason = "ErrImagePull" if int(age / 10) % 2 == 0 and age < 20 else "ImagePullBackOff"
            return base | {"state": wait(reason, f'Back-off pulling image "{image}"')}
        missing = _missing_key(container, references)
        if missing:
            self._event(pod, "Warning", "Failed", f"Error: {missing}", now)
            return base | {"state": wait("CreateContainerConfigError", missing)}
        self._event(pod, "Normal", "Pulled", f'Successfully pulled image "{image}"', now, once=True)
        self._event(pod, "Normal", "Started", f"Started container {name}", now, once=True)
        base |= _pulled(image)
        since = self._began[pod["metadata"]["uid"]]
        if name == PROXY:
            return base | proxy(pod, container, age, since)
        if pod["spec"].get("restartPolicy", "Always") != "Always":
            return base | self._task(pod, container, age, now, since)
        if component in KINDS:
            killed = _memory_mib(container) < (behaviour.memory_mib or KINDS[component].memory_mib)
            own_command = not container.get("command")
            if killed or behaviour.state == "oom_killed":
                return base | self._crash(pod, age, now, since, "OOMKilled", 137)
            if not own_command or behaviour.state == "crash_loop":
                return base | self._crash(pod, age, now, since, "Error", 127 if not own_command else 1)
        return base | self._serves(pod, container, since, now)

    def _serves(self, pod: Object, container: Object, since: float, now: float) -> Object:
        """The status of a container that goes on: whether it is ready, and how often a probe has ended it."""
        uid, component = pod["metadata"]["uid"], component_of(container["image"])[0]
        behaviour, first = self._versions.behaviour(container["image"]), since + _PULL_SECONDS
        before = self._lives.age(pod, container, first, now)

        def answer(probe: Object, age: float) -> str:
            asked = {**probe, **asked_of_app(pod, probe)}
            return answered(container, asked, self._ip[uid], age=age, starts=_START_SECONDS + behaviour.start_seconds,
                            hangs=self._hangs(pod), behind=self.world.behind.get(uid, 0.0),
                            fails=self.world.callee_fails(component, now)) if component in KINDS else ""

        if component in KINDS:
            held = self._held_mib(component, pod, now - before, now)
            self.world.memory[pod["metadata"]["name"]] = held
            if held > _memory_mib(container):
                self._lives.end(pod, container, now, "OOMKilled", 137)
        life = self._lives.step(pod, container, first, now, answer,
                                lambda kind, reason, said: self._event(pod, kind, reason, said, now, every=0.0))
        lived = self._lives.age(pod, container, first, now)
        if lived < before:
            # A process that hung is another one now.
            self.world.hung = self.world.hung - {uid}
        ready = lived >= _START_SECONDS + _READY_SECONDS + behaviour.start_seconds and behaviour.state != "not_ready"
        if component in KINDS and not _probe_fits(pod, container):
            ready = False
        if self._hangs(pod):
            ready = False
            self._event(pod, "Warning", "Unhealthy", 'Readiness probe failed: Get "http://10.1.0.1:8080/healthz": '
                        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", now)
        elif not ready and lived + _PULL_SECONDS > 4 and "running" in life["state"]:
            self._event(pod, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503",
                        now)
        past = self._past.get(uid, {})
        if past and "restartCount" in life:
            life["restartCount"] += past["restartCount"]
        return {"ready": ready} | ({**life, **past} if "restartCount" not in life and life["started"] else life)

    def _held_mib(self, component: str, pod: Object, started: float, now: float) -> float:
        leak = self.world.leaks.top(component, None)
        base = KINDS[component].memory_mib
        return leak.held(pod["metadata"]["uid"], started, base, now) if leak else base

    def _task(self, pod: Object, container: Object, age: float, now: float, since: float) -> Object:
        """The status of a container that is to end: of a Job's pod, or another that is not to run for ever."""
        words = " ".join([*container.get("command", []), *container.get("args", [])])
        sleep = _SLEEP.search(words)
        lasts = _PULL_SECONDS + (float(sleep[1]) if sleep else _TASK_SECONDS)
        if _ENDLESS.search(words) or age < lasts:
            return {"ready": True, "started": True, "state": {"running": {"startedAt": iso(since + _PULL_SECONDS)}}}
        fails = re.search(r"\bexit\s+([1-9]\d*)", words)
        code = int(fails[1]) if fails else 1 if re.search(r"(^|\s)false($|\s)", words) else 0
        if code and pod["spec"]["restartPolicy"] == "OnFailure":
            return self._crash(pod, age, now, since, "Error", code)
        return {"state": {"terminated": {
            "exitCode": code, "reason": "Error" if code else "Completed", "startedAt": iso(since + _PULL_SECONDS),
            "finishedAt": iso(since + lasts)}}}

    def _crash(self, pod: Object, age: float, now: float, since: float, reason: str, code: int) -> Object:
        """The status of a container that ends soon after each start and is started again after a growing pause."""
        restarts, moment = 0, _PULL_SECONDS
        before = int(self._past.get(pod["metadata"]["uid"], {}).get("restartCount", 0))
        while True:
            ended = moment + _CRASH_SECONDS
            pause = _BACKOFF[min(restarts, len(_BACKOFF) - 1)]
            terminated = {"terminated": {"exitCode": code, "reason": reason, "startedAt": iso(since + moment),
                                         "finishedAt": iso(since + ended)}}
            last = terminated if restarts else {}
            if age < ended:
                previous = {"terminated": {"exitCode": code, "reason": reason}} if restarts else {}
                return {"state": {"running": {"startedAt": iso(since + moment)}}, "lastState": previous,
                        "restartCount": before + restarts, "started": True}
            if age < ended + pause:
                self._event(pod, "Warning", "BackOff", "Back-off restarting failed container", now)
                return {"state": wait("CrashLoopBackOff", f"back-off {pause}s restarting failed container"),
                        "lastState": last or terminated, "restartCount": before + restarts}
            moment, restarts = ended + pause, restarts + 1

    def _waiting(self, pod: Object, reason: str, message: str, began: str, *, initialized: bool,
                 init: Object | None = None, runs: bool = False) -> Object:
        containers = [{"name": container["name"], "image": container["image"], "imageID": "", "ready": False,
                       "restartCount": 0, "state": wait(reason if init is None else "PodInitializing", message)}
                      for container in pod["spec"]["containers"]]
        result: Object = {"phase": "Pending", "containerStatuses": containers,
                          "conditions": _conditions(began, initialized, False, began)}
        if init is not None:
            result["initContainerStatuses"] = [{
                "name": init["name"], "image": init["image"], "imageID": "", "ready": False, "restartCount": 0,
                "state": {"running": {"startedAt": began}} if runs else wait(reason, message)}]
        return result

    def _event(self, pod: Object, kind: str, reason: str, message: str, now: float, once: bool = False,
               every: float = 10.0) -> None:
        """Write an Event; of the same one the count grows, after ``every`` seconds at the earliest."""
        uid, namespace = pod["metadata"]["uid"], pod["metadata"]["namespace"]
        key = (uid, reason, message)
        path = f"/api/v1/namespaces/{namespace}/events"
        told = self._events.get(key)
        if told is not None:
            if not once and now - told.last >= every:
                told.last, told.count = now, told.count + 1
                self._cluster.merge(f"{path}/{told.name}", {"count": told.count, "lastTimestamp": iso(now)})
            return
        digest = hashlib.sha256(f"{key}{int(now)}".encode()).hexdigest()[:16]
        told = self._events[key] = _Told(f"{pod['metadata']['name']}.{digest}", now)
        self._cluster.create(path, {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": told.name, "namespace": namespace},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": uid,
                               "namespace": namespace},
            "type": kind, "reason": reason, "message": message, "count": 1, "firstTimestamp": iso(now),
            "lastTimestamp": iso(now), "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")}})


def _pulled(image: str) -> Object:
    """The image as containerd names it once it is there: a reference with a digest is kept without its tag."""
    repository = image.partition("@")[0].rpartition(":")[0] or image
    pulled = image.partition("@")[2] or digest(image)
    return {"image": f"{repository}@{pulled}" if "@" in image else image, "imageID": f"{repository}@{pulled}"}


def _references(cluster: Cluster) -> dict[str, dict[str, set[str]]]:
    """Keys of all ConfigMaps and Secrets: namespace to ``configmap/name`` to keys."""
    found: dict[str, dict[str, set[str]]] = {}
    for kind, path in (("configmap", "/api/v1/configmaps"), ("secret", "/api/v1/secrets")):
        for item in cluster.items(path):
            found.setdefault(item["metadata"]["namespace"], {})[f"{kind}/{item['metadata']['name']}"] = set(
                item.get("data") or {}) | set(item.get("binaryData") or {})
    return found


def _missing_volume(spec: Object, references: dict[str, set[str]]) -> str:
    for volume in spec.get("volumes") or []:
        for kind, field, key in (("configmap", "configMap", "name"), ("secret", "secret", "secretName")):
            if field in volume and not volume[field].get("optional"):
                name = f"{kind}/{volume[field][key]}"
                wanted = {item["key"] for item in volume[field].get("items") or []}
                if name not in references or wanted - references[name]:
                    return f"{kind} \"{volume[field][key]}\""
    return ""


def _missing_key(container: Object, references: dict[str, set[str]]) -> str:
    wanted = [(source, item.get("valueFrom", {}).get(field)) for item in container.get("env") or []
              for source, field in (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef"))]
    wanted += [(source, item.get(field)) for item in container.get("envFrom") or []
               for source, field in (("configmap", "configMapRef"), ("secret", "secretRef"))]
    for source, reference in wanted:
        if not reference or reference.get("optional"):
            continue
        name = f"{source}/{reference['name']}"
        if name not in references:
            return f'{source} "{reference["name"]}" not found'
        if "key" in reference and reference["key"] not in references[name]:
            return f'couldn\'t find key {reference["key"]} in {source} {reference["name"]}'
    return ""


def _probe_fits(pod: Object, container: Object) -> bool:
    """Whether the readiness probe asks what the component answers: GET /healthz on 8080."""
    probe = container.get("readinessProbe")
    if not probe:
        return True
    probe = asked_of_app(pod, probe)
    asked: dict[str, Any] = probe.get("httpGet") or probe.get("tcpSocket") or {}
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports") or []}
    port = asked.get("port")
    fits = ports.get(port, port) in (8080, "8080") if asked else True
    return fits and ("httpGet" not in probe or asked.get("path", "/") == "/healthz")


def _memory_mib(container: Object) -> float:
    text = str((container.get("resources") or {}).get("limits", {}).get("memory", "") or "1Ti")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]i?|k)?", text)
    if not found:
        return float("inf")
    units = {None: 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
             "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    return float(found[1]) * units[found[2]] / 2**20


def _conditions(began: str, initialized: bool, ready: bool, changed: str) -> list[Object]:
    def condition(kind: str, holds: bool, moment: str) -> Object:
        return {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": moment,
                **({} if holds else {"reason": "ContainersNotReady"})}

    return [condition("Initialized", initialized, began), condition("Ready", ready, changed),
            condition("ContainersReady", ready, changed), condition("PodScheduled", True, began)]


def _path(pod: Object) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
