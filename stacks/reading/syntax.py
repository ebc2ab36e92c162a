"""The nodes of a text: what is no YAML is told in the reader's words, left out, and the rest is read all the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from stacks.reading.loading import Loader, TooMuch
from stacks.reading.problem import Mistake

_MOST_ERRORS = 10
_TAB = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)
_NO_BLANK = re.compile(r"\s*(?:- )?[A-Za-z_][\w-]*:[^\s/:]")
_TWO_COLONS = re.compile(r"\s*(?:- )?[A-Za-z_][\w-]*:\s.*:(?:\s|$)")
_QUOTE_BEGINS = re.compile(r"""[:\-]\s+(?:"(?:[^"\\]|\\.)*|'[^']*)$""")
_OPENED = {"flow sequence": "[", "flow mapping": "{"}
_STRAY = "a line that does not fit those around it"


@dataclass(frozen=True)
class Composed:
    """What could be read of a text."""

    node: yaml.Node | None
    """None: nothing could be."""
    mistakes: tuple[Mistake, ...]
    complete: bool
    """Whether no part of the text was left out: else a field that is missing may be there."""


def composed(text: str) -> Composed:
    """Return the first document of a text as nodes, with every mistake in its form."""
    mistakes: list[Mistake] = []
    left_out = -1
    """The last line that was left out, from 0."""
    while True:
        try:
            documents = list(yaml.compose_all(text, Loader=Loader))
            break
        except TooMuch as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            told = Mistake((), str(error.problem).removeprefix("found "), "fewer", line)
            return Composed(None, (*mistakes, told), False)
        except yaml.MarkedYAMLError as error:
            tabs = list(_TAB.finditer(text))
            if tabs and "\\t" in str(error.problem):
                mistakes += _tabs(text, tabs)
                text = _TAB.sub(lambda found: found[0].replace("\t", "  "), text)
                continue
            lines = text.split("\n")
            first, mistake = _told(error, lines)
            if first > left_out + 1 or left_out < 0:
                mistakes.append(mistake)
            last = _end(lines, first)
            left_out = max(left_out, last)
            if len(mistakes) >= _MOST_ERRORS or not any(lines[first:last + 1]):
                return Composed(None, tuple(mistakes), False)
            text = "\n".join([*lines[:first], *([""] * (last - first + 1)), *lines[last + 1:]])
        except (yaml.YAMLError, ValueError) as error:
            return Composed(None, (*mistakes, Mistake((), " ".join(str(error).split()), "YAML", 1)), False)
    if len(documents) > 1:
        line = documents[1].start_mark.line if documents[1] else 1
        mistakes.append(Mistake((), "a second document, behind ---", "one file for each service", line))
    complete = all(mistake.found.startswith("a tab;") for mistake in mistakes)
    return Composed(documents[0] if documents else None, tuple(mistakes), complete)


def _tabs(text: str, tabs: list[re.Match[str]]) -> list[Mistake]:
    first = text.count("\n", 0, tabs[0].start()) + 1
    more = f" ({len(tabs)} lines have tabs)" if len(tabs) > 1 else ""
    return [Mistake((), f"a tab; YAML is indented with spaces{more}", "", first)]


def _end(lines: list[str], first: int) -> int:
    """Return the last line that belongs to a line: those behind it that are indented deeper."""
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = first
    while last + 1 < len(lines) and lines[last + 1].strip() and (
            len(lines[last + 1]) - len(lines[last + 1].lstrip()) > indent):
        last += 1
    return last


def _told(error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[int, Mistake]:
    """Return the line to leave out, from 0, and what is wrong with it."""
    problem, context = str(error.problem), str(error.context or "")
    at = error.problem_mark or error.context_mark
    line = min(at.line if at else 0, len(lines) - 1)
    begun = error.context_mark.line if error.context_mark else line
    column = at.column if at else 0
    if "quoted scalar" in context:
        return begun, Mistake((), "a quote that is never closed", "a quote at the end of the text", begun + 1)
    bracket = next((mark for what, mark in _OPENED.items() if what in context), "")
    unclosed = _unclosed(lines, line)
    if unclosed is not None:
        return unclosed, Mistake((), "a quote that is never closed", "a quote at the end of the text", unclosed + 1)
    for number in (line, line - 1, begun):
        if bracket == "" and 0 <= number < len(lines) and _NO_BLANK.match(lines[number]):
            return number, Mistake((), f"{lines[number].strip()!r}", "a space behind the colon, as in mode: observe",
                                   number + 1)
    said = _of_character(problem, lines[line][column:column + 40].strip())
    if said:
        return line, Mistake((), *said, line + 1)
    if bracket:
        close = {"[": "]", "{": "}"}[bracket]
        return begun, Mistake((), f"a {bracket} that is never closed, or text between {bracket} and {close} that needs "
                                  "quotes", f"{close} at its end, and commas between the items", begun + 1)
    if "mapping values are not allowed" in problem:
        if _TWO_COLONS.match(lines[line]):
            return line, Mistake((), "a second colon on the line", "quotes around a text with a colon in it", line + 1)
        return line, Mistake((), "a line that is indented deeper than the line before it lets it be",
                             "the indentation of the fields around it", line + 1)
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return line, Mistake((), f"{_STRAY}: it is indented in another way, or a field's colon is missing",
                             "the indentation of the fields around it, and field: value", line + 1)
    return line, Mistake((), problem.removeprefix("found "), "YAML", line + 1)


def _unclosed(lines: list[str], before: int) -> int | None:
    """Return the line up to one in which a quote begins a value and nothing ends it; None where there is none."""
    for number, line in enumerate(lines[:before]):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        goes_on = following.strip() and len(following) - len(following.lstrip()) > len(line) - len(line.lstrip())
        if _QUOTE_BEGINS.search(line) and not goes_on:
            return number
    return None


def _of_character(problem: str, rest: str) -> tuple[str, str] | None:
    """Return what was found and expected where a text begins with a character that means something to YAML."""
    if "undefined alias" in problem:
        name = rest.split()[0].rstrip(",]}") if rest else "*"
        return f"{name}, an alias for an anchor that is nowhere", f'quotes around a text that begins with *: "{name}"'
    if "alphabetic or numeric character" in problem:
        return "a text that begins with * or &", 'quotes around it, as in "*.shop.example"'
    if "cannot start any token" in problem:
        return f"a text that begins with {problem.split(chr(39))[1]}", "quotes around it"
    if "unhashable key" in problem or "found unhashable" in problem:
        return "braces in the place of a field's name", "quotes around a text that begins with {"
    return None
