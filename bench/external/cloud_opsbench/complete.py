"""What follows from several objects of a case together: whose a pod is, and what its template says of it."""

from __future__ import annotations

import re
from typing import Any

from bench.external.cloud_opsbench.objects import Object, Objects, merged

_OF_REPLICA_SET = re.compile(r"(?P<owner>.+)-[a-z0-9]{1,10}$")
_OF_DEPLOYMENT = re.compile(r"(?P<set>(?P<owner>.+)-[a-z0-9]{5,10})-[a-z0-9]{5}$")
_OF_STATEFUL_SET = re.compile(r"(?P<owner>.+)-\d+$")
_NUMBERED = "containerStatuses"


def completed(objects: Objects) -> list[Object]:
    """Return the objects of the API that a case tells of, with owners, and pods with what their templates say."""
    for item in objects.of("ReplicaSet", "Pod"):
        if not item["metadata"].get("ownerReferences"):
            _own(objects, item)
    newest = _newest(objects)
    for item in objects.of("Pod"):
        _templated(objects, item, newest)
    for item in objects.of("Deployment", "StatefulSet", "ReplicaSet"):
        _counted(objects, item)
    return [item for key, item in objects.found.items() if key not in objects.gone()]


def _own(objects: Objects, item: Object) -> None:
    """Find the owner by the name that controllers give: NAME-HASH, NAME-HASH-xxxxx, NAME-0."""
    name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
    owner: tuple[str, str] | None = None
    if item["kind"] == "ReplicaSet":
        found = _OF_REPLICA_SET.match(name)
        owner = ("Deployment", found["owner"]) if found else None
    else:
        found = _OF_DEPLOYMENT.match(name)
        of_set = _OF_STATEFUL_SET.match(name)
        prefix = name.rpartition("-")[0]
        if ("ReplicaSet", namespace, prefix) in objects.found:
            owner = ("ReplicaSet", prefix)
        elif of_set and ("StatefulSet", namespace, of_set["owner"]) in objects.found:
            owner = ("StatefulSet", of_set["owner"])
        elif ("DaemonSet", namespace, prefix) in objects.found:
            owner = ("DaemonSet", prefix)
        elif found:
            owner = ("ReplicaSet", found["set"])
    if owner:
        item["metadata"]["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]


def _owner(item: Object) -> tuple[str, str]:
    owners = item["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("kind", "")), str(owners[0].get("name", ""))


def _newest(objects: Objects) -> dict[tuple[str, str], str]:
    """Return each Deployment's youngest ReplicaSet, by namespace and name."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for item in objects.of("ReplicaSet"):
        kind, name = _owner(item)
        key = (item["metadata"].get("namespace", ""), name)
        made = (item["metadata"].get("creationTimestamp", ""), item["metadata"]["name"])
        if kind == "Deployment" and found.get(key, ("", "")) < made:
            found[key] = made
    return {key: name for key, (_, name) in found.items()}


def _templated(objects: Objects, pod: Object, newest: dict[tuple[str, str], str]) -> None:
    namespace = pod["metadata"].get("namespace", "")
    kind, name = _owner(pod)
    template: Any = ((objects.found.get((kind, namespace, name)) or {}).get("spec") or {}).get("template") or {}
    if kind == "ReplicaSet":
        top = name.rpartition("-")[0]
        above = ((objects.found.get(("Deployment", namespace, top)) or {}).get("spec") or {}).get("template") or {}
        if newest.get((namespace, top), name) == name:
            template = merged(above, template)
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return
    status = pod.get("status") or {}
    _named(status, spec)
    pod["spec"] = merged({key: value for key, value in spec.items() if key != "nodeName"}, pod.get("spec") or {})
    labels = (template.get("metadata") or {}).get("labels") or {}
    pod["metadata"]["labels"] = {**labels, **(pod["metadata"].get("labels") or {})} if not (
        pod["metadata"].get("labels")) else pod["metadata"]["labels"]


def _named(status: Object, spec: Object) -> None:
    """Give the containers of a list, which names none, the names of the template's where there are as many."""
    statuses, asked = status.get(_NUMBERED) or [], spec.get("containers") or []
    if len(statuses) == len(asked):
        for one, container in zip(statuses, asked, strict=True):
            if not one.get("name"):
                one["name"] = container.get("name", "")
                one.setdefault("image", container.get("image", ""))


def _counted(objects: Objects, item: Object) -> None:
    """Count the pods of a workload whose list does not tell how many it has."""
    status = item.setdefault("status", {})
    if "replicas" in status or ("Pod", item["metadata"].get("namespace", "")) not in objects.known:
        return
    name = item["metadata"]["name"]
    mine = [pod for pod in objects.of("Pod") if _owner(pod)[1] == name or (
        item["kind"] == "Deployment" and _owner(pod)[1].rpartition("-")[0] == name)]
    status["replicas"] = len(mine)
