"""Failure modes for readers of untyped findings; goes when they read typed evidence (``failure_modes.py``)."""

from __future__ import annotations

from collections.abc import Sequence

from responder.model.finding import Finding, typed
from responder.model.service import Service
from responder.plan.failure_modes import FailureMode, failure_modes

Segment = FailureMode
_READ = frozenset({"calls", "error_rate", "error_signatures", "latency_p95_ms"})


def segments(service: Service, component: str, findings: Sequence[Finding]) -> list[FailureMode]:
    """Return a component's failure modes."""
    return failure_modes(service, component, typed(finding for finding in findings if finding.name in _READ))
