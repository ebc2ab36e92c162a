"""What lies about in a cluster that has run for months: old terminations, evicted pods, old Events.

None of it is of now. What lies where follows from a seed, so that the same drill meets the same. Sources: Kubernetes'
pages "Node-pressure Eviction", "Pod Lifecycle" and the references of Event in v1 and events.k8s.io.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.containers import iso
from sandbox.platform.objects import KINDS
from sandbox.platform.shape import Shape
from sandbox.platform.workloads import kind_of

_DAY = 86_400.0
_OF_REPLICA_SETS = ("Deployment", "Rollout")
"""A StatefulSet deletes its failed pods itself."""


def remembered(seed: str, pod: Object, others: Collection[str], now: float) -> dict[str, Object]:
    """Uid to what the status of a pod of the first generation tells of earlier days, where it tells anything.

    ``others`` are the pods that do already; at most two of all do.
    """
    component = (pod["metadata"].get("labels") or {}).get("app", "")
    rng = random.Random(f"past {seed} {component}")
    if not seed or component not in KINDS or len(others) >= 2 or rng.random() < 0.5:
        return {}
    finished = now - rng.uniform(2, 30) * _DAY
    reason, code = rng.choice((("OOMKilled", 137), ("OOMKilled", 137), ("Error", 1)))
    return {pod["metadata"]["uid"]: {
        "restartCount": rng.randint(1, 3), "lastState": {"terminated": {
            "exitCode": code, "reason": reason, "startedAt": iso(finished - 9 * _DAY), "finishedAt": iso(finished)}},
        "state": {"running": {"startedAt": iso(finished + 1)}}}}


def leave(cluster: Cluster, shape: Shape, now: float) -> None:
    """Leave an evicted pod and old Events behind, or not."""
    rng = random.Random(f"left {shape.untidy}")
    if not shape.untidy or rng.random() < 0.3:
        return
    component = rng.choice([name for name in KINDS if kind_of(shape, name) in _OF_REPLICA_SETS])
    owner = next(item for item in cluster.items(f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets")
                 if item["metadata"]["labels"].get("app") == component and item["spec"]["replicas"])
    pod = _evicted(owner, rng)
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    cluster.create(path, pod)
    cluster.patch_status(f"{path}/{pod['metadata']['name']}", _eviction(component, now - rng.uniform(1, 6) * _DAY))
    for event in _events(rng, pod["metadata"]["name"], now):
        cluster.create(f"/api/v1/namespaces/{NAMESPACE}/events", event)


def _evicted(owner: Object, rng: random.Random) -> Object:
    """A pod of a ReplicaSet, which a kubelet has evicted: it stays, and its ReplicaSet has made another."""
    template, metadata = owner["spec"]["template"], owner["metadata"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": f"{metadata['name']}-{''.join(rng.choices('bcdfghjklmnpqrstvwxz2456789', k=5))}",
        "namespace": NAMESPACE, "labels": template["metadata"]["labels"], "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": metadata["name"], "uid": metadata["uid"],
            "controller": True, "blockOwnerDeletion": True}]},
        "spec": {**template["spec"], "nodeName": "node-b"}}


def _eviction(component: str, at: float) -> Object:
    moment = iso(at)
    return {"phase": "Failed", "reason": "Evicted", "startTime": iso(at - 3 * _DAY),
            "message": "The node was low on resource: ephemeral-storage. Threshold quantity: 2139512454, available: "
                       f"2011648Ki. Container {component} was using 4721Mi, request is 0, has larger consumption of "
                       "ephemeral-storage. ",
            "conditions": [{"type": kind, "status": status, "reason": reason, "lastTransitionTime": moment}
                           for kind, status, reason in (
                               ("DisruptionTarget", "True", "TerminationByKubelet"), ("Ready", "False", "PodFailed"),
                               ("ContainersReady", "False", "PodFailed"), ("Initialized", "True", "PodCompleted"),
                               ("PodScheduled", "True", "PodCompleted"))]}


def _events(rng: random.Random, pod: str, now: float) -> list[Object]:
    """One Event that has been counted up for days, and one with a series, both of some time ago."""
    def event(name: str, kind: str, **rest: object) -> Object:
        return {"apiVersion": "v1", "kind": "Event", "metadata": {"name": f"{name}.{rng.getrandbits(64):016x}",
                                                                  "namespace": NAMESPACE},
                "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": NAMESPACE},
                "type": kind, **rest}

    last = now - rng.uniform(1200, 3000)
    return [event(pod, "Warning", reason="BackOff", message="Back-off restarting failed container",
                  count=rng.randint(900, 5000), firstTimestamp=iso(now - 9 * _DAY), lastTimestamp=iso(last),
                  source={"component": "kubelet", "host": "node-b"}),
            event(pod, "Warning", reason="FailedScheduling", action="Scheduling",
                  message="0/3 nodes are available: 3 Insufficient memory. no new claims to deallocate, preemption: "
                          "0/3 nodes are available: 3 No preemption victims found for incoming pod.",
                  eventTime=_micro(now - 6 * _DAY), series={"count": rng.randint(5, 40),
                                                            "lastObservedTime": _micro(last - 60)},
                  reportingComponent="default-scheduler", reportingInstance="default-scheduler-ip-10-0-9-9")]


def _micro(seconds: float) -> str:
    return iso(seconds).removesuffix("Z") + ".000000Z"
