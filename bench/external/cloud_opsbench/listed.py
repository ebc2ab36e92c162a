"""Objects as ``kubectl get`` lists them, as objects of the API (k8s.io/kubernetes, ``printers/internalversion``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bench.external.cloud_opsbench.ages import age, iso
from bench.external.cloud_opsbench.described import CLUSTER_WIDE, modes, selector
from bench.external.cloud_opsbench.tables import Row, rows

Object = dict[str, Any]
KINDS = {
    "pod": "Pod", "po": "Pod", "deployment": "Deployment", "deploy": "Deployment", "replicaset": "ReplicaSet",
    "rs": "ReplicaSet", "statefulset": "StatefulSet", "sts": "StatefulSet", "daemonset": "DaemonSet", "ds": "DaemonSet",
    "service": "Service", "svc": "Service", "endpoint": "Endpoints", "endpoints": "Endpoints", "ep": "Endpoints",
    "node": "Node", "no": "Node", "event": "Event", "ev": "Event", "persistentvolumeclaim": "PersistentVolumeClaim",
    "pvc": "PersistentVolumeClaim", "persistentvolume": "PersistentVolume", "pv": "PersistentVolume",
    "storageclass": "StorageClass", "storageclasse": "StorageClass", "sc": "StorageClass", "quota": "ResourceQuota",
    "resourcequota": "ResourceQuota", "limitrange": "LimitRange", "limit": "LimitRange", "configmap": "ConfigMap",
    "cm": "ConfigMap", "secret": "Secret", "serviceaccount": "ServiceAccount", "sa": "ServiceAccount",
    "networkpolicy": "NetworkPolicy", "networkpolicie": "NetworkPolicy", "netpol": "NetworkPolicy",
    "ingress": "Ingress", "ingresse": "Ingress", "ing": "Ingress", "namespace": "Namespace", "ns": "Namespace",
    "job": "Job", "cronjob": "CronJob", "priorityclass": "PriorityClass"}
"""Names of resources, in the singular, to kinds."""


def kind_of(resource: str) -> str:
    """Return the kind of a resource as it is named to ``kubectl``: ``pods``, ``deployments.apps``, ``PVC``."""
    word = resource.strip().lower().partition(".")[0]
    return KINDS.get(word) or KINDS.get(word.removesuffix("s")) or KINDS.get(word.removesuffix("es")) or ""


def listed(kind: str, namespace: str, text: str, now: float) -> list[Object]:
    """Return the objects of a table; ``now``: seconds since 1970, which ages are told against."""
    found = []
    for row in rows(text):
        of_kind, name = kind, row.get("NAME", "")
        before, slash, after = name.partition("/")
        if slash:
            of_kind, name = kind_of(before) or kind, after
        reader = _READERS.get(of_kind)
        if not name or not of_kind:
            continue
        metadata: Object = {"name": name.partition(" (")[0]}
        if of_kind not in CLUSTER_WIDE:
            metadata["namespace"] = row.get("NAMESPACE", namespace)
        if "LABELS" in row:
            metadata["labels"] = _map(row["LABELS"])
        seconds = age(row.get("AGE", ""))
        if seconds is not None:
            metadata["creationTimestamp"] = iso(now - seconds)
        if row.get("STATUS") == "Terminating":
            metadata["deletionTimestamp"] = iso(now)
        item: Object = {"kind": of_kind, "metadata": metadata, **(reader(row) if reader else {})}
        if of_kind == "StorageClass" and "(default)" in row["NAME"]:
            metadata["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
        if of_kind == "Pod":
            _when_restarted(item, row, now)
        found.append(item)
    return found


def _map(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(",") if "=" in part)


def _share(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)/(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


_PHASES = {"Running": "Running", "Pending": "Pending", "Completed": "Succeeded", "Succeeded": "Succeeded",
           "Failed": "Failed", "Evicted": "Failed", "Unknown": "Unknown", "Terminating": "Running",
           "ContainerCreating": "Pending", "PodInitializing": "Pending", "NodeLost": "Unknown",
           "CrashLoopBackOff": "Running", "Error": "Running", "OOMKilled": "Running",
           "ContainerStatusUnknown": "Running"}
_ENDS = ("Error", "OOMKilled", "ContainerStatusUnknown", "ContainerCannotRun", "DeadlineExceeded")
"""Reasons of containers that are over; all other words in a pod's status are reasons to wait."""


def _pod(row: Row) -> Object:
    ready, of = _share(row.get("READY", ""))
    said = row.get("STATUS", "")
    init, word = said.startswith("Init:"), said.removeprefix("Init:")
    phase = "Pending" if init else _PHASES.get(word, "Pending")
    statuses: list[Object] = []
    for number in range(of):
        one: Object = {"name": "", "ready": number >= of - ready, "restartCount": 0, "state": {}}
        if one["ready"] or (word in ("Running", "Terminating") and not init):
            one["state"] = {"running": {}}
        elif word in _ENDS and not init:
            one["state"] = {"terminated": {"reason": word, "exitCode": 137 if word == "OOMKilled" else 1}}
        elif word not in _PHASES or word == "CrashLoopBackOff" or word == "ContainerCreating":
            one["state"] = {"waiting": {"reason": "PodInitializing" if init else word}}
        statuses.append(one)
    if statuses and row.get("RESTARTS"):
        statuses[0]["restartCount"] = _number(row["RESTARTS"])
    unscheduled = word == "Pending" and row.get("NODE", "<none>") == "<none>" and row.get("IP", "<none>") == "<none>"
    status: Object = {"phase": phase, "containerStatuses": [] if unscheduled else statuses, "conditions": [
        {"type": "Ready", "status": "True" if of and ready == of else "False"},
        *([] if word == "Pending" else [{"type": "PodScheduled", "status": "True"}])]}
    if word in ("Evicted", "NodeLost"):
        status["reason"] = word
    if init and not re.fullmatch(r"\d+/\d+", word):
        status["initContainerStatuses"] = [{"name": "", "state": {"waiting": {"reason": word}}}]
    spec: Object = {}
    if row.get("NODE", "<none>") != "<none>":
        spec["nodeName"] = row["NODE"]
    if row.get("IP", "<none>") != "<none>":
        status["podIP"] = row["IP"]
    return {"spec": spec, "status": status}


def _when_restarted(item: Object, row: Row, now: float) -> None:
    """``3 (5d ago)``: the container that was started anew ended then."""
    said = re.search(r"\((\S+) ago\)", row.get("RESTARTS", ""))
    seconds = age(said[1]) if said else None
    statuses = item["status"].get("containerStatuses") or []
    if seconds is not None and statuses:
        statuses[0]["lastState"] = {"terminated": {"reason": "", "exitCode": 0, "finishedAt": iso(now - seconds)}}
        if "running" in statuses[0]["state"]:
            statuses[0]["state"] = {"running": {"startedAt": iso(now - seconds)}}


def _images(row: Row) -> Object:
    names, images = row.get("CONTAINERS", ""), row.get("IMAGES", "")
    if not names:
        return {}
    return {"template": {"spec": {"containers": [
        {"name": name, "image": image} for name, image in zip(names.split(","), images.split(","), strict=False)]}}}


def _selected(row: Row) -> Object:
    text = row.get("SELECTOR", "")
    return {"selector": selector(text)} if text and text != "<none>" else {}


def _workload(row: Row) -> Object:
    ready, wanted = _share(row.get("READY", ""))
    if "DESIRED" in row:
        ready, wanted = _number(row.get("READY", row.get("AVAILABLE", ""))), _number(row["DESIRED"])
    there = _number(row["CURRENT"]) if "CURRENT" in row else None
    return {"spec": {"replicas": wanted, **_selected(row), **_images(row)},
            "status": {"readyReplicas": ready, "availableReplicas": _number(row.get("AVAILABLE", str(ready))),
                       **({} if there is None else {"replicas": there})}}


def _daemon_set(row: Row) -> Object:
    fields = (("DESIRED", "desiredNumberScheduled"), ("CURRENT", "currentNumberScheduled"), ("READY", "numberReady"))
    spec: Object = {**_selected(row), **_images(row)}
    node_selector = row.get("NODE SELECTOR", "<none>")
    if node_selector != "<none>":
        spec.setdefault("template", {"spec": {}})["spec"]["nodeSelector"] = _map(node_selector)
    return {"spec": spec, "status": {field: _number(row[title]) for title, field in fields if title in row}}


def _service(row: Row) -> Object:
    ports = [{"port": int(found[1]), "protocol": found[3], **({"nodePort": int(found[2])} if found[2] else {})}
             for part in row.get("PORT(S)", "").split(",")
             if (found := re.match(r"(\d+)(?::(\d+))?/(\w+)", part.strip()))]
    spec: Object = {"type": row.get("TYPE", "ClusterIP"), "clusterIP": row.get("CLUSTER-IP", "").replace("<none>", ""),
                    "ports": ports}
    if row.get("TYPE") == "ExternalName":
        spec["externalName"] = row.get("EXTERNAL-IP", "")
    if "SELECTOR" in row:
        spec["selector"] = _map(row["SELECTOR"])
    return {"spec": spec}


def _endpoints(row: Row) -> Object:
    found = re.findall(r"([\d.]+|\[[0-9a-f:]+\]):(\d+)", row.get("ENDPOINTS", ""))
    ports = sorted({int(port) for _, port in found})
    return {"subsets": [{"addresses": [{"ip": ip} for ip in dict.fromkeys(ip for ip, _ in found)],
                         "ports": [{"port": port} for port in ports]}] if found else []}


def _node(row: Row) -> Object:
    words = row.get("STATUS", "").split(",")
    status = "True" if "Ready" in words else "Unknown" if "Unknown" in words else "False"
    return {"spec": {"unschedulable": "SchedulingDisabled" in words},
            "status": {"conditions": [{"type": "Ready", "status": status}],
                       "nodeInfo": {"containerRuntimeVersion": row.get("CONTAINER-RUNTIME", "")}}}


def _claim(row: Row) -> Object:
    spec: Object = {}
    for title, field, read in (("VOLUME", "volumeName", str), ("ACCESS MODES", "accessModes", modes),
                               ("STORAGECLASS", "storageClassName", str)):
        if title in row:
            spec[field] = read(row[title])
    if "CAPACITY" in row:
        spec["resources"] = {"requests": {"storage": row["CAPACITY"]}}
    return {"spec": spec, "status": {"phase": row.get("STATUS", "")}}


def _volume(row: Row) -> Object:
    spec: Object = {"capacity": {"storage": row.get("CAPACITY", "")}, "accessModes": modes(row.get("ACCESS MODES", "")),
                    "storageClassName": row.get("STORAGECLASS", "")}
    namespace, slash, name = row.get("CLAIM", "").partition("/")
    if slash:
        spec["claimRef"] = {"namespace": namespace, "name": name}
    return {"spec": spec, "status": {"phase": row.get("STATUS", "")}}


def _quota(row: Row) -> Object:
    hard, used = {}, {}
    for name, amount, limit in re.findall(r"([\w./-]+): ([\w.]+)/([\w.]+)",
                                          f"{row.get('REQUEST', '')}, {row.get('LIMIT', '')}"):
        used[name], hard[name] = amount, limit
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def _storage_class(row: Row) -> Object:
    return {"provisioner": row.get("PROVISIONER", ""), "volumeBindingMode": row.get("VOLUMEBINDINGMODE", "")}


_READERS: Mapping[str, Callable[[Row], Object]] = {
    "Pod": _pod, "Deployment": _workload, "ReplicaSet": _workload, "StatefulSet": _workload, "DaemonSet": _daemon_set,
    "Service": _service, "Endpoints": _endpoints, "Node": _node, "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume, "ResourceQuota": _quota, "StorageClass": _storage_class}
"""Kind to what reads its row."""
