"""The database's metrics as a whole, where they could not be asked: never observed."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class DatabaseMetrics(Detail):
    """The database's metrics as a whole, where they could not be asked: never observed."""


KIND = DatabaseMetrics
