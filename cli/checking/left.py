"""What ``responder init`` left to people and nobody has filled in: its lines with ``TODO``, as warnings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cli.init.document import todos_in
from stacks.reading.problem import Problem


def left_to_people(files: Iterable[str]) -> tuple[Problem, ...]:
    """Return a warning for each line with ``# TODO: FIELD: WHAT`` of the files; one that cannot be read has none."""
    return tuple(Problem(file, line, field, f"left to you: {what}", "", "warning")
                 for file in files for line, field, what in todos_in(_text(file)))


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
