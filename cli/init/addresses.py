"""Hosts in the values of variables and configuration; nothing else of a value is kept.

Formats: RFC 3986 ("Syntax Components"), PostgreSQL's "Connection Strings", JDBC's URLs of PostgreSQL and MySQL, and the
data source names of Go's MySQL driver (``user:password@tcp(host:3306)/name``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.init.facts import Address
from responder.model.service.hosts import bare

_URL = re.compile(r"(?:jdbc:)?([a-z][a-z0-9+.-]*)://([^\s\"'<>,;|\\`{}]+)", re.I)
_TCP = re.compile(r"@tcp\(([^)\s]+)\)")
_KEYWORD = re.compile(r"(?:^|\s)host=([^\s'\"]+)", re.I)
_OF_AWS = re.compile(r"\b([a-z0-9][a-z0-9.-]*\.(?:rds|cache)\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?)(?::(\d+))?",
                     re.I)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?(?::\d{1,5})?", re.I)
_NAMED = re.compile(r"(?:^|[_.\-])(?:host|hostname|addr|address|endpoint|server|servers|url|uri|dsn|brokers|nodes)"
                    r"(?:[_.\-]?\d*)$", re.I)
_PORT = re.compile(r":(\d{1,5})$")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "localhost"})
_LONGEST = 100_000
"""Characters of a value that are looked at."""
SWITCH = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")
"""A value such as a switch has: a short plain word."""
SECRET = re.compile(r"pass|secret|token|credential|private|api[_-]?key|auth", re.I)
"""Names of variables whose values are not looked at."""


def found(name: str, value: str, where: str) -> Iterator[Address]:
    """Yield the hosts that a variable or key names, each once; ``where`` says for people where it stands."""
    seen: set[str] = set()
    for address in _found(name, value[:_LONGEST], where):
        if _is_host(address.host) and address.host not in seen:
            seen.add(address.host)
            yield address


def _found(name: str, value: str, where: str) -> Iterator[Address]:
    for match in _URL.finditer(value):
        for part in match[2].split("/", 1)[0].rpartition("@")[2].split(","):
            yield Address(bare(part), _port(part), name, where, match[1].lower(),
                          match[2].partition("/")[2] if ".amazonaws.com" in match[2] and "sqs" in match[2] else "")
    for match in _TCP.finditer(value):
        yield Address(bare(match[1]), _port(match[1]), name, where, "mysql")
    for match in _KEYWORD.finditer(value):
        yield Address(bare(match[1]), 0, name, where)
    for match in _OF_AWS.finditer(value):
        yield Address(match[1].lower(), int(match[2] or 0), name, where)
    if "://" not in value and "\n" not in value and _NAMED.search(name):
        for part in value.split(","):
            if _HOST.fullmatch(part.strip()):
                yield Address(bare(part), _port(part.strip()), name, where)


def _is_host(host: str) -> bool:
    return bool(host) and not host.isdigit() and host not in _WORDS and not _IP.fullmatch(host) and bool(
        _HOST.fullmatch(host))


def _port(text: str) -> int:
    found_port = _PORT.search(text.split("/", 1)[0])
    return int(found_port[1]) if found_port else 0
