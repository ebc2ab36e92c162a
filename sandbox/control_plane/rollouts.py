"""Argo Rollouts' own controller, which runs while the platform's workloads are Rollouts.

It runs as its page "Installation" says, in one namespace, with the CustomResourceDefinitions of its own module.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import yaml

from sandbox.control_plane import binaries
from sandbox.places import NAMESPACE, STATE, Ports, SandboxError
from sandbox.platform.cluster import Cluster, Object

_SERVED_SECONDS = 30


class Rollouts:
    """The controller of one sandbox; it ends with the process that started it, and its process group."""

    def __init__(self, cluster: Cluster, ports: Ports, folder: Path) -> None:
        """``folder`` is the control plane's, with the administrator's kubeconfig."""
        self._cluster, self._ports, self._folder = cluster, ports, folder
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Make the kinds known and start the controller, if it does not run yet; raises SandboxError."""
        if self._process is not None and self._process.poll() is None:
            return
        found = binaries.find_rollouts()
        if found is None:
            raise SandboxError("Argo Rollouts' controller is not built")
        made = definitions(found)
        for item in made:
            self._cluster.apply(item)
        self._await_served(made)
        self._cluster.forget_kinds()
        with (STATE / "logs" / "argo-rollouts.log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(found / "rollouts-controller"), f"--kubeconfig={self._folder / 'admin.kubeconfig'}",
                 "--namespaced", f"--namespace={NAMESPACE}", "--leader-elect=false",
                 f"--metricsPort={self._ports.rollouts_metrics}", f"--healthzPort={self._ports.rollouts_health}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self) -> None:
        """End the controller; its kinds go with the drill's other objects."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = None
            self._cluster.forget_kinds()

    def _await_served(self, made: list[Object]) -> None:
        end = time.monotonic() + _SERVED_SECONDS
        for item in made:
            while not _established(self._cluster.get("CustomResourceDefinition", item["metadata"]["name"])):
                if time.monotonic() > end:
                    raise SandboxError(f"the API server does not serve {item['metadata']['name']}")
                time.sleep(0.1)


def definitions(folder: Path) -> list[Object]:
    """The kinds that the controller knows, as its module defines them."""
    return [item for path in sorted((folder / "crds").glob("*.yaml"))
            for item in yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))]


def _established(definition: Object | None) -> bool:
    return any(item["type"] == "Established" and item["status"] == "True"
               for item in ((definition or {}).get("status") or {}).get("conditions") or [])
