"""A namespace may have no more Services, so that one is not there.

Kubernetes' page "Resource Quotas": ``services``, ``services.loadbalancers``, ``services.nodeports``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.quotas import excesses


def find(state: State) -> Iterator[Found]:
    """Yield namespaces whose quota of Services is used up."""
    return excesses(state, "services")


CHECK = Check(id="namespace_service_quota_exceeded", family="admission", sign="quota", find=find)
