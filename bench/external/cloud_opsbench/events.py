"""Events as ``kubectl describe`` (a table at the end) and ``kubectl get events`` print them, as objects of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bench.external.cloud_opsbench.ages import age, iso
from bench.external.cloud_opsbench.tables import rows

Object = dict[str, Any]
_AGE = re.compile(r"(?P<last>\S+?)(?: ago)?(?: \(x(?P<times>\d+) over (?P<over>\S+)\))?$")
"""``3m12s (x5 over 10m)``."""
_BY_WHOM = re.compile(r"[a-z][\w./-]*(?:, \S+)?$")
_KINDS = {"pod": "Pod", "deployment": "Deployment", "replicaset": "ReplicaSet", "statefulset": "StatefulSet",
          "daemonset": "DaemonSet", "node": "Node", "service": "Service", "job": "Job", "cronjob": "CronJob",
          "persistentvolumeclaim": "PersistentVolumeClaim", "persistentvolume": "PersistentVolume",
          "horizontalpodautoscaler": "HorizontalPodAutoscaler", "endpoints": "Endpoints", "ingress": "Ingress",
          "resourcequota": "ResourceQuota", "namespace": "Namespace"}
_BY = {"kubelet": "Pod", "default-scheduler": "Pod", "deployment-controller": "Deployment",
       "replicaset-controller": "ReplicaSet", "statefulset-controller": "StatefulSet",
       "daemonset-controller": "DaemonSet", "persistentvolume-controller": "PersistentVolumeClaim",
       "node-controller": "Node", "job-controller": "Job", "attachdetach-controller": "Pod"}
"""Who speaks of what, where the object's kind is not said."""


def described(text: str, about: tuple[str, str, str], now: float) -> Iterator[Object]:
    """Yield the Events of a description of an object (kind or empty, namespace, name); ``now``: seconds since 1970."""
    found: list[tuple[str, str, re.Match[str], str, list[str]]] = []
    for line in text.expandtabs().splitlines():
        cells = re.split(r"\s{2,}", line.strip(), maxsplit=4)
        seen = _AGE.match(cells[2]) if len(cells) > 3 and cells[0] in ("Normal", "Warning") else None
        if seen:
            by = cells[3] if len(cells) > 4 and _BY_WHOM.match(cells[3]) else ""
            found.append((cells[0], cells[1], seen, by, ["  ".join(cells[4:] if by else cells[3:])]))
        elif found and line.startswith(" ") and line.strip():
            found[-1][4].append(line.strip())
    for of_type, reason, seen, by, said in found:
        kind = about[0] or _BY.get(by.partition(",")[0], "Pod")
        yield made((kind, about[1], about[2]), of_type, reason, "\n".join(said), int(seen["times"] or 1),
                   age(seen["last"]), age(seen["over"] or ""), by, now)


def made(about: tuple[str, str, str], of_type: str, reason: str, message: str, times: int, last: float | None,
         over: float | None, by: str, now: float) -> Object:
    """Return an Event of the API; ``last`` and ``over`` are ages in seconds, None: not known."""
    kind, namespace, name = about
    event: Object = {
        "kind": "Event", "metadata": {"namespace": namespace}, "type": of_type, "reason": reason, "message": message,
        "count": times,
        "involvedObject": {"kind": kind, "namespace": "" if kind == "Node" else namespace, "name": name},
        "source": {"component": by.partition(",")[0]}}
    if last is not None:
        event["lastTimestamp"] = iso(now - last)
        event["firstTimestamp"] = iso(now - (over if over is not None else last))
    return event


def listed(text: str, namespace: str, now: float) -> Iterator[Object]:
    """Yield the Events of ``kubectl get events``."""
    for row in rows(text):
        kind, slash, name = row.get("OBJECT", "").partition("/")
        if not slash or "MESSAGE" not in row:
            continue
        seen = re.match(r"(\S+?)(?: \(x(\d+) over (\S+)\))?$", row.get("LAST SEEN", ""))
        times = int(row["COUNT"]) if row.get("COUNT", "").isdecimal() else int(seen[2] or 1) if seen else 1
        of_kind = _KINDS.get(kind.lower().partition(".")[0], kind.capitalize())
        yield made((of_kind, row.get("NAMESPACE", namespace), name),
                   row.get("TYPE", "Normal"), row.get("REASON", ""), row["MESSAGE"], times,
                   age(seen[1]) if seen else None, None, row.get("SOURCE", ""), now)
