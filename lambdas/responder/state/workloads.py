"""What makes pods. Formats: the Kubernetes API reference (Deployment, ReplicaSet, StatefulSet, DaemonSet, Job v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.state.basics import Condition, Json, Meta, Ref, Selector, conditions, texts
from responder.state.pods import PodSpec

KINDS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Rollout"})


class Workload(NamedTuple):
    """What makes pods: of a kind of ``KINDS``."""

    meta: Meta
    wanted: int | None
    """How many pods it is to have; None: not said (a DaemonSet, a Job)."""
    there: int
    """How many it has."""
    ready: int
    selector: Selector
    labels: Mapping[str, str]
    """Of its pods."""
    template: PodSpec
    conditions: tuple[Condition, ...]
    paused: bool = False
    claims: tuple[str, ...] = ()
    """Names of a StatefulSet's claim templates."""

    @classmethod
    def of(cls, item: Json) -> Workload:
        """Read a workload."""
        spec, status, meta = item.get("spec") or {}, item.get("status") or {}, Meta.of(item)
        template = ((spec.get("jobTemplate") or {}).get("spec") or spec).get("template") or {}
        daemon = meta.ref.kind == "DaemonSet"
        wanted = status.get("desiredNumberScheduled") if daemon else spec.get(
            "replicas", 1 if meta.ref.kind not in ("Job", "CronJob") else None)
        return cls(
            meta, None if wanted is None else int(wanted),
            int(status.get("currentNumberScheduled" if daemon else "replicas") or 0),
            int(status.get("numberReady" if daemon else "readyReplicas") or 0), Selector.of(spec.get("selector")),
            texts((template.get("metadata") or {}).get("labels")), PodSpec.of(template.get("spec")), conditions(item),
            bool(spec.get("paused")),
            tuple(str((claim.get("metadata") or {}).get("name", ""))
                  for claim in spec.get("volumeClaimTemplates") or ()))

    @property
    def ref(self) -> Ref:
        """The workload, by name."""
        return self.meta.ref
