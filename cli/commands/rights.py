"""``responder rights``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import Stack
from cli.output import WRONG_INPUT, AsJson, ConfigFolder, Profile, Refused, Region

Role = Annotated[str, typer.Argument(metavar="on-call|read-only", help=(
    "Whom the policy is for: a person on call, or one who only looks."))]


def command(role: Role, config: ConfigFolder = "config", stack: Stack = "", profile: Profile = "",
            region: Region = "", as_json: AsJson = False) -> None:
    """Print the IAM policy that a person needs for these commands, with the names of this deployment.

    It is for whoever deploys the responder: it needs cloudformation:ListStackResources besides.
    """
    from cli.incidents.place import find
    from cli.incidents.rights import policy, where

    if role not in ("on-call", "read-only"):
        raise Refused(f"{role[:40]!r}: expected on-call or read-only", WRONG_INPUT)
    found = policy("on-call" if role == "on-call" else "read-only", where(find(Path(config), stack, profile, region)))
    # A policy is JSON, whoever reads it.
    typer.echo(json.dumps(found, indent=None if as_json else 1))
