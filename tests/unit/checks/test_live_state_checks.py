"""All checks: they tell nothing of a cluster that is well, and mind neither order nor what is left out."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from responder import checks
from responder.state import state_of
from tests.unit.checks.cluster_objects import (
    EVERYTHING,
    Item,
    at,
    container,
    event,
    node,
    pod,
    problems,
    refused,
    replica_set,
    running,
    unscheduled,
    waiting,
    workload,
)

ACCOUNT: Item = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}
USES = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
SERVICE: Item = {"kind": "Service", "metadata": {"name": "pay", "namespace": "shop"},
                 "spec": {"selector": {"app": "pay"}, "ports": [{"port": 80, "targetPort": 8080}]}}
QUOTA: Item = {"kind": "ResourceQuota", "metadata": {"name": "compute", "namespace": "shop"},
               "status": {"hard": {"requests.cpu": "8", "pods": "20"}, "used": {"requests.cpu": "3", "pods": "9"}}}
DONE: Item = {"kind": "Job", "metadata": {"name": "report", "namespace": "shop"}, "spec": {"template": {"spec": {
    "containers": [container()]}}}, "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}
CLAIM: Item = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
               "spec": {"volumeName": "disk-1", "storageClassName": "gp3", "accessModes": ["ReadWriteOnce"]},
               "status": {"phase": "Bound"}}
DISK: Item = {"kind": "PersistentVolume", "metadata": {"name": "disk-1"}, "spec": {
    "claimRef": {"namespace": "shop", "name": "data"}, "storageClassName": "gp3"}, "status": {"phase": "Bound"}}
OLD_END = {"lastState": {"terminated": {"exitCode": 127, "reason": "Error", "finishedAt": at(3 * 86_400),
                                        "message": 'exec: "x": executable file not found in $PATH'}}}
WELL: list[Item] = [
    ACCOUNT, SERVICE, QUOTA, DONE, CLAIM, DISK, node("n1"), node("n2"),
    node("c1", taints=[{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]),
    workload(wanted=2, there=2, ready=2, **USES), replica_set(2, 2, **USES),
    pod("pay-6f9c-aaaaa", "n1", "Running", status=running(**OLD_END), **USES),
    pod("pay-6f9c-bbbbb", "n1", "Running", status=running(), **USES),
    pod("report-x", "n2", "Succeeded", owner="", status={"containerStatuses": [{"name": "app", "state": {
        "terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
    # What was said an hour ago, before all went well.
    refused("exceeded quota: compute, requested: pods=1, used: pods=20, limited: pods=20"),
    event("0/3 nodes are available: 3 Insufficient cpu.", name="pay-6f9c-aaaaa", reason="FailedScheduling"),
    event('Failed to pull image "registry.example.com/shop/pay:1.4": not found', name="pay-6f9c-aaaaa"),
    event('MountVolume.SetUp failed for volume "data" : secret "tls" not found', name="pay-6f9c-bbbbb"),
    event("waiting for first consumer to be created before binding", "PersistentVolumeClaim", "data",
          "WaitForFirstConsumer")]


def test_nothing_is_told_of_a_cluster_that_is_well() -> None:
    assert problems(*WELL) == ()


def test_nothing_is_told_of_an_ordinary_rollout() -> None:
    newer = workload("ReplicaSet", "pay-77aa", 1, 1, 0, "pay")
    assert problems(*WELL, newer, pod("pay-77aa-ccccc", "n2", age_seconds=5, owner="pay-77aa",
                                      status=waiting("ContainerCreating"), **USES)) == ()
    assert problems(*WELL, newer, pod("pay-77aa-ccccc", age_seconds=1, owner="pay-77aa", **USES)) == ()


ILL: list[Item] = [
    *WELL[:-1], workload(name="web", there=1), workload("ReplicaSet", "web-1a", 2, 1, 0, "web"),
    refused('error looking up service account shop/till: serviceaccount "till" not found', "web-1a"),
    pod("web-1a-aaaaa", owner="web-1a", status=unscheduled("0/3 nodes are available: 3 Insufficient cpu.")),
    workload(name="job", there=1), pod("job-2b-aaaaa", "n1", owner="job-2b", status=waiting(
        "ImagePullBackOff"), volumes=[{"name": "tls", "secret": {"secretName": "tls"}}]),
    event('Failed to pull image "registry.example.com/shop/pay:1.4": unauthorized', name="job-2b-aaaaa"),
    {**CLAIM, "metadata": {"name": "more", "namespace": "shop"}, "status": {"phase": "Pending"}},
    node("n9", cordoned=True)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_objects_changes_nothing(seed: int) -> None:
    shuffled = list(ILL)
    random.Random(seed).shuffle(shuffled)
    assert problems(*shuffled) == problems(*ILL) != ()


def _thinned(value: Any, chance: random.Random) -> Any:
    """A value of the API with parts left out, empty or of no use."""
    if isinstance(value, dict):
        return {key: _thinned(part, chance) for key, part in value.items()
                if key in ("kind", "name") or chance.random() > 0.08}
    if isinstance(value, list):
        return [_thinned(part, chance) for part in value if chance.random() > 0.08]
    return "" if isinstance(value, str) and chance.random() < 0.05 else value


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_no_check_raises_where_parts_of_objects_are_missing(seed: int, listed: bool) -> None:
    chance = random.Random(seed)
    items = [_thinned(copy.deepcopy(item), chance) for item in ILL]
    told = checks.run(state_of(items, EVERYTHING if listed else None))
    assert all(one.sentence and one.object for one in told)


def test_each_check_names_only_checks_that_there_are_as_causes() -> None:
    ids = {one.id for one in checks.every()}
    assert {cause for one in checks.every() for cause in one.follows} <= ids
