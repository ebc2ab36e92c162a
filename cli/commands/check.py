"""``responder check``: all that is wrong with the configuration, at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.output import NOT_WELL, WELL, AsJson, ConfigFolder, Refused, show


def command(
        config: ConfigFolder = "config",
        strict: Annotated[bool, typer.Option("--strict", help="Answer 1 for warnings as well.")] = False,
        as_json: AsJson = False) -> int:
    """Say all that is wrong with the configuration, with file, line, field, what was found and what was expected.

    Every file is read to its end, so that one mistake does not hide the others. A warning is what works and is probably
    not meant. Nothing outside the folder is asked: `responder doctor` does that. Exit code 1: there are errors.
    """
    from cli.checking.left import left_to_people
    from cli.checking.report import render, report_of
    from stacks.configuration import check_folder

    folder = Path(config)
    if not folder.is_dir():
        what = "is a file; name its folder" if folder.exists() else "is not there"
        raise Refused(f"{config} {what}: --config expects the folder with a .yaml file for each service")
    checked = check_folder(folder)
    problems = sorted((*checked.problems, *left_to_people(checked.files)), key=lambda one: (one.file, one.line))
    report = report_of(replace(checked, problems=tuple(problems)))
    show(report, as_json, lambda console: render(report, console))
    return NOT_WELL if report.errors or (strict and report.warnings) else WELL
