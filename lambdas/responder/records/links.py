"""Signed links to a question: whoever holds one may answer it once, until it expires.

The seal covers incident, task, who it was sent to and the expiry. The key is a secret that the stack makes. Whether a
link may be made, and whether one may still be used, is judged by ``plan/approvals.py``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from responder.model.codec import Foreign, decode

_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class BadLink(Exception):
    """A link that was not made here, or was changed."""


@dataclass(frozen=True)
class Link:
    """What a link says."""

    incident: str
    task: str
    """See ``Task.id``."""
    to: str
    """Who it was sent to."""
    expires: int
    """Seconds since 1970 (UTC)."""

    def query(self, key: str) -> str:
        """Return it as a query string, signed."""
        return urlencode(self.fields(key))

    def fields(self, key: str) -> dict[str, str]:
        """Return its fields, signed, for a form."""
        signed = _Signed(self.incident, self.task, self.to, str(self.expires), self.seal(key))
        return {name: str(value) for name, value in vars(signed).items()}

    def seal(self, key: str) -> str:
        """Return what proves that it was made with ``key``."""
        # Lengths before the parts, so that no two links have the same text.
        text = "".join(f"{len(part)}:{part}" for part in (self.incident, self.task, self.to, str(self.expires)))
        # Without digits: a run of them might be taken for a card number, and be masked on its way.
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest().translate(_LETTERS)


@dataclass(frozen=True)
class _Signed(Foreign):
    """A link's fields, as a form or a query string has them."""

    incident: str
    task: str
    to: str
    expires: str
    seal: str


def read(fields: Mapping[str, str], key: str) -> Link:
    """Return the link that some fields are; raises BadLink."""
    try:
        given = decode(_Signed, fields)
        link = Link(given.incident, given.task, given.to, int(given.expires))
    except ValueError as error:
        raise BadLink("the link is not complete") from error
    if not hmac.compare_digest(link.seal(key).encode(), given.seal.encode("utf-8", "replace")):
        raise BadLink("the link's seal is wrong")
    return link
