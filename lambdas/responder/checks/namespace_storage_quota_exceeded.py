"""A namespace may ask for no more storage or claims.

Kubernetes' page "Resource Quotas": ``requests.storage``, ``persistentvolumeclaims``, and the same of one class.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.quotas import excesses


def find(state: State) -> Iterator[Found]:
    """Yield namespaces whose quota of storage is used up."""
    return excesses(state, "storage")


CHECK = Check(id="namespace_storage_quota_exceeded", family="admission", sign="quota", find=find)
