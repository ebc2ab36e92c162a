"""An object whose changes are remembered, as the change ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from responder.model.codec import Json
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Writing:
    """What one field manager wrote of what is watched of an object, and owns still (``managedFields``)."""

    by: str
    at: float = 0.0
    """When it last changed a value of its own, seconds since 1970 (UTC); 0: not known."""
    subresource: str = ""
    """Through which path of the object it wrote: ``scale``; empty: the object itself."""
    fields: Json = None
    """Its fields, as ``fieldsV1`` has them, from where the body of ``Watched`` begins."""


@dataclass(frozen=True)
class Watched:
    """One object of the cluster, or the database's parameter group; times are seconds since 1970 (UTC), 0: not known.
    """

    kind: str
    """Kubernetes' kind: ``Deployment``, ``ConfigMap``, …; or ``DBParameterGroup``."""
    name: str
    body: Json
    """What people set, exact but for the leaves that must not be stored: those are hidden (``model/shown.py``)."""
    namespace: str = ""
    created: float = 0.0
    written: float = 0.0
    """When what people set was last written; what controllers write does not count (``model/writers.py``)."""
    by: str = ""
    """The field manager that wrote it."""
    rules: str = ""
    """The rules by which values were hidden (``model/shown.py``)."""
    reads_configmaps: tuple[str, ...] = ()
    """For a workload: the ConfigMaps that its pods mount or take variables from."""
    unread_since: float | None = None
    """When it was last read, where the snapshots since could not; None: it was read for this one."""
    writings: tuple[Writing, ...] = ()
    """Who owns which of its fields, as it was read; the ledger does not keep that."""

    @property
    def key(self) -> str:
        """``Kind/name``."""
        return f"{self.kind}/{self.name}"


Snapshot: TypeAlias = Mapping[str, Watched]
"""The watched objects at one moment, by ``Kind/name``."""


def snapshot_of(*objects: Watched) -> dict[str, Watched]:
    """Return objects by their keys."""
    return {watched.key: watched for watched in objects}
