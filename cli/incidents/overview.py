"""How the responder stands: open incidents, kill switches, heartbeats, modes, and the last incidents.

What cannot be read is named, and does not hide the rest: who looks in an outage has little time and maybe few rights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.incidents.asking import asking, may_not
from cli.incidents.known import TABLE_RIGHT, Held, open_ones, past_ones
from cli.incidents.place import Place
from cli.incidents.standing import Standing, standing
from cli.incidents.switch import Switch
from cli.incidents.switch import read as read_switch
from cli.output import NOT_ASKED, Refused
from responder.clients import settings as store
from responder.clients.failure import CallFailed
from responder.model.codec import Malformed
from responder.model.frozen import dataclass
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.model.service.settings import read_settings, with_settings
from responder.plan.heartbeat import PARTITION, Heartbeat, Reading
from responder.plan.review import PastIncident

LAST = 10
"""How many of the last incidents are shown."""
LATE_SECONDS = 21_600.0
"""After this time without a heartbeat the alarm ``HeartbeatMissing`` goes off (``docs/own-health.md``)."""
T = TypeVar("T")


@dataclass(frozen=True)
class Beat:
    """The last heartbeat of a service."""

    at: str
    """ISO 8601 in UTC; empty: there was none."""
    is_late: bool
    unread: tuple[Reading, ...] = ()
    """What it could not read."""


@dataclass(frozen=True)
class ServiceNow:
    """A service, as it is deployed and set now."""

    service: str
    mode: str
    configuration: str
    """The version of the settings in force; empty: those of the last deployment."""
    acts_alone: tuple[str, ...]
    """The actions whose policy is ``auto``."""
    asks_first: tuple[str, ...]
    """The actions whose policy is ``approve``."""
    switch: Switch | None
    """None: it cannot be read."""
    heartbeat: Beat | None
    """None: it cannot be read."""


@dataclass(frozen=True)
class Overview:
    """What ``responder status`` says."""

    at: str
    """When it was so, ISO 8601 in UTC."""
    stack: str
    services: tuple[ServiceNow, ...]
    open: tuple[Standing, ...]
    last: tuple[PastIncident, ...]
    """The last incidents that have a report, newest first."""
    unread: tuple[str, ...]
    """What could not be read, and why."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is open and everything works that an incident would need."""
        return not self.open and not self.unread and all(
            one.heartbeat is not None and not one.heartbeat.is_late and not one.heartbeat.unread
            for one in self.services)


def overview(place: Place, services: Sequence[Service], now: float) -> Overview:
    """Return how it stands; ``now`` is in seconds since 1970 (UTC)."""
    unread: list[str] = []

    def tried(read: Callable[[], T], otherwise: T, what: str) -> T:
        try:
            return read()
        except Refused as refused:
            unread.append(str(refused))
        except (CallFailed, Malformed, ClientError, BotoCoreError) as error:
            unread.append(f"{what}: {error}")
        return otherwise

    records = place.records()
    shown = []
    for service in services:
        name = service.service
        newest, version = tried(lambda: in_force(place, service), (service, ""), f"the settings of {name}")
        switch = tried(lambda: read_switch(place, service), None, f"the kill switch of {name}")
        beat = tried(lambda: _beat(place, name, now), None, f"the heartbeat of {name}")
        shown.append(_service(newest, version, switch, beat))
    none: tuple[Held, ...] = ()
    held = tried(lambda: open_ones(records, services), none, "the open incidents")
    found = [tried(lambda: standing(place, one, now)[0], None, f"incident {one.lock.incident}") for one in held]
    last: list[PastIncident] = tried(lambda: past_ones(records, services), [], "the last incidents")
    return Overview(iso(now), place.stack, tuple(shown), tuple(one for one in found if one), tuple(last[:LAST]),
                    tuple(dict.fromkeys(unread)))


def in_force(place: Place, service: Service) -> tuple[Service, str]:
    """Return a service with the settings that AppConfig has now, and their version.

    Raises Refused, and CallFailed or Malformed where AppConfig does not answer or holds what is invalid.
    """
    try:
        found = store.read(place.prefix, service.service, place.client("appconfigdata"))
    except CallFailed as failed:
        if failed.status != "unauthorized":
            raise
        raise Refused(may_not(f"read the settings of {service.service}",
                              "appconfig:StartConfigurationSession, appconfig:GetLatestConfiguration", "read-only"),
                      NOT_ASKED) from failed
    return with_settings(service, read_settings(json.loads(found.text))), found.version


def _beat(place: Place, name: str, now: float) -> Beat:
    with asking("read the heartbeat", TABLE_RIGHT, "read-only"):
        kept = place.records().row(Heartbeat, PARTITION, name)
    if kept is None:
        return Beat("", True)
    return Beat(kept.at, now - seconds(kept.at) > LATE_SECONDS, kept.unread)


def _service(service: Service, version: str, switch: Switch | None, beat: Beat | None) -> ServiceNow:
    def of(policy: str) -> tuple[str, ...]:
        return tuple(sorted(action for action, found in service.policy.items() if found == policy))

    return ServiceNow(service.service, service.mode, version, of("auto"), of("approve"), switch, beat)
