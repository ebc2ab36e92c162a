"""Which settings are in force: the newest for an incident that opens, and its own for each later step of it.

An incident keeps the settings that it began with: opening it writes them to its record, once for each version, and each
later step reads them there. Where the store cannot be read, or what it holds is invalid, the bundled ones are in force.
"""

from __future__ import annotations

import json
import time

from responder.clients import settings as store
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.model.codec import Malformed, encode
from responder.model.frozen import dataclass
from responder.model.incident import PinnedSettings
from responder.model.moment import iso
from responder.model.service import Service, deployed, load, names
from responder.model.service.settings import (
    ServiceSettings,
    needs_deployment,
    read_settings,
    settings_of,
    with_settings,
)
from responder.records.table import Records

LATELY_SECONDS = 15
"""For how long the newest are not asked for again where many alarms start at once; AppConfig's own smallest interval.
"""


@dataclass(frozen=True)
class InForce:
    """A service with the settings that are in force."""

    service: Service
    version: str = ""
    """Empty: the bundled ones, without a version."""
    problem: str = ""
    """Why the bundled ones are in force though there is a store; empty where they are not."""

    @property
    def said(self) -> str:
        """How the timeline names them; empty where there is nothing to say."""
        if self.problem:
            return f"configuration: as bundled, because {self.problem}"
        return f"configuration {self.version}" if self.version else ""


_LATELY: dict[str, tuple[int, InForce]] = {}
_KNOWN: dict[tuple[str, str], ServiceSettings] = {}
"""By incident and version. They never change, so a process reads them once."""
_REMEMBERED = 16


def newest(service: Service) -> InForce:
    """Return a service with its newest valid settings; never raises."""
    application = environment.settings()
    if not application:
        return InForce(service)
    try:
        found = store.read(application, service.service)
        given = read_settings(json.loads(found.text))
    except CallFailed as failed:
        return InForce(service, problem=failed.note)
    except (Malformed, ValueError) as error:
        return InForce(service, problem=f"what AppConfig holds is invalid ({str(error)[:200]})")
    longest = max(load(name).approval.wait_seconds for name in names())
    actions = {remedy.action for remedy in deployed(service.service).remedies}
    unfit = next(needs_deployment(service, actions, longest, given), "")
    if unfit:
        return InForce(service, problem=f"what AppConfig holds needs a deployment ({unfit})")
    return InForce(with_settings(service, given), found.version)


def newest_lately(service: Service) -> InForce:
    """Return the same, read at most every few seconds."""
    period = int(time.monotonic() // LATELY_SECONDS)
    before = _LATELY.get(service.service)
    if before is None or before[0] != period:
        before = _LATELY[service.service] = period, newest(service)
    return before[1]


def pin(records: Records, incident: str, in_force: InForce) -> None:
    """Write the settings of an incident that opens to its record; they never change there."""
    if in_force.version:
        records.pin_settings(incident, in_force.version, iso(time.time()),
                             json.dumps(encode(settings_of(in_force.service)), sort_keys=True))


def pinned(records: Records, service: Service, incident: str, version: str) -> Service:
    """Return a service with the settings of a version, as an incident's record has them; no version: as bundled.

    Raises LookupError where the record has no such version.
    """
    if not version:
        return service
    known = _KNOWN.get((incident, version))
    if known is None:
        kept = next((one for one in records.settings(incident) if one.version == version), None)
        if kept is None:
            raise LookupError(f"the record of {incident} has no settings of version {version}")
        if len(_KNOWN) >= _REMEMBERED:
            _KNOWN.clear()
        known = _KNOWN[incident, version] = _of(kept)
    return with_settings(service, known)


def of_incident(records: Records, service: Service, incident: str) -> Service:
    """Return a service with the settings under which an incident was opened last; as bundled where it has none."""
    kept = max(records.settings(incident), key=lambda one: one.at, default=None)
    return with_settings(service, _of(kept)) if kept else service


def _of(kept: PinnedSettings) -> ServiceSettings:
    return read_settings(json.loads(kept.settings))
