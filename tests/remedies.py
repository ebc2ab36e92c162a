"""What tests of remedies share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from responder.actions import AnyPlan, Declined, RemediationContext
from responder.model.service import Service
from responder.plan.remedies import Facts, Remedy


def asked(service: Service, mechanism: str, component: str = "payment-gateway", *, cause: str = "cause",
          onset: float | None = None, seconds: float = 5.0, number: int = 1, incident: str = "i",
          **more: str) -> RemediationContext:
    """Return what a remedy is asked to remediate."""
    return RemediationContext(service, incident, number, cause, mechanism, component, onset,
                              time.monotonic() + seconds, **more)


def planned(found: AnyPlan | Declined) -> AnyPlan:
    """Return a plan that was not declined."""
    assert not isinstance(found, Declined), found.reason
    return found


def refusal(found: AnyPlan | Declined) -> str:
    """Return why a remedy was declined; empty where it was not."""
    return found.reason if isinstance(found, Declined) else ""


@dataclass(frozen=True)
class Anything:
    """Operands of a remedy that is there for a test."""

    given: dict[str, Any] = field(default_factory=dict)


def remedy(name: str, *, keep: bool = False, **more: Any) -> Remedy[Facts, Anything, Anything]:
    """Return the decision of a remedy that is there for a test."""
    return Remedy(**{"name": name, "phrase": name, "facts": lambda considered: Facts(),
                     "kinds": (Facts, Anything, Anything), "risk": "low", "default_policy": "auto",
                     "reversible": True, "keep_when_not_helped": keep, **more})
