"""What a probe is given: the configuration on disk, the account, the clusters, and what the sources' functions say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.account import Account, code_of
from cli.doctor.asking import Answers
from cli.doctor.cluster import Cluster, Connect
from cli.doctor.model import Check, NotKnown, unknown
from responder.model.service import Service
from stacks.deployment import Settings
from stacks.elsewhere import is_elsewhere

T = TypeVar("T")
_AT_ONCE = 12


@dataclass
class Surroundings:
    """All that probes look at. What is read once for several probes is kept here."""

    folder: Path
    settings: Settings
    every: tuple[Service, ...]
    """All services of the folder: the deployment's names depend on them."""
    services: tuple[Service, ...]
    """Those that are looked at."""
    account: Account
    """The responder's own account and Region."""
    connect: Connect
    """Connects to a service's cluster."""
    remote: Mapping[str, Account] = field(default_factory=dict)
    """By the service's name: where it is, if that is another account or Region and a profile for it was given."""
    _clusters: dict[str, Cluster | NotKnown] = field(default_factory=dict)
    _answers: dict[str, Answers | NotKnown] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def file(self, service: Service) -> str:
        """Return the name of the file that describes a service, as messages name it."""
        for ending in ("yaml", "yml"):
            file = self.folder / f"{service.service}.{ending}"
            if file.exists():
                return str(file)
        return f"the file of {service.service} in {self.folder}"

    def place(self, service: Service) -> Account:
        """Return the account in which a service's alarms and cluster are; raises NotKnown without a way there."""
        if not is_elsewhere(service):
            return self.account
        if service.service in self.remote:
            return self.remote[service.service]
        where = service.aws.account or service.aws.region
        raise NotKnown(f"{service.service} is elsewhere ({where}), and no credentials for it were given",
                       f"--elsewhere {service.service}=PROFILE, with a profile that reads there")

    def cluster(self, service: Service) -> Cluster:
        """Return a service's cluster, connected once; raises NotKnown."""
        name = service.cluster.name
        return self._once(f"cluster {name}", self._clusters, name, lambda: self.connect(self.place(service), name))

    def answers(self, service: Service) -> Answers:
        """Return what the functions of a service's sources say, asked once; raises NotKnown."""
        return self._once(f"answers {service.service}", self._answers, service.service,
                          lambda: Answers.asked(self.account, service, self.every))

    def of_each(self, look: Callable[[Service], Iterable[Check]]) -> Iterator[Check]:
        """Yield what is seen of each service; one that could not be asked is not known, and the others still are."""
        for service in self.services:
            for check in attempted(service.service, partial(look, service)):
                yield replace(check, service=service.service)

    def _once(self, lock: str, kept: dict[str, T | NotKnown], key: str, make: Callable[[], T]) -> T:
        with self._lock:
            mine = self._locks.setdefault(lock, threading.Lock())
        with mine:
            if key not in kept:
                try:
                    kept[key] = make()
                except NotKnown as failed:
                    kept[key] = failed
            found = kept[key]
        if isinstance(found, NotKnown):
            raise found
        return found


def attempted(subject: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """Return what is seen; where it cannot be asked, what was seen before that and one check that says so."""
    checks: list[Check] = []
    try:
        for check in look():
            checks.append(check)
    except NotKnown as failed:
        checks.append(unknown(subject, failed.why, failed.mend))
    except ClientError as error:
        checks.append(unknown(subject, f"AWS refused {error.operation_name}: {code_of(error)}"))
    except BotoCoreError as error:
        checks.append(unknown(subject, f"AWS could not be asked: {type(error).__name__}"))
    return checks


def side_by_side(looks: Mapping[str, Callable[[], Iterable[Check]]], at_once: int = _AT_ONCE) -> list[Check]:
    """Return what several looks see, asked at the same time; the keys are their subjects."""
    if not looks:
        return []
    with ThreadPoolExecutor(at_once) as pool:
        return [check for found in pool.map(attempted, looks, looks.values()) for check in found]
