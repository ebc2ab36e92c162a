"""One file is written: never over another without --force, and what is still missing in it is said."""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cli.init.document import Part, todos, written
from cli.init.readers import Outcome
from cli.output import Refused
from stacks.configuration import ConfigurationError, read_file


@dataclass(frozen=True)
class LeftToDo:
    """What a person has to fill in."""

    field: str
    what: str


@dataclass(frozen=True)
class Initialised:
    """What ``responder init`` did."""

    file: str
    written: bool
    todos: tuple[LeftToDo, ...]
    problems: tuple[str, ...]
    """What ``responder check`` would say of the file now."""
    readers: tuple[Outcome, ...]
    text: str


def file_of(folder: Path, service: str) -> Path:
    """Return where a service's configuration is written."""
    return folder / f"{service}.yaml"


def written_to(file: Path, parts: list[Part], outcomes: tuple[Outcome, ...], force: bool, dry: bool) -> Initialised:
    """Write the file and return what was done; raises Refused, with the difference, where another one is there."""
    text = written(parts)
    before = file.read_text(encoding="utf-8") if file.exists() else None
    if before not in (None, text) and not force and not dry:
        raise Refused(f"{file} is there already; with --force it is replaced, by this difference:\n"
                      + difference(before or "", text, file))
    problems = _problems(text, file)
    if not dry:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A reader never sees half a file.
        aside = file.with_name(f".{file.name}.new")
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)
    return Initialised(str(file), not dry, tuple(LeftToDo(one.field, one.what) for one in todos(parts)), problems,
                       outcomes, text)



def difference(before: str, after: str, file: Path) -> str:
    """Return the difference of two texts of a file, as ``diff -u`` shows it."""
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), f"{file} (there)", f"{file} (new)",
                                          lineterm=""))


def _problems(text: str, file: Path) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / file.name
        there.write_text(text, encoding="utf-8")
        try:
            read_file(there)
        except ConfigurationError as error:
            return tuple(str(problem).replace(str(there), file.name) for problem in error.problems)
    return ()
