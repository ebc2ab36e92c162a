"""A namespace's quota of memory has no room for a pod, or wants an amount that the pod does not name.

Kubernetes' page "Resource Quotas": ``requests.memory`` and ``limits.memory`` over all pods that are not over.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.quotas import excesses


def find(state: State) -> Iterator[Found]:
    """Yield namespaces whose quota of memory is used up."""
    return excesses(state, "memory")


CHECK = Check(id="namespace_memory_quota_exceeded", family="admission", sign="quota", find=find)
