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
_DESCRIBED = ("pods", "deployments", "replicasets", "services", "nodes", "resourcequotas",
              "persistentvolumeclaims", "persistentvolumes", "storageclasses")


def dumped(stage: Stage, plane: Plane, kubectl: str, without: tuple[str, ...] = ()) -> Object:
    """Return the case. ``without``: resources that are left out, for no case has all."""
    def run(*words: str, namespace: str = stage.namespace) -> str:
        done = subprocess.run([kubectl, "--kubeconfig", str(plane.kubeconfig), "-n", namespace, *words],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.stdout or done.stderr

    resources = [resource for resource in (*_LISTED, *_WIDE) if resource not in without]
    listed: Object = {resource: {} for resource in resources}
    for way, words in (("plain", ()), ("wide", ("-o", "wide")), ("labels", ("--show-labels",))):
        texts = _tables(run("get", ",".join(resources), *words))
        for resource in resources:
            listed[resource][way] = texts.get(resource, f"No resources found in {stage.namespace} namespace.\n")
    for resource, namespace in stage.more_lists:
        listed[f"{resource}@{namespace}"] = {"plain": run("get", resource, namespace=namespace), "wide": run(
            "get", resource, "-o", "wide", namespace=namespace)}
    described = {}
    for resource in _DESCRIBED:
        if resource not in without and "No resources" not in listed[resource]["plain"]:
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


_PREFIXES = {"pod": "pods", "deployment.apps": "deployments", "replicaset.apps": "replicasets", "service": "services",
             "endpoints": "endpoints", "persistentvolumeclaim": "persistentvolumeclaims",
             "serviceaccount": "serviceaccounts", "resourcequota": "resourcequotas", "secret": "secrets",
             "configmap": "configmaps", "event": "events", "node": "nodes", "persistentvolume": "persistentvolumes",
             "storageclass.storage.k8s.io": "storageclasses"}


def _tables(text: str) -> dict[str, str]:
    """Cut what is printed of several resources into the tables that each alone would be."""
    found = {}
    for block in re.split(r"\n\n+", text.strip("\n")):
        lines = block.splitlines()
        if len(lines) < 2:
            continue
        column = lines[0].index("OBJECT") if lines[0].startswith("LAST SEEN") else lines[0].index("NAME")
        prefix = lines[1][column:].partition("/")[0]
        if lines[0].startswith("LAST SEEN"):
            found["events"] = block + "\n"
            continue
        width = len(prefix) + 1
        found[_PREFIXES[prefix]] = "\n".join(
            [lines[0][:4] + lines[0][4 + width:], *(line[width:] for line in lines[1:])]) + "\n"
    return found
