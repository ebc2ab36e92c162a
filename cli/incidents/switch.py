"""The kill switch of a service: what it says, since when and by whom, and how it is engaged and released.

It is one parameter of SSM, and only the value ``released`` lets anything be changed (``docs/manual-steps.md``). Who
changed it and why is in the parameter's description, and AWS keeps the time and the caller of each version (Systems
Manager API reference: "GetParameterHistory", "PutParameter").
"""

from __future__ import annotations

from typing import Any, Literal

from cli.incidents.asking import asking
from cli.incidents.place import Place
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.moment import iso
from responder.model.service import Service

State = Literal["released", "engaged", "never set"]
RELEASED: Literal["released"] = "released"
ENGAGED: Literal["engaged"] = "engaged"
_LONGEST = 1024
"""Of a parameter's description, in characters."""
READ_RIGHT, WRITE_RIGHT = "ssm:GetParameterHistory", "ssm:PutParameter"


@dataclass(frozen=True)
class Switch:
    """A kill switch as it is now."""

    name: str
    """Of the parameter."""
    state: State
    """``engaged`` for any value but ``released``; ``never set`` stops everything as well."""
    value: str = ""
    since: str = ""
    """ISO 8601 in UTC."""
    by: str = ""
    """The ARN of who set it."""
    why: str = ""
    """What they said with it."""

    @property
    def stops(self) -> bool:
        """Whether it stops all remedies."""
        return self.state != RELEASED


def read(place: Place, service: Service) -> Switch:
    """Return a service's switch; raises Refused."""
    client, name = place.client("ssm"), service.kill_switch
    with asking(f"read the kill switch of {service.service}", READ_RIGHT, "read-only"):
        try:
            versions = [version for page in client.get_paginator("get_parameter_history").paginate(Name=name)
                        for version in page["Parameters"]]
        except client.exceptions.ParameterNotFound:
            versions = []
    return switch_of(name, versions)


def switch_of(name: str, versions: list[dict[str, Any]]) -> Switch:
    """Return what a parameter's versions, as SSM lists them, say of a switch."""
    if not versions:
        return Switch(name, "never set")
    newest = max(versions, key=lambda version: int(version["Version"]))
    value = str(newest.get("Value", ""))
    return Switch(name, RELEASED if value == RELEASED else ENGAGED, value,
                  iso(newest["LastModifiedDate"].timestamp()), str(newest.get("LastModifiedUser", "")),
                  str(newest.get("Description", "")))


def put(place: Place, service: Service, value: Literal["released", "engaged"], who: str, reason: str) -> None:
    """Set a service's switch; raises Refused."""
    said = mask(f"{value} by {who}" + (f": {reason}" if reason else ""))[:_LONGEST]
    turn = "release" if value == RELEASED else "engage"
    with asking(f"{turn} the kill switch of {service.service}", WRITE_RIGHT):
        place.client("ssm").put_parameter(Name=service.kill_switch, Value=value, Type="String", Overwrite=True,
                                          Description=said)
