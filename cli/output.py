"""What a command prints: a result as text or JSON on standard output, a refusal as one sentence on standard error.

Exit codes are the same for all commands: ``WELL``, ``NOT_WELL``, ``WRONG_INPUT``, ``NOT_ASKED``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from responder.model.codec import encode
from responder.model.visible import ORDERS, written_out

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


_ORDERS = re.compile(f"[{ORDERS}\r\ud800-\udfff]")
"""A terminal takes a carriage return for an order too, and no terminal is sent half of a character."""


def visible(text: str) -> str:
    """Return a text with what a terminal would obey written out: names and log lines are other people's."""
    return _ORDERS.sub(written_out, text)


class Safe(Console):
    """A console that obeys nothing of what it prints; its own colours come after."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as Console does."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def show(result: Any, as_json: bool, render: Callable[[Console], None]) -> None:
    """Print a result: a dataclass, or a list of them, as JSON, or what ``render`` writes to a terminal or a pipe."""
    if as_json:
        # JSON writes out a part of what is an order; written out, the rest stands for the same.
        typer.echo(visible(json.dumps(encode(result), indent=1, ensure_ascii=False)))
    else:
        # A pipe has no width: long lines are left whole, so that they can be searched.
        console = Safe(highlight=False, soft_wrap=True)
        render(console)


def tell(message: str) -> None:
    """Say on standard error what goes on; standard output stays a program's."""
    typer.echo(visible(message), err=True)
