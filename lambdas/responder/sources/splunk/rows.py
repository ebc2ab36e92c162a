"""What Splunk's result rows hold: texts, numbers and times, in each of the ways in which an export writes them.

A field that is there twice, or has several values, is a list (Splunk's "Export search results", JSON); of such a one
the first value counts. What cannot be read is malformed, never zero: a time of 1970 would make a failure an old one.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.clients.failure import CallFailed
from responder.model.service import Service, Splunk

Row = dict[str, Any]
"""A result row: each value is a text or a number."""
TIME = "epoch_seconds"
"""The field in which the searches ask for the time, as ``eval`` has it: seconds since 1970 (UTC)."""
_ZONES_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "UT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "JST": 9, "KST": 9, "SGT": 8, "HKT": 8, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "SAST": 2, "BRT": -3}
"""Names of time zones that mean one offset wherever they are read (IANA's tz database); IST and CST are several."""
_NAMED = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?) ?([A-Za-z]+)")


def text(row: Row, name: str) -> str:
    """Return a field as a text; empty where the row has none."""
    value = row.get(name)
    return "" if value is None else str(value)


def component_of(row: Row, settings: Splunk, service: Service) -> str:
    """Return the component whose row it is, as the configuration writes it; another name as it is."""
    name = text(row, settings.component_field)
    return next((known.name for known in service.components if known.name.casefold() == name.casefold()), name)


def number(row: Row, name: str, missing: float | None = None) -> float:
    """Return a field as a number, or ``missing`` where the row has none; raises CallFailed with ``malformed``."""
    value = row.get(name)
    if value in (None, "") and missing is not None:
        return missing
    found = _number(value)
    if found is None:
        raise CallFailed("malformed", f"Splunk's {name} is no number")
    return int(found) if found.is_integer() else found


def moment(row: Row) -> float:
    """Return a row's time, seconds since 1970 (UTC); raises CallFailed with ``malformed``."""
    for name in (TIME, "_time"):
        if row.get(name) not in (None, ""):
            found = seconds(row[name])
            if found is None:
                raise CallFailed("malformed", "Splunk's time is of no known form, or its zone is not certain")
            return found
    raise CallFailed("malformed", "a row of Splunk has no time")


def seconds(value: object) -> float | None:
    """Return a time of Splunk's in seconds since 1970 (UTC), None where it cannot be told.

    Known are seconds since 1970, ISO 8601, and a time with the name of a zone (``2026-10-08 13:48:34.000 GMT``).
    """
    found = _number(value)
    if found is not None:
        return found
    written = str(value).strip()
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        named = _NAMED.fullmatch(written)
        hours = _ZONES_HOURS.get(named[2].upper()) if named else None
        if named is None or hours is None:
            return None
        try:
            read = datetime.fromisoformat(named[1].replace(",", ".")).replace(tzinfo=UTC) - timedelta(hours=hours)
        except ValueError:
            return None
    # Without a zone nobody can tell which one is meant: that of the token's user.
    return read.timestamp() if read.tzinfo else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def single(value: object) -> str | int | float | None:
    """Return a value, or the first of several; None where it is neither text nor number."""
    if isinstance(value, list):
        value = next((one for one in value if one not in (None, "")), None)
    return value if isinstance(value, str | int | float) else None
