"""Why a call failed, by the labels of a metric: a text of the kind that drivers and proxies write.

Formats: Envoy, "Access logging" (response flags); OpenTelemetry, "Semantic conventions for HTTP metrics"
(``error.type`` is a status, the name of an exception or a short word) and "for database client metrics"
(``db.response.status_code`` is PostgreSQL's SQLSTATE or MySQL's number); PostgreSQL, "PostgreSQL Error Codes"; MySQL,
"Server Error Message Reference"; Micrometer's ``exception`` and ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_RESET = "upstream connect error or disconnect/reset before headers. reset reason: "
_FLAGS: Mapping[str, str] = {
    "UF": f"{_RESET}remote connection failure", "UH": "no healthy upstream", "UT": "upstream request timeout",
    "UC": "upstream connection termination: connection reset", "UR": "upstream remote reset: connection reset",
    "LR": "local reset: connection reset", "UO": f"{_RESET}overflow", "UMSDR": "upstream request timeout",
    "URX": "upstream retry limit exceeded", "NR": "no route found", "NC": "no cluster found",
    "SI": "stream idle timeout", "RL": "rate limited: too many requests", "UAEX": "denied by external authorization",
    "DF": "dns resolution failed: no such host", "OM": "overload manager terminated the request"}
"""Envoy's response flags of the upstream's side to what they mean. Those of the client (DC, DPE) are none here."""
_OF_DATABASE: Mapping[str, str] = {
    "53300": "too many clients already", "53100": "No space left on device", "28P01": "password authentication failed",
    "28000": "password authentication failed", "57014": "canceling statement due to statement timeout",
    "55P03": "could not obtain lock on row", "40P01": "deadlock detected",
    "25006": "cannot execute INSERT in a read-only transaction", "08001": "connection refused",
    "08006": "server closed the connection unexpectedly",
    "57P01": "terminating connection due to administrator command",
    "57P03": "the database system is starting up",
    "1040": "Too many connections", "1045": "Access denied for user (using password: YES)",
    "1205": "Lock wait timeout exceeded", "1213": "Deadlock found when trying to get lock",
    "1290": "The MySQL server is running with the --read-only option", "1021": "Disk full",
    "2003": "Can't connect to MySQL server", "2013": "Lost connection to MySQL server during query",
}
"""A database's own code for an error to its words for it."""
_OURS = frozenset({"401", "403", "407", "429"})
"""Answers that refuse whoever calls; other answers of 4xx are of a single request."""
_NOTHING = frozenset({"", "none", "-", "unknown", "success", "ok"})
_CLASSES = {
    "ConnectException": "connection refused", "ConnectionRefusedError": "connection refused",
    "SocketTimeoutException": "read timed out", "TimeoutException": "read timed out", "TimeoutError": "read timed out",
    "HttpTimeoutException": "read timed out", "ConnectionResetError": "connection reset by peer",
    "NoHttpResponseException": "connection reset by peer", "gaierror": "no such host"}
"""Exceptions by their own name, where it says less than what is usually behind them (Java SE and Python: the classes'
own pages)."""
_WORDS = {"timeout": "read timed out", "name_resolution_error": "name resolution failed: no such host",
          "connection_error": "connection failed", "io_error": "I/O error"}


def failure(code: str, details: Sequence[str]) -> str:
    """Return why a call failed; an empty text where it did not.

    ``code`` is what was answered: an HTTP status, or 0 or a word where nothing was. ``details`` are the values of the
    labels that say more.
    """
    said = [_plainly(text) for detail in details for text in detail.split(",")
            if text.lower() not in _NOTHING]
    flags = [_FLAGS[text] for text in said if text in _FLAGS]
    if flags:
        return flags[0]
    if code in _OF_DATABASE:
        return _OF_DATABASE[code]
    if code.isdecimal() and len(code) == 3:
        return f"HTTP {code}" if code[0] == "5" or code in _OURS else ""
    words = [text for text in said if text not in ("DC", "DPE", "DI") and not text.isdecimal()]
    statuses = [text for text in said if text.isdecimal()]
    if statuses and not words:
        return f"HTTP {statuses[0]}" if statuses[0][0] == "5" or statuses[0] in _OURS else ""
    if code.lower() in _NOTHING or code == "0":
        return words[0] if words else ("no answer" if code == "0" else "")
    return words[0] if words else _plainly(code)


def _plainly(text: str) -> str:
    return _WORDS.get(text.lower(), _CLASSES.get(text.rpartition(".")[2], text))
