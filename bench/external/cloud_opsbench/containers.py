"""Containers, probes, volumes and tolerations as ``kubectl describe`` prints them, as parts of API objects
(k8s.io/kubectl, ``describe.go``: describeContainers, DescribeProbe, describeVolumes, printTolerations).
"""

from __future__ import annotations

import re
from typing import Any

from bench.external.cloud_opsbench.ages import iso, moment
from bench.external.cloud_opsbench.outline import NOTHING, Entry

Object = dict[str, Any]
_PORT = re.compile(r"(\d+)/(\w+)(?: \(([^)]*)\))?")
_PROBE = re.compile(r"(?P<how>exec|http-get|tcp-socket|grpc)\s+(?P<what>.*?)\s*delay=(?P<delay>\d+)s "
                    r"timeout=(?P<timeout>\d+)s "
                    r"period=(?P<period>\d+)s #success=(?P<success>\d+) #failure=(?P<failure>\d+)")
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/]*?)(?::(?P<port>[^/:]*))?(?P<path>/.*)?$")
_KEY_OF = re.compile(r"<set to the key '(?P<key>[^']*)' (?P<what>in secret|of config map) '(?P<name>[^']*)'>"
                     r"(?:\s+Optional: (?P<optional>\w+))?")
_ALL_OF = re.compile(r"(?P<name>\S+)\s+(?P<kind>ConfigMap|Secret)(?: with prefix '(?P<prefix>[^']*)')?"
                     r"(?:\s+Optional: (?P<optional>\w+))?")
_FIELD = re.compile(r"\((?:v1:[\w.\[\]'/-]+|(?:limits|requests)\.[\w./-]+)\)$")
_MOUNT = re.compile(r"(?P<path>\S+) from (?P<name>\S+) \((?P<flags>[^)]*)\)")
_TOLERATION = re.compile(r"(?P<key>[^=:\s]*)(?:=(?P<value>[^:\s]*))?(?::(?P<effect>\w+))?"
                         r"(?P<exists>\s*op=Exists)?(?: for (?P<seconds>\d+)s)?$")
_VOLUMES = {"PersistentVolumeClaim": ("persistentVolumeClaim", "claimName", "ClaimName"),
            "Secret": ("secret", "secretName", "SecretName"), "ConfigMap": ("configMap", "name", "Name"),
            "HostPath": ("hostPath", "path", "Path"), "NFS": ("nfs", "server", "Server"),
            "CSI": ("csi", "driver", "Driver")}


def containers(entry: Entry | None) -> tuple[list[Object], list[Object]]:
    """Return the containers below ``Containers`` or ``Init Containers``, and their statuses where there are any."""
    asked, found = [], []
    for one in entry.children if entry else ():
        name = one.key or one.text.rstrip(":")
        asked.append(_container(name, one))
        if one.has("State", "Ready"):
            found.append(_status(name, one))
    return asked, found


def _container(name: str, entry: Entry) -> Object:
    ports = [{"containerPort": int(number), "protocol": protocol, **({"name": given} if given else {})}
             for number, protocol, given in _PORT.findall(entry.get("Ports", "Port"))]
    hosts = [int(number) for number, _, _ in _PORT.findall(entry.get("Host Ports", "Host Port"))]
    for port, host in zip(ports, hosts, strict=False):
        if host:
            port["hostPort"] = host
    result: Object = {
        "name": name, "image": entry.get("Image"), "ports": ports, "env": _environment(entry.one("Environment")),
        "envFrom": _all_of(entry.one("Environment Variables from")), "volumeMounts": _mounts(entry.one("Mounts")),
        "command": _words(entry.one("Command")), "args": _words(entry.one("Args")),
        "resources": {kind.lower(): _amounts(entry.one(kind)) for kind in ("Limits", "Requests")}}
    for title, field in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        said = entry.get(title)
        if not said:
            result[field] = None
        elif found := probe(said):
            result[field] = found
    return result


def _words(entry: Entry | None) -> list[str]:
    return [line for child in (entry.children if entry else ()) for line in child.lines()]


def _amounts(entry: Entry | None) -> dict[str, str]:
    return {child.key: child.value for child in (entry.children if entry else ()) if child.key}


def probe(text: str) -> Object | None:
    """Return a probe; None where its kind is not known (``unknown``, as old versions say of gRPC)."""
    said = _PROBE.match(text)
    if not said:
        return None
    result: Object = {"initialDelaySeconds": int(said["delay"]), "timeoutSeconds": int(said["timeout"]),
                      "periodSeconds": int(said["period"]), "successThreshold": int(said["success"]),
                      "failureThreshold": int(said["failure"])}
    what = said["what"]
    if said["how"] == "exec":
        return result | {"exec": {"command": what.strip("[]").split()}}
    if said["how"] == "http-get":
        url = _URL.match(what)
        return result | {"httpGet": {"scheme": url["scheme"].upper(), "port": _port(url["port"] or ""),
                                     "path": url["path"] or "/"} if url else {}}
    port = _port(what.split()[0].rpartition(":")[2] if what else "")
    if said["how"] == "tcp-socket":
        return result | {"tcpSocket": {"port": port}}
    return result | {"grpc": {"port": port, "service": " ".join(what.split()[1:])}}


def _port(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _environment(entry: Entry | None) -> list[Object]:
    found: list[Object] = []
    for child in entry.children if entry else ():
        name, _, rest = child.text.partition(":")
        value = "\n".join([rest.strip(), *(line for below in child.children for line in below.lines())])
        key = _KEY_OF.match(value)
        if key:
            field = "secretKeyRef" if key["what"] == "in secret" else "configMapKeyRef"
            found.append({"name": name, "valueFrom": {field: {
                "name": key["name"], "key": key["key"], "optional": key["optional"] == "true"}}})
        elif _FIELD.search(value):
            found.append({"name": name, "valueFrom": {"fieldRef": {}}})
        else:
            found.append({"name": name, "value": value})
    return found


def _all_of(entry: Entry | None) -> list[Object]:
    return [{("configMapRef" if said["kind"] == "ConfigMap" else "secretRef"): {
        "name": said["name"], "optional": said["optional"] == "true"}}
        for child in (entry.children if entry else ()) if (said := _ALL_OF.match(child.text))]


def _mounts(entry: Entry | None) -> list[Object]:
    return [{"name": said["name"], "mountPath": said["path"], "readOnly": said["flags"].startswith("ro")}
            for child in (entry.children if entry else ()) if (said := _MOUNT.match(child.text))]


def _status(name: str, entry: Entry) -> Object:
    result: Object = {"name": name, "image": entry.get("Image"), "imageID": entry.get("Image ID"),
                      "ready": entry.get("Ready") == "True", "restartCount": _whole(entry.get("Restart Count"))}
    for title, field in (("State", "state"), ("Last State", "lastState")):
        if found := entry.one(title):
            result[field] = _state(found)
    return result


def _state(entry: Entry) -> Object:
    kind = entry.value.partition(" ")[0].lower()
    if kind == "running":
        return {"running": {"startedAt": _time(entry.get("Started"))}}
    if kind == "waiting":
        return {"waiting": {"reason": entry.get("Reason"), "message": _message(entry)}}
    if kind == "terminated":
        return {"terminated": {"reason": entry.get("Reason"), "exitCode": _whole(entry.get("Exit Code")),
                               "message": _message(entry), "startedAt": _time(entry.get("Started")),
                               "finishedAt": _time(entry.get("Finished"))}}
    return {}


def _message(entry: Entry) -> str:
    return "\n".join(entry.values("Message"))


def _time(text: str) -> str | None:
    seconds = moment(text)
    return iso(seconds) if seconds > 0 else None


def _whole(text: str) -> int:
    found = re.match(r"-?\d+", text)
    return int(found[0]) if found else 0


def volumes(entry: Entry | None) -> list[Object]:
    """Return the volumes below ``Volumes``."""
    found: list[Object] = []
    for one in entry.children if entry else ():
        kind = one.get("Type").partition(" ")[0]
        field, key, title = _VOLUMES.get(kind, (kind[:1].lower() + kind[1:] or "emptyDir", "", ""))
        said: Object = {key: one.get(title)} if key else {}
        if one.get("Optional") == "true":
            said["optional"] = True
        found.append({"name": one.key or one.text.rstrip(":"), field: said})
    return found


def tolerations(lines: list[str]) -> list[Object]:
    """Return tolerations, one a line: ``key=value:NoSchedule op=Exists for 300s``."""
    found = []
    for line in lines:
        said = _TOLERATION.match(line)
        if said is None:
            continue
        found.append({"key": said["key"], "value": said["value"] or "", "effect": said["effect"] or "",
                      "operator": "Exists" if said["exists"] else "Equal"})
    return found


def pod_spec(entry: Entry) -> Object:
    """Return what a description of a pod, or of a template, tells of its spec."""
    spec: Object = {
        "containers": containers(entry.one("Containers"))[0],
        "initContainers": containers(entry.one("Init Containers"))[0],
        "nodeSelector": dict(line.partition("=")[::2] for line in entry.values("Node-Selectors") if "=" in line)}
    if entry.has("Volumes"):
        spec["volumes"] = volumes(entry.one("Volumes"))
    if entry.has("Tolerations"):
        spec["tolerations"] = tolerations(entry.values("Tolerations"))
    if account := entry.get("Service Account"):
        spec["serviceAccountName"] = account
    if priority := entry.get("Priority Class Name"):
        spec["priorityClassName"] = priority
    return {key: value for key, value in spec.items() if value not in NOTHING or key == "nodeSelector"}
