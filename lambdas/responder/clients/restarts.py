"""A restart of all pods of a workload, as ``kubectl rollout restart`` and ``kubectl argo rollouts restart`` do it.

Sources: Kubernetes' page "kubectl rollout restart" (an annotation of the pod template), Argo Rollouts' page "Restarting
Rollout Pods" (``spec.restartAt``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.owners import WORKLOADS
from responder.model.change import OWN_MANAGER

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_STRATEGIC, _MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"
_FORBIDDEN = 403


@dataclass(frozen=True)
class Restartable:
    """A workload that can be restarted."""

    kind: str
    """A key of ``WORKLOADS``."""
    name: str
    uid: str
    annotations: Mapping[str, str]
    paused: bool
    replicas: int

    @property
    def target(self) -> str:
        """The workload as a remedy's target: ``statefulset/pay``."""
        return f"{self.kind.lower()}/{self.name}"


def find(api: Kubernetes, namespace: str, names: Iterable[str], kind: str = "") -> Restartable | None:
    """Return the first workload with one of some names, None where there is none; raises CallFailed.

    ``kind`` (in lower case) limits it to one kind. A Rollout comes before the Deployment that has its template; kinds
    that the cluster does not serve, or that may not be read, are passed over.
    """
    for name in names:
        for known, how in WORKLOADS.items():
            if kind not in ("", known.lower()):
                continue
            try:
                item = api.get(how.api, how.plural, namespace, name)
            except NotFound:
                continue
            except CallFailed as failed:
                if failed.http_status == _FORBIDDEN and known != "Deployment":
                    continue
                raise
            metadata, spec = item["metadata"], item.get("spec") or {}
            return Restartable(known, metadata["name"], metadata.get("uid", ""), metadata.get("annotations") or {},
                               bool(spec.get("paused")), int(spec.get("replicas", 1)))
    return None


def restart(api: Kubernetes, namespace: str, kind: str, name: str, annotations: Mapping[str, str], moment: str) -> None:
    """Restart a workload at a moment (ISO 8601, UTC), leaving ``annotations`` on it; raises Refused and CallFailed."""
    how, rollout = WORKLOADS[kind], kind == "Rollout"
    spec = {"restartAt": moment} if rollout else {"template": {"metadata": {"annotations": {_RESTARTED: moment}}}}
    api.patch(how.api, how.plural, namespace, name, {"metadata": {"annotations": {**annotations}}, "spec": spec},
              manager=OWN_MANAGER, kind=_MERGE if rollout else _STRATEGIC)
