"""Who runs a command, as AWS says it."""

from __future__ import annotations

import re

from cli.incidents.asking import asking
from cli.incidents.place import Place
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Caller:
    """Who runs the command."""

    arn: str
    name: str
    """The user's or the session's name, without what follows an ``@``."""


def caller(place: Place) -> Caller:
    """Return who runs the command; raises Refused. AWS gives this without any right (STS: "GetCallerIdentity")."""
    with asking("be told who you are", "sts:GetCallerIdentity", "read-only"):
        arn = str(place.client("sts").get_caller_identity()["Arn"])
    name = re.split("[/:]", arn)[-1].partition("@")[0]
    return Caller(arn, name or arn)
