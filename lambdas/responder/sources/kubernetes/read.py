"""Lists of kinds that may be missing, or that may not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from responder.clients.failure import CallFailed
from responder.clients.kubernetes import Kubernetes

_NOT_FOUND = 404
_MOST = 2_000
T = TypeVar("T")


def optional(api: Kubernetes, groups: tuple[str, ...], plural: str, namespace: str,
             of: Callable[[dict[str, Any]], T], most: int = _MOST) -> list[T] | None:
    """List a kind, by the newest of its API groups that the cluster serves; None where it may not be read, or is none.

    Each object is read by ``of`` as it comes, so that no more is kept of it.
    """
    for group in groups:
        try:
            return [of(item) for item in api.items(group, plural, namespace, limit=most)]
        except CallFailed as failed:
            if failed.status in ("timeout", "throttled", "malformed"):
                raise
            if failed.http_status != _NOT_FOUND:
                return None
    return None
