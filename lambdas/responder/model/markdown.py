"""Text of others in a Markdown document: shown as it is, with as few escapes as that takes.

Source of what means something where: the CommonMark specification ("Inlines", "Backslash escapes") and GitHub's
"Flavored Markdown" (tables, strikethrough, task lists).
"""

from __future__ import annotations

import re

_ALWAYS = re.compile(r"`|\\(?=[!-/:-@\[-`{-~])|(?<!\s)\*|\*(?!\s)|<(?=[A-Za-z/!?])|&(?=#?\w+;)|~(?=~)|(?<=~)~|"
                     r"(?<![^\W_])_|_(?![^\W_])")
"""What may begin code, an escape, emphasis, HTML, an entity or strikethrough; an underscore between two letters or
digits does not."""
_LINKS = re.compile(r"\](?=\s*[(\[:])")
_BRACKETS = re.compile(r"[\[\]]")
_BOX = re.compile(r"^\[[ xX]\]")
_START = re.compile(r"^([-+=#>~]|\d{1,9}(?=[.)](\s|$)))")
"""What may begin a heading, a list, a quotation, a rule or a fence."""
_EMPTY_LINES = re.compile(r"\n{3,}")


def inline(text: object) -> str:
    """Return text on one line, as a paragraph, a list's item or a quotation has it."""
    line = " ".join(str("" if text is None else text).split())
    escaped = _ALWAYS.sub(r"\\\g<0>", line)
    if _LINKS.search(line) or _BOX.match(line):
        escaped = _BRACKETS.sub(r"\\\g<0>", escaped)
    number = _START.match(escaped)
    if number and number[1].isdigit():
        return f"{number[1]}\\{escaped[number.end():]}"
    return f"\\{escaped}" if number else escaped


def cell(text: object) -> str:
    """Return text as a table's cell has it."""
    return inline(text).replace("|", r"\|")


def tidy(document: str) -> str:
    """Return a document without empty lines that follow others."""
    return _EMPTY_LINES.sub("\n\n", document).strip() + "\n"
