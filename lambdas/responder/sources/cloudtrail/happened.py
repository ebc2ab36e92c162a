"""An event of CloudTrail as several services may share it: what it is of others stays unreadable.

Texts are masked. The names that it bears, by which a service knows its own changes, are there as digests alone: who
knows a name sees whether it is among them, and nobody reads the others.

Format: AWS's page "CloudTrail record contents".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any

from responder.model.frozen import dataclass
from responder.model.masking import mask, mask_all

NETWORK = ("SecurityGroup", "Route", "NetworkAcl", "VpcEndpoint", "Subnet", "NatGateway", "InternetGateway")
"""Words in the names of EC2's calls that change the network."""
SOURCES = frozenset({"rds", "ec2", "secretsmanager", "eks", "elasticloadbalancing", "autoscaling", "route53"})
"""AWS services whose changes can break a service."""
_PARAMETERS = 1000
"""Characters of a request's parameters that are kept; longer ones are left out."""
_NAMED = 10
_READS = ("Describe", "List", "Get", "Lookup")
_ROTATION_ENDED = ("RotationFailed", "RotationAbandoned")
"""What Secrets Manager says of a rotation that changed nothing."""
_DRY_RUN = "Client.DryRunOperation"
_TAGS = frozenset({"tags", "tagset", "tagspecificationset", "tagspecifications", "description", "groupdescription"})
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
"""Secrets Manager ends the ARN of a secret with six random characters."""
_BEARS = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "resources")
"""Parts of a record that name what was changed."""


@dataclass(frozen=True)
class Happened:
    """One event."""

    id: str
    at: float
    """Seconds since 1970 (UTC)."""
    name: str
    source: str
    """The AWS service, as the event names it: ``rds.amazonaws.com``."""
    change: bool
    """Whether something was changed: no read, no call that was refused or only tried, no rotation that failed."""
    by: str = ""
    resources: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    """Digests of the names that it bears."""

    @property
    def service(self) -> str:
        """The AWS service's short name."""
        return self.source.partition(".")[0]

    def bears(self, names: Iterable[str]) -> bool:
        """Whether it names one of these."""
        return any(_mark(name) in self.marks for name in names)


def happened(item: dict[str, Any]) -> Happened:
    """Return an event as LookupEvents gave it."""
    record = _record(item)
    name, source = str(item.get("EventName", "")), str(item.get("EventSource", ""))
    # A dry run is recorded with the error Client.DryRunOperation, a refused call with the reason for it.
    change = not (item.get("ReadOnly") == "true" or name.startswith(_READS) or name in _ROTATION_ENDED
                  or record.get("errorCode") or _DRY_RUN in str(record.get("errorMessage", "")))
    told = Happened(str(item.get("EventId")), item["EventTime"].timestamp(), name, source, change)
    if not change or told.service not in SOURCES:
        return told
    parameters = mask_all(record.get("requestParameters") or {})
    return Happened(
        told.id, told.at, name, source, change, mask(str(item.get("Username", "")))[:100],
        tuple([mask(str(one.get("ResourceName", "")))[:120] for one in item.get("Resources") or []][:_NAMED]),
        parameters if len(json.dumps(parameters, default=str)) < _PARAMETERS else {},
        tuple(sorted({_mark(text) for part in (item.get("Resources"), *(record.get(key) for key in _BEARS))
                      for text in _names(part)})))


def _record(item: dict[str, Any]) -> dict[str, Any]:
    try:
        full = json.loads(item.get("CloudTrailEvent") or "{}")
    except ValueError:
        return {}
    return full if isinstance(full, dict) else {}


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _names(value: Any) -> Iterator[str]:
    """Yield all that the texts within a JSON value may name: themselves, and of an ARN each part that it ends with."""
    for text in _texts(value):
        yield text
        if text.startswith("arn:"):
            for whole in {text, _SUFFIX.sub("", text)}:
                yield from (whole[place + 1:] for place, sign in enumerate(whole) if sign in ":/")


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts within a JSON value, but for tags and descriptions."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if str(key).lower() not in _TAGS:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
