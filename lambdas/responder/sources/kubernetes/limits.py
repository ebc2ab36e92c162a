"""What is used up of autoscalers, quotas and disruption budgets.

Formats: the Kubernetes API reference (HorizontalPodAutoscaler v2, ResourceQuota v1, PodDisruptionBudget v1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import Finding
from responder.model.evidence.limits import Autoscaler, Budget, Limits, UsedUp
from responder.model.quantity import quantity
from responder.sources import Query
from responder.sources.kubernetes.live import Live
from responder.sources.kubernetes.read import optional

_NAMED = 50
"""Names that a finding has of one kind, at most."""
_NEARLY = 0.95
"""Share of a quota from which it counts as used up."""


def finding(query: Query, api: Kubernetes, namespaces: Iterable[str], live: Live) -> Finding[Limits]:
    """Return what is used up in all namespaces of the service; raises CallFailed."""
    scalers: list[Autoscaler] = []
    quotas: list[UsedUp] = []
    budgets: list[Budget] = []
    for namespace in namespaces:
        scalers += optional(api, ("apis/autoscaling/v2", "apis/autoscaling/v1"), "horizontalpodautoscalers", namespace,
                            _autoscaler) or []
        quotas += [used for quota in optional(api, ("api/v1",), "resourcequotas", namespace,
                                              live.kept("ResourceQuota", _used_up)) or []
                   for used in quota]
        budgets += optional(api, ("apis/policy/v1", "apis/policy/v1beta1"), "poddisruptionbudgets", namespace,
                            _budget) or []
    return Finding(
        source="kubernetes", window=query.window, unit="limits reached",
        value=float(len(quotas) + sum(scaler.current >= (scaler.maximum or 0) for scaler in scalers)),
        query=f"kubectl -n {query.service.cluster.namespace} get hpa,quota,pdb",
        detail=Limits(autoscalers=tuple(scalers[:_NAMED]), quotas=tuple(quotas[:_NAMED]),
                      budgets=tuple(budgets[:_NAMED])))


def _autoscaler(item: dict[str, Any]) -> Autoscaler:
    spec = item["spec"]
    return Autoscaler(item["metadata"]["name"], (spec.get("scaleTargetRef") or {}).get("name", ""),
                      spec.get("maxReplicas"), (item.get("status") or {}).get("currentReplicas", 0))


def _used_up(item: dict[str, Any]) -> list[UsedUp]:
    """Return what is used up of a quota."""
    status = item.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    return [UsedUp(item["metadata"]["name"], resource, str(hard[resource]), str(used.get(resource, "0")))
            for resource in sorted(hard)
            if quantity(used.get(resource, "0")) >= _NEARLY * quantity(hard[resource])]


def _budget(item: dict[str, Any]) -> Budget:
    return Budget(item["metadata"]["name"], (item.get("status") or {}).get("disruptionsAllowed", 0))
