"""``responder replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import OfService, Stack
from cli.output import NOT_WELL, WELL, WRONG_INPUT, AsJson, ConfigFolder, Profile, Refused, Region, show

Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help=(
    "A record: a file, s3://BUCKET/KEY, or an incident by its id, a part of it that only one begins with, or latest."))]
Weights = Annotated[Path | None, typer.Option("--weights", help="A file of weights in place of the shipped ones.")]
Under = Annotated[Path | None, typer.Option("--under", metavar="FILE", help=(
    "A service's YAML file in place of the configuration then: other thresholds, another policy."))]
Print = Annotated[bool, typer.Option("--print-weights", help="Print the shipped weights as JSON, and end.")]


def command(incident: Incident = "", weights: Weights = None, under: Under = None, print_weights: Print = False,
            service: OfService = "", config: ConfigFolder = "config", stack: Stack = "", profile: Profile = "",
            region: Region = "", as_json: AsJson = False) -> int:
    """Make each decision of an incident again, from its record alone, and show which ones come out otherwise.

    With other weights or another configuration it shows what they would have decided. The exit code is 1 where a
    decision differs.
    """
    from cli.incidents.lines import printed
    from cli.incidents.replaying import again, replayed_lines
    from responder.plan.weights import shipped

    if print_weights:
        show(shipped(), True, lambda _: None)
        return WELL
    if not incident:
        raise Refused("an incident is needed: a record's file, an s3:// address, an id, or latest", WRONG_INPUT)
    content = _content(incident, service, Path(config), stack, profile, region)
    decisions, milliseconds = again(content, incident, weights, under)
    show(decisions, as_json, printed(replayed_lines(decisions, milliseconds)))
    return WELL if all(one.same for one in decisions) else NOT_WELL


def _content(incident: str, service: str, config: Path, stack: str, profile: str, region: str) -> bytes:
    """Return the record: of a file or an address, or of an incident that the deployment knows."""
    from cli.incidents.place import find
    from cli.incidents.replaying import of_address, of_file
    from cli.incidents.reports import fetch

    if incident.startswith("s3://"):
        return of_address(incident, profile, region)
    if Path(incident).exists() or "/" in incident or ".json" in incident:
        return of_file(incident)
    place = find(config, stack, profile, region)
    return fetch(place, place.chosen(service), incident, "record").content
