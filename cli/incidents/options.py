"""The options that the commands for incidents share."""

from __future__ import annotations

from typing import Annotated

import typer

Incident = Annotated[str, typer.Argument(
    metavar="INCIDENT", help="An incident: its id, a part of it that only one begins with, or latest.")]
OfService = Annotated[str, typer.Option("--service", help="One service; all of the deployment otherwise.")]
Stack = Annotated[str, typer.Option("--stack", help="The CloudFormation stack; that of the configuration otherwise.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it shall be done.")]


def confirmed(question: str, yes: bool) -> None:
    """Ask whether something shall be done, unless ``yes``; ends the command with 1 where it shall not.

    Where nobody can be asked, as in a pipeline, it is not done.
    """
    if not yes:
        typer.confirm(question, abort=True, err=True)
