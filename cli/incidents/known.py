"""Which incidents there are: the open ones by the services' locks, and the closed ones by their history."""

from __future__ import annotations

from collections.abc import Iterable

from cli.incidents.asking import asking
from cli.incidents.named import Known
from cli.incidents.place import Place
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan.review import PastIncident
from responder.records.history import past_incidents
from responder.records.incidents import Lock
from responder.records.table import Records

TABLE_RIGHT = "dynamodb:GetItem, dynamodb:Query"


@dataclass(frozen=True)
class Held:
    """An incident that is open, and who holds it."""

    service: Service
    """As it was deployed."""
    lock: Lock

    @property
    def known(self) -> Known:
        """What is needed to name it."""
        return Known(self.lock.incident, self.service.service, self.lock.opened_at)


def open_ones(records: Records, services: Iterable[Service]) -> tuple[Held, ...]:
    """Return the open incidents of some services, one each at most; raises Refused."""
    found = []
    for service in services:
        with asking(f"read the incidents of {service.service}", TABLE_RIGHT, "read-only"):
            lock = records.lock(service.service)
        if lock:
            found.append(Held(service, lock))
    return tuple(found)


def past_ones(records: Records, services: Iterable[Service]) -> list[PastIncident]:
    """Return the incidents of some services that have a report, newest first; raises Refused."""
    found: list[PastIncident] = []
    for service in services:
        with asking(f"read the history of {service.service}", TABLE_RIGHT, "read-only"):
            found += past_incidents(records, service.service)
    return sorted(found, key=lambda past: past.opened_at, reverse=True)


def every_one(place: Place, services: Iterable[Service]) -> list[Known]:
    """Return all incidents of some services, open or not, each once; raises Refused."""
    records, chosen = place.records(), list(services)
    found = {past.id: Known(past.id, past.service, past.opened_at) for past in past_ones(records, chosen)}
    for service in chosen:
        with asking(f"read the incidents of {service.service}", TABLE_RIGHT, "read-only"):
            last = records.last_closed(service.service)
        if last:
            found.setdefault(last.incident, Known(last.incident, service.service, last.opened_at))
    for held in open_ones(records, chosen):
        found[held.lock.incident] = held.known
    return list(found.values())
