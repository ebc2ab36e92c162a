"""The cluster as it was before any drill: what a drill made goes, what it changed or deleted comes back.

All kinds that the API server lists are looked at, those of the whole cluster as well as those of every namespace, so
that a kind which nobody thought of leaves nothing behind either.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException

from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.merge import difference

_GONE_SECONDS = 45
_PATIENCE_SECONDS = 2.0
"""An object that is still about to go after so long waits for a finalizer that nobody will take away."""
_NOT_LOOKED_AT = frozenset({
    # Made and removed by controllers along with their owners.
    "endpoints", "endpointslices", "controllerrevisions", "ipaddresses", "apiservices", "csistoragecapacities",
    # Of the control plane itself.
    "leases", "componentstatuses", "nodes",
    # Written by the sandbox as metrics-server does.
    "metrics.k8s.io/pods", "metrics.k8s.io/nodes"})
_SELF_MADE = frozenset({"events"})
"""Kinds that the control plane itself goes on making: they are deleted, and nobody waits until there are none."""
_FIRST = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicybindings",
          "validatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingadmissionpolicies")
"""They may forbid the deletion of the others."""
_LAST = ("customresourcedefinitions", "namespaces")
_OWN_OF_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")

Key = tuple[str, str, str]
"""A kind's path (``/apis/apps/v1/deployments``), namespace (empty for what is the whole cluster's) and name."""
Keep = Callable[[str, str], bool]
"""Whether an object stays, by its kind's plural and its name, though no baseline has it."""


@dataclass(frozen=True)
class _Kind:
    plural: str
    group: str
    """``/apis/apps/v1``."""
    namespaced: bool

    @property
    def path(self) -> str:
        return f"{self.group}/{self.plural}"

    def place(self, namespace: str, name: str = "") -> str:
        within = f"{self.group}/namespaces/{namespace}/{self.plural}" if self.namespaced else self.path
        return f"{within}/{name}" if name else within


class Clean:
    """The clean start of every drill."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._before: dict[Key, Object] | None = None
        self._uids: set[str] = set()

    def take_up(self) -> None:
        """Take what the cluster has now for what every drill begins with."""
        found = [pair for kind in self._kinds() for pair in self._items(kind) if kind.plural not in _SELF_MADE]
        self._before = {key: _bare(item) for key, item in found}
        self._uids = {item["metadata"]["uid"] for _, item in found}

    def restore(self, keep: Keep = lambda plural, name: False) -> None:
        """Remove what was made since, bring back what was changed or deleted; raises TimeoutError."""
        if self._before is None:
            self.take_up()
        began, kinds = time.monotonic(), self._kinds()
        while left := self._remove(kinds, keep, time.monotonic() - began > _PATIENCE_SECONDS):
            if time.monotonic() - began > _GONE_SECONDS:
                raise TimeoutError(f"waited {_GONE_SECONDS} s for these to go: {', '.join(sorted(left)[:5])}")
            time.sleep(0.3)
        self._bring_back(kinds)

    def _remove(self, kinds: list[_Kind], keep: Keep, insist: bool) -> list[str]:
        """Delete what was made since; returns what is still there."""
        left: list[str] = []
        present = {kind: list(self._items(kind)) for kind in kinds}
        theirs = _descendants([item for items in present.values() for _, item in items], self._uids)
        for kind, items in present.items():
            surplus = [item for key, item in items if key not in (self._before or {})
                       and item["metadata"]["uid"] not in theirs and not keep(kind.plural, key[2])]
            if kind.plural not in _SELF_MADE:
                left += [f"{kind.plural}/{item['metadata']['name']}" for item in surplus]
            uids = {item["metadata"]["uid"] for item in surplus}
            spared = {key[1] for key, item in items if item["metadata"]["uid"] not in uids}
            self._delete(kind, surplus, spared, insist)
        return left

    def _delete(self, kind: _Kind, surplus: Iterable[Object], spared: set[str], insist: bool) -> None:
        """Delete objects of a kind; ``spared``: namespaces in which others of the kind stay."""
        names: dict[str, list[str]] = defaultdict(list)
        for item in surplus:
            metadata = item["metadata"]
            namespace = metadata.get("namespace", "")
            if not metadata.get("deletionTimestamp"):
                names[namespace].append(metadata["name"])
            elif insist and (metadata.get("finalizers") or kind.plural == "pods"):
                self._insist(kind.place(namespace, metadata["name"]), metadata)
        for namespace, found in names.items():
            if len(found) > 3 and namespace not in spared and kind.namespaced and kind.plural != "services":
                self._cluster.try_delete(f"{kind.place(namespace)}?gracePeriodSeconds=0&propagationPolicy=Background")
                continue
            for name in found:
                self._cluster.try_delete(
                    f"{kind.place(namespace, name)}?gracePeriodSeconds=0&propagationPolicy=Background")

    def _insist(self, path: str, metadata: Object) -> None:
        """Take the finalizers away that nobody else will."""
        if metadata.get("finalizers"):
            self._cluster.merge(path, {"metadata": {"finalizers": None}})
        self._cluster.try_delete(f"{path}?gracePeriodSeconds=0")

    def _bring_back(self, served: list[_Kind]) -> None:
        """Make each object of the baseline again what it was."""
        kinds = {kind.path: kind for kind in served}
        now = {key: _bare(item) for kind in kinds.values() for key, item in self._items(kind)}
        # Namespaces first: the others are in them.
        for key in sorted(self._before or {}, key=lambda key: (not key[0].endswith("/namespaces"), key)):
            before, kind = (self._before or {})[key], kinds.get(key[0])
            if kind is None or before == now.get(key):
                continue
            if key not in now:
                self._cluster.create(kind.place(key[1]), before)
            elif changed := difference(now[key], before):
                self._cluster.merge(kind.place(key[1], key[2]), changed)

    def _kinds(self) -> list[_Kind]:
        """All kinds that are served, each once; what may forbid changes first."""
        found: dict[str, _Kind] = {}
        for group in self._groups():
            for item in self._cluster.request("GET", group)["resources"]:
                plural, within = item["name"], group.split("/")[2]
                skipped = {plural, f"{within}/{plural}"} & _NOT_LOOKED_AT
                # Events are served by two groups: the same objects.
                if {"list", "delete"} <= set(item["verbs"]) and "/" not in plural and not skipped and not (
                        plural == "events" and within != "v1"):
                    found.setdefault(f"{within if '.' in within else ''}/{plural}",
                                     _Kind(plural, group, item["namespaced"]))
        return sorted(found.values(), key=lambda kind: (
            _FIRST.index(kind.plural) - len(_FIRST) if kind.plural in _FIRST else
            1 + _LAST.index(kind.plural) if kind.plural in _LAST else 0))

    def _groups(self) -> Iterator[str]:
        yield "/api/v1"
        for group in self._cluster.request("GET", "/apis")["groups"]:
            yield f"/apis/{group['preferredVersion']['groupVersion']}"

    def _items(self, kind: _Kind) -> Iterator[tuple[Key, Object]]:
        try:
            items: list[Any] = self._cluster.items(kind.path)
        except ApiException as error:
            if error.status not in (404, 405):  # a kind that goes with its definition
                raise
            return
        for item in items:
            metadata = item["metadata"]
            yield (kind.path, metadata.get("namespace", ""), metadata["name"]), item


def _descendants(items: Iterable[Object], roots: set[str]) -> set[str]:
    """The uids of what controllers made for objects that stay, and of what was made for that."""
    owned: dict[str, list[str]] = defaultdict(list)
    for item in items:
        for owner in item["metadata"].get("ownerReferences") or []:
            owned[owner["uid"]].append(item["metadata"]["uid"])
    found, waiting = set[str](), list(roots)
    while waiting:
        made = set(owned.get(waiting.pop(), ())) - found
        found |= made
        waiting += made
    return found


def create_node(cluster: Cluster, node: Object) -> None:
    """Create a node with its capacity; one that is there stays."""
    cluster.create("/api/v1/nodes", node)
    cluster.patch_status(f"/api/v1/nodes/{node['metadata']['name']}", node["status"])


def restore_nodes(cluster: Cluster, nodes: Iterable[Object]) -> None:
    """Make nodes what they were at first, and remove all others."""
    wanted = {node["metadata"]["name"]: node for node in nodes}
    present = {item["metadata"]["name"]: item for item in cluster.items("/api/v1/nodes")}
    for name in present.keys() - wanted.keys():
        cluster.delete_now(f"/api/v1/nodes/{name}")
    for name, node in wanted.items():
        create_node(cluster, node)
        metadata = (present.get(name) or node)["metadata"]
        added = [key for key in metadata["labels"] if key not in node["metadata"]["labels"]
                 and not key.startswith("beta.kubernetes.io/")]  # the node lifecycle controller's own
        cluster.patch("Node", name, {
            "metadata": {"labels": {**dict.fromkeys(added), **node["metadata"]["labels"]},
                         "annotations": dict.fromkeys(metadata.get("annotations") or {})},
            "spec": {"unschedulable": None, "taints": None}})


def _bare(item: Object) -> Object:
    """An object without what the server and controllers write."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in _OWN_OF_THE_SERVER}
    return {key: value for key, value in item.items() if key != "status"} | {"metadata": metadata}
