"""``responder stop``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import OfService, Stack
from cli.output import AsJson, ConfigFolder, Profile, Region, show

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the switch.")]
All = Annotated[bool, typer.Option("--all", help="All services of the deployment.")]


def command(service: OfService = "", every: All = False, reason: Reason = "", config: ConfigFolder = "config",
            stack: Stack = "", profile: Profile = "", region: Region = "", as_json: AsJson = False) -> None:
    """Engage the kill switch: no remedy is applied, also in a running incident, until it is released.

    It does not ask first, and holds at once: the switch is read before each single change. What was changed already
    stays. Evidence is still gathered, and people are still told.
    """
    from cli.incidents.lines import printed
    from cli.incidents.place import find
    from cli.incidents.switching import flipped, flipped_lines, meant

    place = find(Path(config), stack, profile, region)
    found = [flipped(place, one, "engaged", reason) for one in meant(place, service, every)]
    show(found, as_json, printed(line for one in found for line in flipped_lines(one)))
