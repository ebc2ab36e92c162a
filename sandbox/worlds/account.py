"""Whether others use the same AWS account (``sandbox/account``)."""

from __future__ import annotations

import time
from typing import cast

from sandbox.account import Account, Kind
from sandbox.account.health import health
from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Give the world its neighbours."""
    world.account = Account(cast(Kind, value), seed)
    world.health += health(world.account, time.time())


KEY = Key("account", ("busy", "quiet"), apply)
