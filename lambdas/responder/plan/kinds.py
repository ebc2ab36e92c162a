"""What a failed call says of itself: driver and HTTP errors by their well-known wording, as kinds that are counted.

The texts are from outside and only counted: no text decides anything by what it says beyond its kind. Sources of the
wordings: PostgreSQL's and MySQL's error messages (PostgreSQL: "Appendix A. Error Codes"), the messages of libpq, curl
and the JDK's sockets, and HTTP's status codes.
"""

from __future__ import annotations

import re
from enum import StrEnum


class ErrorKind(StrEnum):
    """What a failed call says of itself."""

    CONNECTIONS = "connections"
    """The database has no connection left."""
    CREDENTIALS = "credentials"
    SPACE = "space"
    READ_ONLY = "read_only"
    LOCK = "lock"
    """A statement timed out or waited for a lock."""
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    READ_TIMEOUT = "read_timeout"
    """The request was taken and not answered in time."""
    QUEUE = "queue"
    """The request waited too long for its turn."""
    CONNECT_TIMEOUT = "connect_timeout"
    CALLEE_5XX = "callee_5xx"
    """Another component answered with an error."""
    HTTP_5XX = "http_5xx"
    """Somebody outside answered with an error."""
    DECLINED = "declined"
    """The provider refused a payment: no failure."""
    OTHER = "other"
    """None of these."""


_WORDINGS = (
    (ErrorKind.CONNECTIONS,
     r"too many (clients|connections)|connection slots are reserved|pool (is )?exhausted|max_connections"),
    (ErrorKind.CREDENTIALS,
     r"password authentication failed|access denied for user|authentication failed|invalid credentials"),
    (ErrorKind.SPACE, r"no space left|could not extend file|disk (is )?full|storage[- ]full"),
    (ErrorKind.READ_ONLY, r"read[- ]only transaction|--read-only option|is read[- ]only"),
    (ErrorKind.LOCK, r"statement timeout|lock (wait )?timeout|deadlock|canceling statement|lock not available"),
    (ErrorKind.DNS,
     r"could not (translate|resolve) host|name or service not known|no such host|temporary failure in name|"
     r"unknownhost|nxdomain|server misbehaving"),
    (ErrorKind.REFUSED, r"connection refused|econnrefused|no route to host"),
    (ErrorKind.RESET, r"connection reset|closed the connection unexpectedly|broken pipe|econnreset|unexpected eof"),
    (ErrorKind.READ_TIMEOUT,
     r"read timed? ?out|response timed? ?out|socket timeout|deadline exceeded|awaiting headers"),
    (ErrorKind.QUEUE, r"timed out in queue|queue (is )?full|thread pool|rejected.*overload|too busy|503.*overload"),
    (ErrorKind.CONNECT_TIMEOUT,
     r"connect(ion)?( to \S+)? timed? ?out|connection to server timed out|i/o timeout|etimedout"),
    (ErrorKind.CALLEE_5XX, r"\banswered 50[0-9]\b"),
    (ErrorKind.HTTP_5XX,
     r"\bhttp[ /]?(1\.1 |2 )?5\d\d\b|\bstatus(code)?[ =:]*5\d\d\b|bad gateway|service unavailable"),
    (ErrorKind.DECLINED, r"declined|\bhttp 402\b|insufficient funds"),
)
"""In the order in which they are tried: the first that fits counts."""
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _WORDINGS)
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
    """Return the kind of an error text; ``OTHER`` where no wording is known."""
    for kind, pattern in _COMPILED:
        if pattern.search(text):
            return kind
    return ErrorKind.OTHER


def rejected_caller(text: str) -> str:
    """Return why a caller was refused by what it sent (``signature``), an empty text where the text says no such thing.

    It is no kind of a failure of ours: refusing such a request is right.
    """
    return next((kind for kind, pattern in _REJECTED_COMPILED if pattern.search(text)), "")
