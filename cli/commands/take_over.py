"""``responder take-over``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import Incident, OfService, Stack, Yes, confirmed
from cli.output import AsJson, ConfigFolder, Profile, Region, show, tell

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the execution.")]
GiveBack = Annotated[bool, typer.Option("--give-back", help="Let the responder go on with an incident taken over.")]


def command(incident: Incident = "latest", give_back: GiveBack = False, reason: Reason = "", yes: Yes = False,
            service: OfService = "", config: ConfigFolder = "config", stack: Stack = "", profile: Profile = "",
            region: Region = "", as_json: AsJson = False) -> None:
    """Take an open incident over: the responder ends its work on it, and what it changed stays.

    It shows what stays and asks before it ends anything. With --give-back the responder goes on with the same incident.
    """
    from cli.incidents.lines import printed
    from cli.incidents.place import find
    from cli.incidents.standing import standing
    from cli.incidents.taking import give_back as given_back
    from cli.incidents.taking import open_one, take, take_lines, taken_lines
    from cli.incidents.who import caller

    place = find(Path(config), stack, profile, region)
    held = open_one(place, place.chosen(service), incident)
    if give_back:
        confirmed(f"Give {held.lock.incident} back to the responder?", yes)
        found = given_back(place, held, caller(place).name, reason)
    else:
        stands, _, record = standing(place, held, time.time())
        for line in take_lines(stands, record):
            tell(line)
        confirmed(f"Take {held.lock.incident} over?", yes)
        found = take(place, held, caller(place).name, reason)
    show(found, as_json, printed(taken_lines(found)))
