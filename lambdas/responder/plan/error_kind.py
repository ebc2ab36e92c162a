"""The kinds of failed calls."""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """What a failed call says of itself."""

    CONNECTIONS = "connections"
    """The database, or the pool before it, has no connection left."""
    CREDENTIALS = "credentials"
    """Whoever was called does not accept who calls, or what they may do."""
    SPACE = "space"
    READ_ONLY = "read_only"
    LOCK = "lock"
    """A statement timed out or waited for a lock."""
    DNS = "dns"
    TLS = "tls"
    """A certificate or the handshake of TLS was not accepted."""
    REFUSED = "refused"
    RESET = "reset"
    READ_TIMEOUT = "read_timeout"
    """The request was taken and not answered in time."""
    QUEUE = "queue"
    """The request waited too long for its turn."""
    CONNECT_TIMEOUT = "connect_timeout"
    RATE_LIMIT = "rate_limit"
    """Whoever was called wants fewer requests."""
    CALLEE_5XX = "callee_5xx"
    """Another component answered with an error."""
    HTTP_5XX = "http_5xx"
    """Somebody outside answered with an error."""
    DECLINED = "declined"
    """The provider refused a payment: no failure."""
    OTHER = "other"
    """None of these."""
