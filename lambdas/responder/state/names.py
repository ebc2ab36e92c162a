"""What a name says: of a Service, a workload, or an environment variable that holds an address.

Teams write one thing in many ways: ``CART_SERVICE_ADDR``, ``cartservice``, ``ts-cart-service``. What is left without
the words that say what kind of thing it is, and without a prefix that all names of a namespace share, is compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_KIND = frozenset((
    "service", "services", "svc", "server", "addr", "address", "addresses", "addrs", "host", "hosts", "hostname",
    "port", "url", "uri", "urls", "endpoint", "endpoints", "base", "grpc", "http", "https", "tcp", "name", "dns",
    "target", "backend", "upstream", "client", "connection", "string", "dsn"))
"""Words that say what kind of thing is named, not which."""
_VERSION = re.compile(r"(?:v?\d+|old|new|canary|stable|blue|green)$")


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name that say which thing it is, in small letters; ``service`` at its end is no part."""
    parts = [part.lower() for part in _SPLIT.split(name) if part]
    kept = [part for part in parts if part not in _KIND]
    return tuple(part.removesuffix("service").removesuffix("svc") or part for part in kept)


def shared_prefix(names: Collection[str]) -> str:
    """Return the first word that most names begin with; empty where there is none, or fewer than three names."""
    firsts = [found[0] for found in map(words, names) if len(found) > 1]
    if len(firsts) < 3:
        return ""
    word, count = min(Counter(firsts).items(), key=lambda one: (-one[1], one[0]))
    return word if count * 2 > len(names) else ""


def means(name: str, other: str, prefix: str = "") -> bool:
    """Whether two names say the same thing, but for the words of kind and a prefix that all share."""
    one, two = core(name, prefix), core(other, prefix)
    return bool(one) and one == two


@lru_cache(maxsize=8192)
def core(name: str, prefix: str = "") -> str:
    """Return what a name says in one word, for a comparison."""
    found = words(name)
    return "".join(found[1:] if prefix and len(found) > 1 and found[0] == prefix else found)


def resembles(name: str, other: str) -> bool:
    """Whether a name is another, but for little: one letter more, less or other, or words that say no more than which
    kind or version it is. A word that says more (``payments-db``) makes it another.
    """
    one, two = (_VERSION.sub("", core(each)) for each in (name, other))
    return bool(one) and (one == two or (min(len(one), len(two)) >= 4 and _near(one, two)))


def _near(one: str, two: str) -> bool:
    """Whether one change makes a word the other."""
    if abs(len(one) - len(two)) > 1:
        return False
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    rest_one, rest_two = one[start:], two[start:]
    return rest_one[1:] == rest_two[1:] or rest_one[1:] == rest_two or rest_one == rest_two[1:]
