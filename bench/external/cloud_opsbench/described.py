"""Objects as ``kubectl describe`` prints them, as objects of the API (k8s.io/kubectl, ``describe.go``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from bench.external.cloud_opsbench.ages import iso, moment
from bench.external.cloud_opsbench.containers import containers, pod_spec
from bench.external.cloud_opsbench.outline import Entry, outline, pairs

Object = dict[str, Any]
_EXPRESSION = re.compile(r"(?P<key>[^\s,=!()]+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)")


def described(kind: str, namespace: str, name: str, text: str) -> Object | None:
    """Return the object that a description tells of; None where the kind has no reader, or it is
    but the end of one."""
    root = outline(text)
    reader = _READERS.get(kind)
    if reader is None or not root.has("Name"):
        return None
    item = reader(root)
    metadata: Object = {"name": root.get("Name") or name}
    if kind not in CLUSTER_WIDE:
        metadata["namespace"] = root.get("Namespace") or namespace
    for title, field in (("Labels", "labels"), ("Annotations", "annotations")):
        if root.has(title):
            between = "=" if title == "Labels" else ":"
            metadata[field] = pairs(root.values(title), between)
    if root.get("IsDefaultClass") == "Yes":
        metadata["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    created = moment(root.get("CreationTimestamp") or root.get("Created on"))
    if created > 0:
        metadata["creationTimestamp"] = iso(created)
    if root.get("Status").startswith("Terminating"):
        metadata["deletionTimestamp"] = metadata.get("creationTimestamp", iso(1.0))
    owner, slash, owned = root.get("Controlled By").partition("/")
    if slash:
        metadata["ownerReferences"] = [{"kind": owner, "name": owned, "controller": True}]
    return {"kind": kind, "metadata": metadata, **item}


CLUSTER_WIDE = frozenset({"Node", "PersistentVolume", "StorageClass", "Namespace", "PriorityClass", "ClusterRole",
                          "ClusterRoleBinding"})


def _conditions(rows: list[list[str]], columns: tuple[str, ...]) -> list[Object]:
    found = []
    for row in rows:
        one = dict(zip(columns, row, strict=False))
        if "heartbeat" in one:
            one.pop("heartbeat")
        if "lastTransitionTime" in one:
            seconds = moment(one["lastTransitionTime"])
            one["lastTransitionTime"] = iso(seconds) if seconds > 0 else ""
        if len(row) > 1:
            found.append(one)
    return found


_BRIEF = ("type", "status", "reason")


def pod(root: Entry) -> Object:
    """Read a pod."""
    node = root.get("Node").partition("/")[0]
    spec = pod_spec(root) | ({"nodeName": node} if node else {})
    status: Object = {"conditions": _conditions(root.table("Conditions"), _BRIEF)}
    for title, field in (("Containers", "containerStatuses"), ("Init Containers", "initContainerStatuses")):
        found = containers(root.one(title))[1]
        if found:
            status[field] = found
    for title, field in (("Reason", "reason"), ("IP", "podIP")):
        if root.get(title):
            status[field] = root.get(title)
    if root.values("Message"):
        status["message"] = " ".join(root.values("Message"))
    phase = root.get("Status").partition(" ")[0]
    status["phase"] = "Running" if phase == "Terminating" else phase
    started = moment(root.get("Start Time"))
    if started > 0:
        status["startTime"] = iso(started)
    return {"spec": spec, "status": status}


def selector(text: str) -> Object:
    """Read a label selector as it is printed: ``app=pay,tier in (a,b),!old``."""
    text = "" if text.strip() in ("<none>", "<unset>") else text
    expressions = [{"key": found["key"], "operator": "In" if found["how"] == "in" else "NotIn",
                    "values": [value.strip() for value in found["values"].split(",")]}
                   for found in _EXPRESSION.finditer(text)]
    labels = {}
    for part in filter(None, (part.strip() for part in _EXPRESSION.sub("", text).split(","))):
        key, equals, value = part.partition("=")
        if equals:
            labels[key] = value
        else:
            expressions.append({"key": part.lstrip("!"), "operator": "DoesNotExist" if part[0] == "!" else "Exists"})
    return {"matchLabels": labels, **({"matchExpressions": expressions} if expressions else {})}


def _template(root: Entry) -> Object:
    entry = root.one("Pod Template")
    if entry is None:
        return {}
    labels = pairs(entry.values("Labels"))
    return {"template": {"metadata": {"labels": labels}, "spec": pod_spec(entry)}}


def _numbers(text: str) -> dict[str, int]:
    """Read ``1 desired | 1 updated | 0 available`` or ``1 current / 1 desired``."""
    return {word: int(number) for number, word in re.findall(r"(\d+)\s+([A-Za-z]+)", text)}


def workload(root: Entry) -> Object:
    """Read a Deployment, a ReplicaSet or a StatefulSet."""
    said = _numbers(root.get("Replicas"))
    spec: Object = {"selector": selector(root.get("Selector")), **_template(root)}
    status: Object = {"conditions": _conditions(root.table("Conditions"), _BRIEF)}
    if "desired" in said:
        spec["replicas"] = said["desired"]
    for word, field in (("total", "replicas"), ("current", "replicas"), ("updated", "updatedReplicas"),
                        ("available", "availableReplicas"), ("available", "readyReplicas")):
        if word in said:
            status[field] = said[word]
    if any(one.get("reason") == "DeploymentPaused" for one in status["conditions"]):
        spec["paused"] = True
    if root.has("Volume Claims"):
        spec["volumeClaimTemplates"] = [
            {"metadata": {"name": child.value}} for child in (root.one("Volume Claims") or root).children
            if child.key == "Name"]
    return {"spec": spec, "status": status}


def daemon_set(root: Entry) -> Object:
    """Read a DaemonSet."""
    status = {}
    for title, field in (("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
                         ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
                         ("Number of Nodes Scheduled with Available Pods", "numberReady")):
        if root.get(title).isdecimal():
            status[field] = int(root.get(title))
    return {"spec": {"selector": selector(root.get("Selector")), **_template(root)}, "status": status}


def service(root: Entry) -> Object:
    """Read a Service."""
    ports: list[Object] = []
    for child in root.children:
        number = re.search(r"(\d+)/(\w+)", child.value)
        if child.key == "Port" and number:
            name = child.value.split()[0] if "/" not in child.value.split()[0] else ""
            ports.append({"port": int(number[1]), "protocol": number[2],
                          **({"name": name} if name and name != "<unset>" else {})})
        elif child.key == "TargetPort" and ports:
            target = child.value.partition("/")[0]
            ports[-1]["targetPort"] = int(target) if target.isdecimal() else target
        elif child.key == "NodePort" and ports and number:
            ports[-1]["nodePort"] = int(number[1])
    return {"spec": {"selector": selector(",".join(root.values("Selector")))["matchLabels"], "ports": ports,
                     "type": root.get("Type") or "ClusterIP",
                     "clusterIP": "None" if root.get("IP") == "None" else root.get("IP"),
                     **({"externalName": root.get("External Name")} if root.get("External Name") else {})}}


def endpoints(root: Entry) -> Object:
    """Read Endpoints."""
    subsets: list[Object] = []
    below = root.one("Subsets")
    for child in below.children if below else ():
        ips = [{"ip": ip} for ip in child.value.split(",") if ip]
        if child.key == "Addresses":
            subsets.append({"addresses": ips})
        elif child.key == "NotReadyAddresses" and subsets:
            subsets[-1]["notReadyAddresses"] = ips
        elif child.key == "Ports" and subsets:
            rows = [re.split(r"\s{2,}", one.text) for one in child.children]
            subsets[-1]["ports"] = [{"port": int(row[1]), "protocol": row[2]}
                                    for row in rows if len(row) == 3 and row[1].isdecimal()]
    return {"subsets": subsets}


def node(root: Entry) -> Object:
    """Read a Node."""
    taints = []
    for line in root.values("Taints"):
        said, _, effect = line.rpartition(":")
        key, _, value = said.partition("=")
        taints.append({"key": key, "value": value, "effect": effect})
    info = root.one("System Info")
    allocatable = root.one("Allocatable")
    return {
        "spec": {"taints": taints, "unschedulable": root.get("Unschedulable") == "true"},
        "status": {
            "conditions": _conditions(root.table("Conditions"), (
                "type", "status", "heartbeat", "lastTransitionTime", "reason", "message")),
            "allocatable": {child.key: child.value for child in (allocatable.children if allocatable else ())},
            "nodeInfo": {"containerRuntimeVersion": info.get("Container Runtime Version") if info else ""}}}


def claim(root: Entry) -> Object:
    """Read a PersistentVolumeClaim; what it asks for is told only once it is bound."""
    spec: Object = {}
    if root.get("StorageClass"):
        spec["storageClassName"] = root.get("StorageClass")
    if root.get("Volume"):
        spec["volumeName"] = root.get("Volume")
    if root.get("Access Modes"):
        spec["accessModes"] = modes(root.get("Access Modes"))
    if root.get("Capacity"):
        spec["resources"] = {"requests": {"storage": root.get("Capacity")}}
    return {"spec": spec, "status": {"phase": root.get("Status").partition(" ")[0]}}


_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}


def modes(text: str) -> list[str]:
    """Read access modes: ``RWO,ROX``."""
    return [_MODES.get(word, word) for word in re.findall(r"\w+", text)]


def persistent_volume(root: Entry) -> Object:
    """Read a PersistentVolume."""
    spec: Object = {"storageClassName": root.get("StorageClass"), "accessModes": modes(root.get("Access Modes")),
                    "capacity": {"storage": root.get("Capacity")}}
    namespace, slash, name = root.get("Claim").partition("/")
    if slash and name:
        spec["claimRef"] = {"namespace": namespace, "name": name}
    affinity = root.one("Node Affinity")
    terms = []
    for term in (affinity.one("Required Terms") or affinity).children if affinity else ():
        lines = [term.value, *(child.text for child in term.children)]
        terms.append({"matchExpressions": [
            {"key": found[1], "operator": {"in": "In", "notin": "NotIn", "exists": "Exists",
                                           "doesnotexist": "DoesNotExist"}.get(found[2], found[2]),
             "values": re.split(r",\s*", found[3]) if found[3] else []}
            for line in lines if (found := re.match(r"(\S+) (\w+)(?: \[([^\]]*)\])?", line))]})
    if terms:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return {"spec": spec, "status": {"phase": root.get("Status").partition(" ")[0]}}


def storage_class(root: Entry) -> Object:
    """Read a StorageClass."""
    return {"provisioner": root.get("Provisioner"), "volumeBindingMode": root.get("VolumeBindingMode")}


def quota(root: Entry) -> Object:
    """Read a ResourceQuota."""
    hard, used = {}, {}
    for line in root.lines():
        row = re.fullmatch(r"(\S+)\s{2,}(\S*\d\S*)\s{2,}(\S*\d\S*)", line)
        if row:
            used[row[1]], hard[row[1]] = row[2], row[3]
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def limit_range(root: Entry) -> Object:
    """Read a LimitRange."""
    limits: list[Object] = []
    for line in root.lines():
        row = re.split(r"\s{2,}", line)
        if len(row) >= 4 and row[0] in ("Container", "Pod", "PersistentVolumeClaim"):
            one: Object = {"type": row[0]}
            for field, amount in zip(("min", "max", "defaultRequest", "default"), row[2:], strict=False):
                if amount != "-":
                    one[field] = {row[1]: amount}
            limits.append(one)
    return {"spec": {"limits": limits}}


def config_map(root: Entry) -> Object:
    """Read the keys of a ConfigMap: those above a line ``----``."""
    lines = [child for child in root.children if child.indent == 0]
    return {"data": {before.text[:-1]: "" for before, line in pairwise(lines)
                     if line.text == "----" and before.text.endswith(":")}}


def secret(root: Entry) -> Object:
    """Read the keys of a Secret."""
    return {"data": {child.key: "" for child in root.children
                     if child.key and re.fullmatch(r"\d+ bytes", child.value)}}


def policy(root: Entry) -> Object:
    """Read a NetworkPolicy."""
    entry = root.one("Spec") or root
    spec: Object = {"podSelector": selector(entry.get("PodSelector").partition(" (Allowing")[0]), "policyTypes": []}
    for title, kind, side in (("Allowing ingress traffic", "Ingress", "from"),
                              ("Allowing egress traffic", "Egress", "to")):
        found = entry.one(title)
        if found is not None:
            spec["policyTypes"].append(kind)
            spec[kind.lower()] = _rules(found, side)
    return {"spec": spec}


def _rules(entry: Entry, side: str) -> list[Object]:
    rules: list[Object] = []
    fresh = True
    for child in entry.children:
        if child.text.startswith("<none>"):
            return []
        if child.text.startswith("-----"):
            fresh = True
            continue
        if fresh:
            rules.append({"ports": [], side: []})
            fresh = False
        if child.key == "To Port" and not child.value.startswith("<any>"):
            rules[-1]["ports"].append({"port": child.value.partition("/")[0]})
        elif child.key.lower() == side:
            peer: Object = {}
            for one in child.children:
                if one.key in ("PodSelector", "NamespaceSelector"):
                    peer[one.key[0].lower() + one.key[1:]] = selector(one.value)
                elif one.key == "IPBlock":
                    peer["ipBlock"] = {"cidr": one.get("CIDR")}
            rules[-1][side] += [peer] if peer else []
    return rules


def ingress(root: Entry) -> Object:
    """Read an Ingress."""
    rules: list[Object] = []
    below = root.one("Rules")
    for line in (line for child in (below.children if below else ()) for line in child.lines()):
        found = re.search(r"(?:(?P<path>/\S*)\s+)?(?P<service>[a-z0-9][a-z0-9.-]*):(?P<port>[\w-]+)(?: \(|$)", line)
        if found:
            port = found["port"]
            backend = {"service": {"name": found["service"], "port": (
                {"number": int(port)} if port.isdecimal() else {"name": port})}}
            rules = rules or [{"http": {"paths": []}}]
            rules[-1]["http"]["paths"].append({"path": found["path"] or "/", "backend": backend})
        elif line and not line.startswith(("Host", "----")):
            rules.append({"host": line.split()[0], "http": {"paths": []}})
    return {"spec": {"rules": rules}}


def bare(root: Entry) -> Object:
    """Read an object whose name is enough."""
    return {}


_READERS: Mapping[str, Callable[[Entry], Object]] = {
    "Pod": pod, "Deployment": workload, "ReplicaSet": workload, "StatefulSet": workload, "DaemonSet": daemon_set,
    "Service": service, "Endpoints": endpoints, "Node": node, "PersistentVolumeClaim": claim,
    "PersistentVolume": persistent_volume, "StorageClass": storage_class, "ResourceQuota": quota,
    "LimitRange": limit_range, "ConfigMap": config_map, "Secret": secret, "NetworkPolicy": policy, "Ingress": ingress,
    "ServiceAccount": bare, "Namespace": bare}
"""Kind to what reads its description."""
