"""Statuses of containers, as a kubelet writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sandbox.platform.cluster import Object

_READY_SECONDS = 1.5
_ONE_IN = 5
"""Of so many pods the proxy of one is restarted while the others' go on."""


def iso(seconds: float) -> str:
    """A moment (seconds since 1970) as Kubernetes writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wait(reason: str, message: str = "") -> Object:
    """The state of a container that waits."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def ended(container: Object, since: float) -> Object:
    """The status of an init container that has done its work."""
    return {"name": container["name"], "image": container["image"], "imageID": "", "ready": True, "restartCount": 0,
            "started": False, "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": iso(since),
                                                       "finishedAt": iso(since)}}}


def proxy(pod: Object, container: Object, age: float, since: float) -> Object:
    """The status of the mesh's proxy in a pod of some age; of some pods it is restarted once, which harms nobody."""
    number = int(hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()[:8], 16)
    restart = 30.0 + number // _ONE_IN % 240 if number % _ONE_IN == 0 else float("inf")
    again = age >= restart
    began = restart if again else 0.0
    status: Object = {"name": container["name"], "image": container["image"], "imageID": "",
                      "ready": age >= began + _READY_SECONDS, "started": age >= began + _READY_SECONDS,
                      "restartCount": int(again), "state": {"running": {"startedAt": iso(since + began)}},
                      "lastState": {}}
    if again:
        status["lastState"] = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": iso(since),
                                              "finishedAt": iso(since + restart)}}
    return status
