"""What a failed call says of itself: driver and HTTP errors by their well-known wording, as kinds that are counted.

The texts are from outside and only counted: no text decides anything by what it says beyond its kind. Sources of the
wordings: PostgreSQL's and MySQL's error messages (PostgreSQL: "Appendix A. Error Codes"), the messages of libpq, curl
and the JDK's sockets, and HTTP's status codes.
"""

from __future__ import annotations

import re

_KINDS = (
    ("connections", r"too many (clients|connections)|connection slots are reserved|pool (is )?exhausted|"
                    r"max_connections"),
    ("credentials", r"password authentication failed|access denied for user|authentication failed|invalid credentials"),
    ("space", r"no space left|could not extend file|disk (is )?full|storage[- ]full"),
    ("read_only", r"read[- ]only transaction|--read-only option|is read[- ]only"),
    ("lock", r"statement timeout|lock (wait )?timeout|deadlock|canceling statement|lock not available"),
    ("dns", r"could not (translate|resolve) host|name or service not known|no such host|temporary failure in name|"
            r"unknownhost|nxdomain|server misbehaving"),
    ("refused", r"connection refused|econnrefused|no route to host"),
    ("reset", r"connection reset|closed the connection unexpectedly|broken pipe|econnreset|unexpected eof"),
    ("read_timeout", r"read timed? ?out|response timed? ?out|socket timeout|deadline exceeded|awaiting headers"),
    ("queue", r"timed out in queue|queue (is )?full|thread pool|rejected.*overload|too busy|503.*overload"),
    ("connect_timeout", r"connect(ion)?( to \S+)? timed? ?out|connection to server timed out|i/o timeout|etimedout"),
    ("callee_5xx", r"\banswered 50[0-9]\b"),
    ("http_5xx", r"\bhttp[ /]?(1\.1 |2 )?5\d\d\b|\bstatus(code)?[ =:]*5\d\d\b|bad gateway|service unavailable"),
    ("declined", r"declined|\bhttp 402\b|insufficient funds"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS)
_REJECTED = (
    ("signature", r"\b(missing|invalid|wrong|bad|no|unknown|expired|malformed) (\w+ )?signature|signature (is )?"
                  r"(missing|invalid|wrong|mismatch|required|verification failed|does not match|expired|not valid)|"
                  r"\bunsigned (request|callback|webhook|notification)|hmac (mismatch|verification failed|invalid)|"
                  r"no signatures found matching"),
)
"""Callers that are refused for what they send, by the wordings of webhook libraries (Stripe: "No signatures found
matching the expected signature for payload"; GitHub: "Validating webhook deliveries")."""
_REJECTED_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _REJECTED)
REACH = frozenset({"refused", "connect_timeout", "dns", "reset"})
"""Kinds that say that the other side was not reached."""


def kind_of(text: str) -> str:
    """Return the kind of an error text, an empty text where it is of none."""
    for kind, pattern in _COMPILED:
        if pattern.search(text):
            return kind
    return ""


def rejected_caller(text: str) -> str:
    """Return why a caller was refused by what it sent (``signature``), an empty text where the text says no such thing.

    It is no kind of a failure of ours: who refuses such a request does right.
    """
    return next((kind for kind, pattern in _REJECTED_COMPILED if pattern.search(text)), "")
