"""Parts of Splunk's search language: how fields are named and read in it, so that each way of logging is counted alike.

Format: Splunk's "Search Reference": "eval" (field names with other characters in single quotes, the name that is given
in double quotes), "Use search macros in searches" (none is expanded within quotation marks), "Multivalue eval
functions" (``mvindex``), "Text functions" (``lower``), "stats".
"""

from __future__ import annotations

import re

from responder.model.service import Splunk
from responder.sources.splunk.rows import TIME

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_UNNAMED = re.compile(r"[\"'\\\x00-\x1f\x7f]")
"""What no field's name has and no quotation marks keep."""


def named(field: str) -> str:
    """Return a field's name as commands take it."""
    return field if _PLAIN.fullmatch(field) else f'"{_UNNAMED.sub("", field)}"'


def text(value: str) -> str:
    """Return a text as a value, so that nothing in it ends the quotation marks: no pipe, bracket or macro is one then.
    """
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value(field: str) -> str:
    """Return an expression for a field's value, the first where it has several: else it is counted more than once."""
    quoted = field if _PLAIN.fullmatch(field) else f"'{_UNNAMED.sub('', field)}'"
    return f"mvindex({quoted},0)"


def once(*fields: str) -> str:
    """Return the ``eval`` that leaves one value of each field, and an empty one where there is none.

    ``stats`` leaves out an event that lacks a field which it groups by, and counts it twice where the field is double.
    """
    return "eval " + ", ".join(f'{named(field)}=coalesce({value(field)},"")' for field in fields)


def timed() -> str:
    """Return the ``eval`` by which a row bears its time in seconds since 1970, whatever the user's time format is."""
    return f"eval {TIME}=_time"


def is_error(settings: Splunk) -> str:
    """Return a condition of ``eval`` that holds for the levels of errors; ``eval`` minds case, levels do not."""
    level = f"lower({value(settings.level_field)})"
    return " OR ".join(f"{level}={text(name.lower())}" for name in settings.error_levels)


def errors(settings: Splunk) -> str:
    """Return the terms of a search that finds the levels of errors; terms ignore case."""
    return " OR ".join(f"{named(settings.level_field)}={level if _PLAIN.fullmatch(level) else text(level)}"
                       for level in settings.error_levels)
