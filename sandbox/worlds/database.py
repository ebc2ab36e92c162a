"""Which database is behind the service: an RDS instance with a standby, or an Aurora cluster of two instances."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.platform.database import Database
from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Give the world its database, whole."""
    world.database = Database.of(_ENGINES[value])


def lacks(value: str, kind: str, fields: Mapping[str, object]) -> bool:
    """Whether an event of a drill cannot be in a world: Aurora's storage grows by itself and does not run full."""
    return value.startswith("aurora") and kind == "database" and fields.get("fault") == "storage_full"


_ENGINES = {"rds-postgresql": "postgres", "rds-mysql": "mysql", "aurora-postgresql": "aurora-postgresql",
            "aurora-mysql": "aurora-mysql"}
"""Value of the key to the engine as RDS names it."""
KEY = Key("database", tuple(_ENGINES), apply, lacks)
