"""Signed links to a question: the holder of a link may answer once, until it expires.

The signature covers incident, task, recipient and expiry. The key is a secret that the stack creates.
``plan/approvals.py`` decides whether a link may be made and whether it may still be used.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from responder.model.codec import Foreign, decode
from responder.model.frozen import dataclass

_DIGITS = re.compile("[0-9]{1,12}")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class BadLink(Exception):
    """The link was not made here, or it was changed."""


@dataclass(frozen=True)
class Link:
    """The content of a link."""

    incident: str
    task: str
    """See ``Task.id``."""
    to: str
    """The person whom it was sent to."""
    expires: int
    """Seconds since 1970 (UTC)."""

    def query(self, key: str) -> str:
        """Return the link as a signed query string."""
        return urlencode(self.fields(key))

    def fields(self, key: str) -> dict[str, str]:
        """Return its fields, signed, for a form."""
        signed = _Signed(self.incident, self.task, self.to, str(self.expires), self.seal(key))
        return {name: str(value) for name, value in vars(signed).items()}

    def seal(self, key: str) -> str:
        """Return what proves that it was made with ``key``."""
        # Each part has its length in front, so that two links never have the same text.
        text = "".join(f"{len(part)}:{part}" for part in (self.incident, self.task, self.to, str(self.expires)))
        # No digits: masking could take a run of them for a card number.
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
    """Return the link that the fields describe; raises BadLink."""
    try:
        given = decode(_Signed, fields)
        if not _DIGITS.fullmatch(given.expires):
            raise BadLink("the link is not complete")
        link = Link(given.incident, given.task, given.to, int(given.expires))
    except ValueError as error:
        raise BadLink("the link is not complete") from error
    if not hmac.compare_digest(link.seal(key).encode(), given.seal.encode("utf-8", "replace")):
        raise BadLink("the link's seal is wrong")
    return link
