"""What ``kubectl`` prints of a namespace, in Cloud-OpsBench's format."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

import yaml

from bench.external.cloud_opsbench.made.cluster import Plane, iso
from bench.external.cloud_opsbench.made.stage import Stage

Object = dict[str, Any]
_LISTED = ("pods", "deployments", "replicasets", "services", "endpoints", "persistentvolumeclaims",
           "serviceaccounts", "resourcequotas", "secrets", "configmaps", "events")
_WIDE = ("nodes", "persistentvolumes", "storageclasses")
_DESCRIBED = ("pods", "deployments", "replicasets", "services", "endpoints", "nodes", "resourcequotas",
              "persistentvolumeclaims", "persistentvolumes", "storageclasses")


def dumped(stage: Stage, plane: Plane, kubectl: str, without: tuple[str, ...] = ()) -> Object:
    """Return the case. ``without``: resources that are left out, for no case has all."""
    def run(*words: str, namespace: str = stage.namespace) -> str:
        done = subprocess.run([kubectl, "--kubeconfig", str(plane.kubeconfig), "-n", namespace, *words],  # noqa: S603
                              capture_output=True, text=True, timeout=60, check=False)
        return done.stdout or done.stderr

    listed: Object = {}
    for resource in (*_LISTED, *_WIDE):
        if resource not in without:
            listed[resource] = {"plain": run("get", resource), "wide": run("get", resource, "-o", "wide"),
                                "labels": run("get", resource, "--show-labels")}
    for resource, namespace in stage.more_lists:
        listed[f"{resource}@{namespace}"] = {"plain": run("get", resource, namespace=namespace), "wide": run(
            "get", resource, "-o", "wide", namespace=namespace)}
    described = {}
    for resource in _DESCRIBED:
        if resource not in without:
            parts = [part for part in re.split(r"(?m)^(?=Name:\s)", run("describe", resource)) if part.strip()]
            described[resource] = {name[1]: part.strip("\n") + "\n" for part in parts
                                   if (name := re.match(r"Name:\s+(\S+)", part))}
    described["events"] = {name: "\n".join(text.splitlines()[-20:]) for name, text in described["pods"].items()}
    return {"symptom": stage.symptom or f"Users report errors in {stage.system.name}.", "namespace": stage.namespace,
            "system": stage.system.name, "collected": iso(time.time()), "list": listed, "describe": described,
            "yaml": {name: yaml.safe_dump_all(items, sort_keys=False) for name, items in stage.manifests.items()},
            "alerts": {"alerts": stage.alerts} if stage.alerts else {}, "error_logs": stage.error_logs,
            "recent_logs": {app.name: stage.recent_logs.get(app.name) for app in stage.system.apps},
            "calls": stage.system.calls(), "connectivity": stage.connectivity, "node_services": stage.node_services,
            "cluster": "", "metrics": stage.metrics}
