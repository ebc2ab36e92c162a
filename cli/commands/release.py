"""``responder release``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import OfService, Stack, Yes, confirmed
from cli.output import AsJson, ConfigFolder, Profile, Region, show, tell

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the switch.")]


def command(reason: Reason, service: OfService = "", yes: Yes = False, config: ConfigFolder = "config",
            stack: Stack = "", profile: Profile = "", region: Region = "", as_json: AsJson = False) -> None:
    """Release the kill switch of one service: from then on remedies may be applied, as mode and policy allow.

    It shows who engaged it and why, and what the responder may do next, and asks before it releases it.
    """
    import time

    from cli.incidents.lines import printed
    from cli.incidents.place import find
    from cli.incidents.switching import flipped, flipped_lines, meant, release_lines

    place = find(Path(config), stack, profile, region)
    one, = meant(place, service, False)
    for line in release_lines(place, one, time.time()):
        tell(line)
    confirmed(f"Release the kill switch of {one.service}?", yes)
    found = flipped(place, one, "released", reason)
    show(found, as_json, printed(flipped_lines(found)))
