"""A namespace may have no more pods.

Kubernetes' page "Resource Quotas": ``pods`` counts those that are not over, ``count/pods`` all.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.quotas import excesses


def find(state: State) -> Iterator[Found]:
    """Yield namespaces whose quota of pods is used up."""
    return excesses(state, "pods")


CHECK = Check(id="namespace_pod_quota_exceeded", family="admission", sign="quota", find=find)
