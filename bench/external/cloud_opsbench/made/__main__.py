"""``python -m bench.external.cloud_opsbench.made FOLDER [--only WORD] [--seed N] [--kubectl PATH]``."""

from __future__ import annotations

import argparse
import gzip
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.external.cloud_opsbench.made import faults_more
from bench.external.cloud_opsbench.made.cluster import Plane, iso, plane
from bench.external.cloud_opsbench.made.dump import dumped
from bench.external.cloud_opsbench.made.faults import FAULTS, Fault, noise
from bench.external.cloud_opsbench.made.stage import Stage, play
from bench.external.cloud_opsbench.made.systems import SYSTEMS, System, manifests
from sandbox.control_plane import binaries

Object = dict[str, Any]
_NODES_CHANGE = ("taint_toleration_mismatch", "node_cordon_mismatch", "kubelet_unavailable", "containerd_unavailable")
_NODES = ("control-1", "worker-1", "worker-2", "worker-3")


def main() -> None:
    """Make the cases and their labels."""
    parser = argparse.ArgumentParser(description=faults_more.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--kubectl", default="kubectl")
    options = parser.parse_args()
    (options.folder / "cases").mkdir(parents=True, exist_ok=True)
    found = binaries.find() or binaries.build()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with plane(found, Path(tempfile.mkdtemp(prefix="opsbench-"))) as control, ThreadPoolExecutor(3) as pool, (
            options.folder / "labels.jsonl").open("a", encoding="utf-8") as file:
        base(control)

        def make(one: tuple[int, tuple[Fault, System, int]]) -> None:
            number, (fault, system, variant) = one
            rng = random.Random(f"{options.seed}{fault.root_cause}{system.name}{variant}")
            label = case(control, options, number, fault, system, variant, rng)
            file.write(json.dumps(label) + "\n")
            file.flush()

        wanted = list(enumerate(_wanted(options.only)))
        # What changes nodes is played alone.
        try:
            list(pool.map(make, [one for one in wanted if one[1][0].root_cause not in _NODES_CHANGE]))
        except BaseException:
            # Who ends it does not wait for what has not begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        for one in wanted:
            if one[1][0].root_cause in _NODES_CHANGE:
                make(one)


def _wanted(only: str) -> Iterator[tuple[Fault, System, int]]:
    for variant in (0, 1):
        for fault in FAULTS.values():
            for name, system in SYSTEMS.items():
                if variant < fault.variants and only in fault.root_cause and name in fault.of:
                    yield fault, system, variant


def base(control: Plane) -> None:
    """Create the nodes and the storage classes."""
    now = iso(time.time())
    for name in _NODES:
        control.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
            **({"node-role.kubernetes.io/control-plane": ""} if name == "control-1" else {})}}, "spec": {
                "taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
                if name == "control-1" else []}})
        control.patch("Node", "", name, {"status": _healthy(now)}, True)
    control.create({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local-disk"},
                    "provisioner": "rancher.io/local-path", "volumeBindingMode": "Immediate"})


def _healthy(now: str) -> Object:
    amounts = {"cpu": "8", "memory": "16393292Ki", "pods": "110", "ephemeral-storage": "98831908Ki"}
    return {"capacity": amounts, "allocatable": amounts, "nodeInfo": {
        "kubeletVersion": "v1.28.4", "containerRuntimeVersion": "containerd://1.7.2", "osImage": "Ubuntu 22.04.3 LTS",
        "kernelVersion": "5.15.0-91-generic"}, "addresses": [{"type": "InternalIP", "address": "172.18.0.5"}],
        "conditions": [{"type": kind, "status": "True" if kind == "Ready" else "False", "reason": reason,
                        "message": said, "lastHeartbeatTime": now, "lastTransitionTime": now} for kind, reason, said in (
            ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("Ready", "KubeletReady", "kubelet is posting ready status. AppArmor enabled"))]}


def case(control: Plane, options: argparse.Namespace, number: int, fault: Fault, system: System, variant: int,
         rng: random.Random) -> Object:
    """Make one case, and write it; return its label."""
    namespace = f"{system.name}-{number}"
    targets = [app.name for app in system.apps if app.speaks in fault.speaks and (
        fault.root_cause not in ("service_env_var_address_mismatch",) or app.calls) and not app.claim]
    stage = Stage(system, namespace, manifests(system, namespace), rng.choice(targets), rng)
    fault.play(stage, variant)
    noise(stage, control)
    with _nodes(control, stage, when="before"):
        _apply(control, stage)
        with _nodes(control, stage, when="after"):
            play(stage, control)
            for change in stage.after:
                change(stage, control)
            time.sleep(1.5)
            _age(control, stage)
            time.sleep(0.5)
            left_out = ("secrets", "configmaps") if rng.random() < 0.5 else ()
            content = dumped(stage, control, options.kubectl, left_out)
    control.delete("Namespace", "", namespace)
    for kind in ("Deployment", "PersistentVolumeClaim"):
        for item in control.list(kind, namespace):
            control.patch(kind, namespace, item["metadata"]["name"], {"metadata": {"finalizers": None}})
            control.delete(kind, namespace, item["metadata"]["name"])
    for kind in ("ReplicaSet", "Pod"):
        for item in control.list(kind, namespace):
            control.delete(kind, namespace, item["metadata"]["name"])
    for item in stage.extra:
        if item["kind"] == "PersistentVolume":
            control.patch("PersistentVolume", "", item["metadata"]["name"], {"metadata": {"finalizers": None}})
            control.delete("PersistentVolume", "", item["metadata"]["name"])
    name = f"made-{number:03d}"
    with gzip.open(options.folder / "cases" / f"{name}.json.gz", "wt", encoding="utf-8") as file:
        json.dump(content, file)
    return {"case": name, "object": fault.object.format(
        target=stage.target, namespace=namespace, base=stage.app.secret.removesuffix("-login")),
            "root_cause": fault.root_cause, "kind": f"{system.name} {fault.root_cause}"}


@contextmanager
def _nodes(control: Plane, stage: Stage, when: str) -> Iterator[None]:
    """Change nodes: what scheduling sees before all is applied, what heartbeats say after; and back again."""
    for name, change in stage.nodes.items():
        if "spec" in change and when == "before":
            control.patch("Node", "", name, {"spec": change["spec"]})
        if "status" in change and when == "after":
            ready = {one["type"]: one for one in change["status"]["conditions"]}
            status = _healthy(iso(time.time()))
            status["conditions"] = [ready.get(one["type"], one) for one in status["conditions"]]
            control.patch("Node", "", name, {"status": status}, True)
    yield
    for name in stage.nodes:
        if when == "before":
            control.patch("Node", "", name, {"spec": {"unschedulable": None, "taints": []}})
        else:
            control.patch("Node", "", name, {"status": _healthy(iso(time.time()))}, True)


def _apply(control: Plane, stage: Stage) -> None:
    control.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.namespace}})
    for app in stage.system.apps:
        if app.secret:
            control.create({"apiVersion": "v1", "kind": "Secret", "metadata": {
                "name": app.secret, "namespace": stage.namespace}, "data": {"username": "YQ==", "password": "Yg=="}})
        if app.claim:
            control.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {
                "name": f"{stage.namespace}-{app.name}"}, "spec": {
                    "capacity": {"storage": app.claim}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local-disk",
                    "hostPath": {"path": "/mnt/x"}, "claimRef": {
                        "namespace": stage.namespace, "name": f"{app.name}-data"}}})
    early = [name for name in stage.manifests if name not in stage.late]
    for item in stage.extra:
        if item["kind"] != "ResourceQuota":
            control.create(item)
    for name in early:
        for item in stage.manifests[name]:
            control.create(item)
    time.sleep(3)
    for item in stage.extra:
        if item["kind"] == "ResourceQuota":
            control.create(item)
            time.sleep(3)
    for name in stage.late:
        for item in stage.manifests[name]:
            control.create(item)
    time.sleep(3)


def _age(control: Plane, stage: Stage) -> None:
    """Move times of creation back: days for all, minutes for what was applied last."""
    now = time.time()

    def back(item: Object) -> None:
        name = item["metadata"]["name"]
        late = any(name == one or name.startswith(f"{one}-") for one in stage.late)
        item["metadata"]["creationTimestamp"] = iso(now - (660 if late else 450_000))

    for prefix in ("pods", "deployments", "replicasets", "services/specs", "persistentvolumeclaims", "serviceaccounts",
                   "services/endpoints", "secrets"):
        control.rewrite(f"{prefix}/{stage.namespace}/", back)
    for prefix in ("minions/", "persistentvolumes/", "storageclasses/"):
        control.rewrite(prefix, lambda item: item["metadata"].update(creationTimestamp=iso(now - 900_000)))

    def back_event(item: Object) -> None:
        when = iso(now - 640)
        item["metadata"]["creationTimestamp"] = when
        if item.get("source", {}).get("component") != "kubelet" or not item.get("count"):
            item["firstTimestamp"] = when if item.get("firstTimestamp") else None
            if item.get("eventTime"):
                item["eventTime"] = when[:-1] + ".000000Z"

    control.rewrite(f"events/{stage.namespace}/", back_event)


if __name__ == "__main__":
    main()
