"""The keys that a service names in Secrets Manager: what each should look like, and a harmless call that it allows.

One file is one vendor; a module is here by setting ``keys``. A call reads, or changes nothing: nobody is told or woken.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from responder.clients.http import Http
from responder.model.service import Service

_PLACEHOLDER = re.compile(
    r"(?i)change[-_ ]?me|todo|example|replace[-_ ]?(me|this)|your[-_ ].*|x{6,}|<.*>|\*+|dummy|test|…")
Open = Callable[[Mapping[str, str]], Http]
"""Opens an HTTP client with these headers."""


@dataclass(frozen=True)
class Wrong:
    """What a vendor says against a key or what it is used for."""

    says: str
    mend: str


@dataclass(frozen=True)
class Key:
    """A secret that the configuration names."""

    vendor: str
    secret: str
    """Its name in Secrets Manager."""
    field: str
    """Where the configuration names it: ``newrelic.secret``."""
    what: str
    """What it should be, in a few words: ``a user key``."""
    form: Callable[[str], str] = lambda value: ""
    """Return what is wrong with its form besides what is wrong for any; empty: nothing."""
    trial: Callable[[Open, str], Iterable[Wrong]] | None = None
    """Use it, and return what is wrong; raises CallFailed. None: no harmless call tells."""
    source: str = ""
    """The source whose function uses it, too."""
    lines: bool = False
    """Whether it may hold several, one a line."""


def misshapen(key: Key, value: str) -> str:
    """Return what is wrong with the form of a key's value, without saying any of it; empty: nothing.

    A function strips white space at both ends.
    """
    plain = value.strip()
    if not plain:
        return "it is empty"
    if plain[0] in "{[":
        names = ", ".join(sorted(_names(plain)))
        return (f"it is JSON{f' with the keys {names}' if names else ''}, and not a plain string: the console stores "
                "key/value pairs unless \"Plaintext\" is chosen")
    if plain[0] == plain[-1] and plain[0] in "\"'":
        return "it stands in quotation marks, which are sent along"
    if _PLACEHOLDER.fullmatch(plain):
        return "it is a placeholder"
    if not key.lines and re.search(r"\s", plain):
        return "it has white space within"
    if not plain.isascii():
        return "it has characters beyond ASCII, which no HTTP header takes"
    return key.form(plain)


def _names(text: str) -> Sequence[str]:
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return [str(name) for name in value] if isinstance(value, dict) else []


def of(service: Service) -> Iterator[Key]:
    """Yield all keys that a service names."""
    for keys in _vendors():
        yield from keys(service)


@cache
def _vendors() -> tuple[Callable[[Service], Iterator[Key]], ...]:
    return tuple(importlib.import_module(f"{__name__}.{module.name}").keys
                 for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name))


def begins(*beginnings: str) -> Callable[[str], str]:
    """Return a check of how a value begins."""
    def form(value: str) -> str:
        return "" if value.startswith(beginnings) else f"it does not begin with {' or '.join(beginnings)}"

    return form


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a vendor's JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
