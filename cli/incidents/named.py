"""Which incident is meant by a name: its id, a part of it that only one begins with, or ``latest``."""

from __future__ import annotations

from collections.abc import Sequence

from cli.output import WRONG_INPUT, Refused
from responder.model.frozen import dataclass

LATEST = "latest"
_SHOWN = 5


@dataclass(frozen=True)
class Known:
    """An incident, as far as it is needed to name it."""

    id: str
    service: str
    opened_at: str
    """ISO 8601 in UTC."""


def chosen(wanted: str, known: Sequence[Known], what: str = "incident") -> Known:
    """Return the one that is meant; raises Refused where none is, or several are.

    A name is an id, how an id begins (with the service's name or without), or ``latest``.
    """
    if not known:
        raise Refused(f"there is no {what}", WRONG_INPUT)
    newest = sorted(known, key=lambda one: one.opened_at, reverse=True)
    if wanted in ("", LATEST):
        return newest[0]
    exact = [one for one in newest if one.id == wanted]
    found = exact or [one for one in newest if one.id.startswith(wanted)
                      or one.id.removeprefix(f"{one.service}-").startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(one.id for one in (found or newest)[:_SHOWN])
    if found:
        raise Refused(f"{wanted[:100]!r} begins {len(found)} ids: {listed}{'…' if len(found) > _SHOWN else ''}; "
                      "give more of it", WRONG_INPUT)
    raise Refused(f"there is no {what} {wanted[:100]!r}; the newest are {listed}", WRONG_INPUT)
