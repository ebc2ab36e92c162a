"""Signed links to a question: whoever holds one may answer it once, until it expires.

The seal covers incident, task, who it was sent to and the expiry. The key is a secret that the stack makes. Whether a
link may be made, and whether one may still be used, is judged by ``plan/approvals.py``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from responder.model.frozen import dataclass

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
        return {"incident": self.incident, "task": self.task, "to": self.to, "expires": str(self.expires),
                "seal": self._seal(key)}

    def _seal(self, key: str) -> str:
        # Lengths before the parts, so that no two links have the same text.
        text = "".join(f"{len(part)}:{part}" for part in (self.incident, self.task, self.to, str(self.expires)))
        # Without digits: a run of them might be taken for a card number, and be masked on its way.
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest().translate(_LETTERS)


def read(fields: Mapping[str, str], key: str) -> Link:
    """Return the link that some fields are; raises BadLink."""
    try:
        link = Link(fields["incident"], fields["task"], fields["to"], int(fields["expires"]))
        seal = fields["seal"]
    except (KeyError, ValueError) as error:
        raise BadLink("the link is not complete") from error
    if not hmac.compare_digest(link.fields(key)["seal"].encode(), seal.encode("utf-8", "replace")):
        raise BadLink("the link's seal is wrong")
    return link
