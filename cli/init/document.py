"""A configuration file as a list of lines with comments; whatever names say, the file parses to the same values."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import yaml

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
_WIDTH = 120
_TODO = re.compile(r"\s*# TODO: (?P<field>[\w.\[\]-]+): (?P<what>.*)")
_MORE = re.compile(r"\s*#   \S")
TODO = "TODO: "
"""How a comment begins that says what a person has to fill in."""


@dataclass(frozen=True)
class Entry:
    """A field with its value; without a key, an item of a list."""

    key: str
    value: Value
    note: str = ""
    """Where the value comes from, and how certain it is."""


@dataclass(frozen=True)
class Todo:
    """What could not be known."""

    field: str
    """Its path: ``providers[0].status_page``."""
    what: str


@dataclass(frozen=True)
class Remark:
    """A comment."""

    text: str


Line = Entry | Todo | Remark


@dataclass(frozen=True)
class Section:
    """A field with fields, or with a list of items (entries without a key)."""

    key: str
    lines: tuple[Line, ...]
    about: str = ""
    """A comment above it."""


Part = Section | Entry | Todo | Remark


def written(parts: Sequence[Part]) -> str:
    """Return the file's text."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Section):
            lines += ["", *_section(part)]
        else:
            lines += _line(part, "")
    return "\n".join(lines).strip("\n") + "\n"


def todos(parts: Sequence[Part]) -> list[Todo]:
    """Return all that a person has to fill in, in order."""
    return [line for part in parts for line in (part.lines if isinstance(part, Section) else (part,))
            if isinstance(line, Todo)]


def _section(section: Section) -> Iterator[str]:
    if section.about:
        yield from _comment(section.about, "")
    if any(isinstance(line, Entry) for line in section.lines):
        yield f"{plain(section.key)}:"
        indent = "  "
    else:
        # A key with nothing below it would be a value of its own: null.
        indent = ""
    for line in section.lines:
        yield from _line(line, indent)


def _line(line: Line, indent: str) -> Iterator[str]:
    if isinstance(line, Remark):
        yield from _comment(line.text, indent)
        return
    if isinstance(line, Todo):
        # What follows its first line is indented, so that it is told from a comment behind it.
        yield from _comment(f"{TODO}{line.field}: {line.what}", indent, "  ")
        return
    text = f"{indent}{plain(line.key)}: {flow(line.value)}" if line.key else f"{indent}- {flow(line.value)}"
    note = _one_line(line.note)
    if note and len(text) + len(note) + 4 > _WIDTH:
        yield from _comment(note, indent)
    yield f"{text}  # {note}" if note and len(text) + len(note) + 4 <= _WIDTH else text


def _comment(text: str, indent: str, hanging: str = "") -> Iterator[str]:
    yield from (f"{indent}# {line}" for line in textwrap.wrap(
        _one_line(text), _WIDTH - len(indent) - 2, subsequent_indent=hanging, break_long_words=False,
        break_on_hyphens=False))


def todos_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield what a file leaves to people: the line (from 1), the field, and what is to be done."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if found := _TODO.match(line):
            more = takewhile(_MORE.match, lines[number:])
            yield number, found["field"], " ".join([found["what"], *(one.strip(" #") for one in more)])


def _one_line(text: str) -> str:
    """A comment ends where its line does: whatever could end it becomes a blank."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", " ", text).split())


class _Dumper(yaml.SafeDumper):
    """Writes texts in one line, however odd their characters are."""

    def ignore_aliases(self, data: object) -> bool:
        """Write a value that is there twice twice."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    odd = re.search(r"[^\x20-\x7e\xa1-\ud7ff]", value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if odd else None)


_Dumper.add_representer(str, _text)


def flow(value: Value) -> str:
    """Return a value in one line of YAML."""
    return yaml.dump(_bare(value), Dumper=_Dumper, default_flow_style=True, width=2**31, allow_unicode=True,
                     sort_keys=False).removesuffix("\n...\n").strip("\n")


def plain(key: str) -> str:
    """Return a key as YAML writes it."""
    return flow(key)


def _bare(value: Value) -> object:
    if isinstance(value, Mapping):
        return {key: _bare(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_bare(one) for one in value]
    return value
