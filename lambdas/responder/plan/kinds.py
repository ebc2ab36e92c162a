"""What a failed call says of itself: driver and HTTP errors by their well-known wording, as kinds that are counted.

The texts are from outside and only counted: no text decides anything by what it says beyond its kind.
``error_wordings.py`` has the wordings as data.
"""

from __future__ import annotations

import re
from functools import lru_cache

from responder.plan.error_kind import ErrorKind
from responder.plan.error_wordings import WORDINGS

__all__ = ["REACH", "ErrorKind", "kind_of", "of_database", "rejected_caller"]

ANSWERED = re.compile(r"\banswered 50[0-9]\b", re.IGNORECASE)
STATUS = re.compile(
    r"(?:\bhttp(?:/[\d.]+)?|\bstatus(?: ?code)?|\bresponse code|\berror:?|\breturned error|\bfailed with)"
    r"[ =:]*\(?[\"']?([45]\d\d)\b|\[([45]\d\d) |^([45]\d\d) |\b([45]\d\d) (?:client|server) error|"
    r"error ['\"]([45]\d\d) ", re.IGNORECASE)
"""An HTTP status where a text says that it is one; other numbers are amounts, ids or times."""
_OF_STATUS = {"401": ErrorKind.CREDENTIALS, "403": ErrorKind.CREDENTIALS, "407": ErrorKind.CREDENTIALS,
              "402": ErrorKind.DECLINED, "429": ErrorKind.RATE_LIMIT}
_CAUSE = re.compile(r"\bcaused by:? ", re.IGNORECASE)
_KNOWN = 4096
"""Texts that are remembered: a search brings at most some hundreds, and the same ones again and again."""
_REJECTED = (
    ("signature", r"\b(missing|invalid|wrong|bad|no|unknown|expired|malformed) (\w+ )?signature|signature (is )?"
                  r"(missing|invalid|wrong|mismatch|required|verification failed|does not match|expired|not valid)|"
                  r"\bunsigned (request|callback|webhook|notification)|hmac (mismatch|verification failed|invalid)|"
                  r"no signatures found matching"),
)
"""Callers that are refused for what they send, by the wordings of webhook libraries (Stripe: "No signatures found
matching the expected signature for payload"; GitHub: "Validating webhook deliveries")."""
_REJECTED_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _REJECTED)
REACH = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT, ErrorKind.DNS, ErrorKind.RESET})
"""Kinds that say that the other side was not reached."""


def kind_of(text: str) -> ErrorKind:
    """Return the kind of an error text; ``OTHER`` where no wording is known.

    Of a chain of causes ("Caused by: …") the innermost that is known counts: what wraps it only says where it came up.
    """
    return _read(text)[0]


def of_database(text: str) -> bool:
    """Return whether only a database, its driver or its pool says so."""
    return _read(text)[1]


@lru_cache(_KNOWN)
def _read(text: str) -> tuple[ErrorKind, bool]:
    for part in reversed(_CAUSE.split(text)):
        found = _of_part(part)
        if found[0] is not ErrorKind.OTHER:
            return found
    return ErrorKind.OTHER, False


def _of_part(text: str) -> tuple[ErrorKind, bool]:
    if ANSWERED.search(text):
        return ErrorKind.CALLEE_5XX, False
    low = text.lower()
    for kind, database, phrases in WORDINGS:
        if any(_has(low, phrase) for phrase in phrases):
            return kind, database
    status = STATUS.search(text)
    if status is None:
        return ErrorKind.OTHER, False
    number = next(group for group in status.groups() if group)
    return _OF_STATUS.get(number, ErrorKind.HTTP_5XX if number[0] == "5" else ErrorKind.OTHER), False


def _has(text: str, phrase: str) -> bool:
    """Return whether all parts of a phrase are in the text, in their order."""
    at = 0
    for part in phrase.split("…"):
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def rejected_caller(text: str) -> str:
    """Return why a caller was refused by what it sent (``signature``), an empty text where the text says no such thing.

    It is no kind of a failure of ours: refusing such a request is right.
    """
    return next((kind for kind, pattern in _REJECTED_COMPILED if pattern.search(text)), "")
