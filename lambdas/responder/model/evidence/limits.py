"""What is used up of autoscalers, quotas and disruption budgets."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Autoscaler:
    """One HorizontalPodAutoscaler."""

    name: str
    target: str = ""
    maximum: int | None = None
    current: int = 0


@dataclass(frozen=True)
class UsedUp:
    """One resource of a quota; quantities as Kubernetes writes them."""

    name: str
    resource: str
    hard: str
    used: str


@dataclass(frozen=True)
class Budget:
    """One PodDisruptionBudget."""

    name: str
    allowed: int = 0
    """Pods that may be taken away now."""


@dataclass(frozen=True)
class Limits(Detail):
    """What is used up of autoscalers, quotas and disruption budgets. ``value`` is how many are."""

    autoscalers: tuple[Autoscaler, ...] = ()
    quotas: tuple[UsedUp, ...] = ()
    """Those of which less than a twentieth is left."""
    budgets: tuple[Budget, ...] = ()


KIND = Limits
