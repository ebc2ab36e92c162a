"""What the vendors' modules have in common."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from responder.model.codec import Json
from responder.model.outside_signal import Kind


class Alert(NamedTuple):
    """What a vendor's request says."""

    id: str
    at: float | None
    """When it happened, seconds since 1970 (UTC); None: it does not say."""
    name: str
    reason: str


class Nothing(NamedTuple):
    """A genuine request that tells of no new trouble."""

    why: str


class Vendor(NamedTuple):
    """One vendor."""

    name: Kind
    """As in the path and the configuration."""
    genuine: Callable[[Mapping[str, str], bytes, tuple[str, ...], tuple[str, ...]], bool]
    """Whether a request is genuine: headers (names in lower case), body, what the path has after the service, and the
    secrets."""
    read: Callable[[Json, str], Alert | Nothing]
    """Read the body of a genuine request to a service; raises Malformed."""


def same(given: str, secrets: Iterable[str]) -> bool:
    """Whether a token is one of the secrets; it takes as long whatever is right of it."""
    return sum(hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()) for secret in secrets) > 0


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token of the header Authorization: a bearer's, or the password of basic authorization."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""
