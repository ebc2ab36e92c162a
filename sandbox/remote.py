"""The sandbox's control, as the drills' runner asks it; the responder does not know it.

The dataclasses here are what goes over the wire, as JSON; ``sandbox/control.py`` is the other end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from sandbox.places import STATE, Ports, SandboxError
from sandbox.truth import Truth, from_json
from sandbox.vendors.people import Received

_TIMEOUT_SECONDS = 150


@dataclass(frozen=True)
class Beginning:
    """The steady state that a drill begins in."""

    seed: str = "steady"
    """Seed of all random choices: the same seed brings the same requests."""
    requests_per_second: float = 40.0
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Component to its pods, where they are not the usual number."""
    behaviour: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Component to how its first version calls others (``sandbox/platform/calling.py``), where it is not the usual."""
    dependencies: Sequence[str] = ()
    """What the gateway calls besides the database and the provider."""
    world: Mapping[str, str] = field(default_factory=dict)
    """How the sandbox speaks: keys of ``sandbox/worlds`` to their values, where they are not the defaults."""
    keeps_past: bool = False
    """Whether what was there before stays for questions about that time (``responder backtest``)."""
    eyes: str = ""
    """Which vendors see the platform, by ``sandbox/eyes``; empty: those of the shipped configuration."""


@dataclass(frozen=True)
class Status:
    """How the platform fares."""

    recent: list[tuple[float, int, int]]
    """The entry's last seconds: (second, requests, errors)."""
    running: bool
    went_off: dict[str, float]
    """Alarm to when it last went off, seconds since 1970 (UTC)."""


Told = dict[str, list[dict[str, Any]]]
"""Vendor (``pagerduty``, ``slack``, ``statuspage``) to what it was told, in its own form."""


class Remote:
    """A running sandbox's control; each call raises SandboxError where the sandbox fails."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def reset(self, beginning: Beginning | None = None) -> None:
        """Begin anew: the same healthy objects, two healthy hours of history, no fault anywhere."""
        self._ask("reset", asdict(beginning or Beginning()))

    def settled(self) -> None:
        """Take what the cluster has now for what every drill begins with."""
        self._ask("settled", {})

    def let_others_write(self) -> None:
        """Let the controllers of a busy account write to the platform's objects."""
        self._ask("others", {})

    def deployed(self, template: str) -> None:
        """Take up the alarms of a deployed template, the path of a file."""
        self._ask("template", {"path": template})

    def status(self) -> Status:
        """The error rate of the last seconds, and which alarms went off when."""
        value = self._ask("status", {})
        return Status([(at, requests, errors) for at, requests, errors in value["recent"]], value["running"],
                      value["went_off"])

    def begin(self, event: str, kind: str, fields: Mapping[str, object]) -> None:
        """Bring an event about; ``event`` is the name by which it is healed."""
        self._ask("begin", {"event": event, "kind": kind, "fields": fields})

    def heal(self, event: str) -> None:
        """Take away what an event did."""
        self._ask("heal", {"event": event})

    def told(self) -> Told:
        """What the vendors were told, word for word."""
        found: Told = self._ask("told", {})
        return found

    def received(self) -> list[Received]:
        """The requests by which the vendors were told something, in order."""
        return [Received(**one) for one in self._ask("received", {})["requests"]]

    def truth(self) -> Truth:
        """What really happened since the platform began anew."""
        return from_json(self._ask("truth", {}))

    def _ask(self, what: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = httpx.post(f"http://127.0.0.1:{self._ports.world}/control/{what}", json=body,
                            timeout=_TIMEOUT_SECONDS)
        if answer.status_code != 200:
            raise SandboxError(f"the sandbox could not {what}: {_why(answer)} (see {STATE / 'logs' / 'world.log'})")
        value: dict[str, Any] = answer.json()
        return value


def _why(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"]).splitlines()[0][:300]
    except (ValueError, KeyError, TypeError, IndexError):
        return f"status {answer.status_code}"
