"""A real control plane without kubelets: objects are applied, statuses written, and times moved back in its store."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.control_plane.bare import _await, _free
from sandbox.control_plane.binaries import Binaries
from sandbox.control_plane.run import ADMIN_TOKEN, certificates, commands

Object = dict[str, Any]
_MORE = ("persistentvolume-binder-controller", "serviceaccount-controller", "persistentvolumeclaim-protection-controller")
PLURAL = {"Pod": "pods", "Deployment": "deployments", "ReplicaSet": "replicasets", "Service": "services",
          "PersistentVolumeClaim": "persistentvolumeclaims", "PersistentVolume": "persistentvolumes",
          "ServiceAccount": "serviceaccounts", "Secret": "secrets", "ConfigMap": "configmaps", "Node": "nodes",
          "Event": "events", "ResourceQuota": "resourcequotas", "LimitRange": "limitranges", "Namespace": "namespaces",
          "StorageClass": "storageclasses", "Endpoints": "endpoints", "NetworkPolicy": "networkpolicies"}
_GROUPS = {"Deployment": "apis/apps/v1", "ReplicaSet": "apis/apps/v1", "StorageClass": "apis/storage.k8s.io/v1",
           "NetworkPolicy": "apis/networking.k8s.io/v1"}
_WIDE = ("Node", "PersistentVolume", "Namespace", "StorageClass")


def iso(seconds: float) -> str:
    """Return a time as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Plane:
    """The API server, and the store behind it."""

    client: httpx.Client
    etcd: str
    kubeconfig: Path

    def path(self, kind: str, namespace: str, name: str = "") -> str:
        """Return an object's path."""
        inside = "" if kind in _WIDE else f"/namespaces/{namespace}"
        return f"/{_GROUPS.get(kind, 'api/v1')}{inside}/{PLURAL[kind]}{f'/{name}' if name else ''}"

    def create(self, item: Object) -> Object:
        """Create an object; one that is there stays as it is. Raises RuntimeError where it is refused."""
        answer = self.client.post(self.path(item["kind"], item["metadata"].get("namespace", "")), json=item)
        if answer.status_code not in (200, 201, 409):
            raise RuntimeError(f"{item['kind']} {item['metadata']['name']}: {answer.text[:400]}")
        found: Object = answer.json()
        return found

    def list(self, kind: str, namespace: str) -> list[Object]:
        """Return all objects of a kind."""
        answer = self.client.get(self.path(kind, namespace)).raise_for_status().json()
        return [{**item, "kind": kind} for item in answer["items"]]

    def patch(self, kind: str, namespace: str, name: str, body: Object, status: bool = False) -> None:
        """Merge something into an object, or into its status."""
        path = self.path(kind, namespace, name) + ("/status" if status else "")
        self.client.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"}).raise_for_status()

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, at once."""
        self.client.request("DELETE", self.path(kind, namespace, name), json={
            "gracePeriodSeconds": 0, "propagationPolicy": "Background"})

    def rewrite(self, prefix: str, change: Callable[[Object], None]) -> None:
        """Change objects where they are stored: what the API lets nobody change, such as times of creation."""
        start, end = f"/registry/{prefix}".encode(), f"/registry/{prefix}\x7f".encode()
        found = httpx.post(f"{self.etcd}/v3/kv/range", json={
            "key": base64.b64encode(start).decode(), "range_end": base64.b64encode(end).decode()}).json()
        for pair in found.get("kvs", []):
            item = json.loads(base64.b64decode(pair["value"]))
            change(item)
            httpx.post(f"{self.etcd}/v3/kv/put", json={
                "key": pair["key"], "value": base64.b64encode(json.dumps(item).encode()).decode()})


@contextmanager
def plane(binaries: Binaries, folder: Path) -> Iterator[Plane]:
    """Run etcd, the API server, the controllers and the scheduler; end them after."""
    ports = _free()
    certificates(folder)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands(binaries, folder, ports, without=("nodelifecycle",)).items():
            if name == "kube-apiserver":
                command = [part.replace("ServiceAccount,", "").replace("10.0.0.0/24", "10.96.0.0/16")
                           for part in command] + ["--storage-media-type=application/json"]
            if name == "kube-controller-manager":
                command = [part + "," + ",".join(_MORE) if part.startswith("--controllers=") else part
                           for part in command] + ["--pv-recycler-pod-template-filepath-hostpath="]
            with (folder / f"{name}.log").open("wb") as log:
                processes.append(subprocess.Popen(["nice", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                  start_new_session=True))
        server = f"https://127.0.0.1:{ports.apiserver}"
        _await(server, folder, processes[1].pid)
        with httpx.Client(base_url=server, verify=False, timeout=20, headers={  # noqa: S501 - on this machine
                "Authorization": f"Bearer {ADMIN_TOKEN}"}) as client:
            yield Plane(client, f"http://127.0.0.1:{ports.etcd}", folder / "admin.kubeconfig")
    finally:
        for process in reversed(processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        time.sleep(1)
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)
