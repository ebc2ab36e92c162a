"""``responder status``."""

from __future__ import annotations

import time
from pathlib import Path

from cli.incidents.options import OfService, Stack
from cli.output import NOT_WELL, WELL, AsJson, ConfigFolder, Profile, Region, show


def command(service: OfService = "", config: ConfigFolder = "config", stack: Stack = "", profile: Profile = "",
            region: Region = "", as_json: AsJson = False) -> int:
    """Show open incidents, what they wait for, the kill switches, heartbeats and the last incidents.

    The exit code is 1 where an incident is open, or where something does not work that an incident would need.
    """
    from cli.incidents.lines import overview_lines, printed
    from cli.incidents.overview import overview
    from cli.incidents.place import find

    place = find(Path(config), stack, profile, region)
    found = overview(place, place.chosen(service), time.time())
    show(found, as_json, printed(overview_lines(found)))
    return WELL if found.is_well else NOT_WELL
