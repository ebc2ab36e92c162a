"""How the service's logs look in Splunk (``sandbox/vendors/splunk_events.py``)."""

from __future__ import annotations

from sandbox.platform.state import World
from sandbox.worlds import Key


def apply(world: World, value: str, seed: str) -> None:
    """Let Splunk show the logs so."""
    world.splunk = value


KEY = Key("splunk", ("plain", "json", "doubled"), apply)
