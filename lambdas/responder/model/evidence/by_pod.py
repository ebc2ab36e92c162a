"""Requests and failures of one component by pod, as its telemetry names the pods."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


class OfPod(NamedTuple):
    """What one pod did."""

    requests: float
    """0 in all pods: only failures were counted."""
    errors: float


@dataclass(frozen=True)
class ByPod(Detail):
    """Requests and failures of one component by pod, within the newest minute or the window.

    ``value`` is the number of pods that are named. Pods that were replaced meanwhile may be among them.
    """

    pods: dict[str, OfPod] = field(default_factory=dict)
    """Name of a pod to what it did; those with the most failures, at most 100."""


KIND = ByPod
