"""A namespace may have no more objects of another kind: ReplicaSets, Jobs, ConfigMaps, Secrets.

Kubernetes' page "Resource Quotas": "Object count quota". A Deployment that cannot create its ReplicaSet has no pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.quotas import excesses


def find(state: State) -> Iterator[Found]:
    """Yield namespaces whose quota of other objects is used up."""
    return excesses(state, "other")


CHECK = Check(id="namespace_object_quota_exceeded", family="admission", sign="quota", find=find)
