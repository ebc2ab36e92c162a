"""The database's metrics as a whole, where they could not be asked: never observed."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class DatabaseMetrics(Detail):
    """The database's metrics as a whole, where they could not be asked: never observed."""


KIND = DatabaseMetrics
