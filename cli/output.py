"""What a command prints: a result as text or JSON on standard output, a refusal as one sentence on standard error.

Exit codes are the same for all commands: ``WELL``, ``NOT_WELL``, ``WRONG_INPUT``, ``NOT_ASKED``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from responder.model.codec import encode

WELL, NOT_WELL, WRONG_INPUT, NOT_ASKED = 0, 1, 2, 3
"""All is well; the answer is that something is not; usage or input is wrong; a system could not be asked."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ConfigFolder = Annotated[str, typer.Option("--config", metavar="FOLDER", help="The folder of the configuration.")]
Profile = Annotated[str, typer.Option("--profile", help="The AWS profile; the usual one otherwise.")]
Region = Annotated[str, typer.Option("--region", help="The AWS Region of the deployment; the usual one otherwise.")]


class Refused(Exception):
    """A command cannot be carried out; the message is a sentence that names the place and what was expected."""

    def __init__(self, message: str, code: int = WRONG_INPUT) -> None:
        super().__init__(message)
        self.code = code


def show(result: Any, as_json: bool, render: Callable[[Console], None]) -> None:
    """Print a result: a dataclass, or a list of them, as JSON, or what ``render`` writes to a terminal or a pipe."""
    if as_json:
        typer.echo(json.dumps(encode(result), indent=1, ensure_ascii=False))
    else:
        # A pipe has no width: long lines are left whole, so that they can be searched.
        console = Console(highlight=False, soft_wrap=True)
        render(console)


def tell(message: str) -> None:
    """Say on standard error what goes on; standard output stays a program's."""
    typer.echo(message, err=True)
