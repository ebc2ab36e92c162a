"""What a check of the configuration found, as a person and as a program read it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from stacks.configuration import Checked
from stacks.reading.problem import Problem

_COLOURS = {"error": "bold red", "warning": "yellow"}


@dataclass(frozen=True)
class Report:
    """The answer of ``responder check``."""

    files: tuple[str, ...]
    services: tuple[str, ...]
    """Those of files without errors, each with its mode: ``payment-gateway (observe)``."""
    errors: int
    warnings: int
    problems: tuple[Problem, ...]
    """By file and line. ``line`` 0: the file as a whole; ``found`` is the whole message where ``expected`` is empty."""


def report_of(checked: Checked) -> Report:
    """Return the report of a folder."""
    return Report(checked.files, tuple(f"{service.service} ({service.mode})" for service in checked.services),
                  len(checked.errors), len(checked.problems) - len(checked.errors), checked.problems)


def render(report: Report, console: Console) -> None:
    """Print a problem a line, as compilers do, so that editors and terminals find the place; then the sum."""
    for problem in report.problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        line = Text.assemble((place, "bold"), ": ", (problem.level, _COLOURS[problem.level]), ": ")
        if problem.path:
            line.append(f"{problem.path}: ", style="cyan")
        # As text, because [x] in a message is no markup.
        console.print(line.append(problem.message))
    console.print(Text(_sum(report)))


def _sum(report: Report) -> str:
    counted = " and ".join(f"{number} {what}{'' if number == 1 else 's'}" for number, what in (
        (report.errors, "error"), (report.warnings, "warning")) if number)
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'} of services"
    if counted:
        return f"{files}: {counted}"
    return f"{files}, no mistake: {', '.join(report.services)}"
