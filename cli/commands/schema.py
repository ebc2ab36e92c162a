"""``responder schema``: what editors and people know of the configuration's fields."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import WELL, AsJson, ConfigFolder, Refused, show


class Of(StrEnum):
    """The kinds of files that there are."""

    SERVICE = "service"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True)
class Written:
    """What was written."""

    files: tuple[str, ...]


def command(
        of: Annotated[Of, typer.Argument(help="Which kind of file.")] = Of.SERVICE,
        write: Annotated[bool, typer.Option(
            "--write", help="Write the schemas of both kinds into the folder of the configuration.")] = False,
        reference: Annotated[Path | None, typer.Option(
            "--reference", metavar="FILE", help="Write the page of all fields, in Markdown, to a file.")] = None,
        config: ConfigFolder = "config", as_json: AsJson = False) -> int:
    """Print the JSON Schema of the configuration, by which an editor completes, explains and refuses fields.

    An editor with the YAML language server finds it by the first line of a file:
    `# yaml-language-server: $schema=service.schema.json`.
    """
    from cli.checking import reference as pages
    from cli.checking.schema import FILES, text_of

    if not write and reference is None:
        # It is JSON either way.
        typer.echo(text_of(f"{of.value}.schema.json"), nl=False)
        return WELL
    contents = {Path(config) / name: text_of(name) for name in FILES} if write else {}
    if reference is not None:
        contents[reference] = pages.page()
    for file, content in contents.items():
        try:
            file.write_text(content, encoding="utf-8")
        except OSError as error:
            raise Refused(f"{file} cannot be written: {error.strerror}") from error
    written = Written(tuple(map(str, contents)))
    show(written, as_json, lambda console: console.print("\n".join(written.files), markup=False))
    return WELL
