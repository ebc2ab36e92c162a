"""What of a service's configuration may change while it is deployed: as data, by AppConfig, without another deployment.

No resource and no right depends on it. Everything else (names, the cluster, vendors, channels, alarms, which functions
there are) is structural: it stays in the bundle, and changes by a deployment of code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import field, fields, replace

from responder.model.codec import Json, decode, encode
from responder.model.frozen import dataclass
from responder.model.service.configuration import Service
from responder.model.service.customers import Customers
from responder.model.service.limits import Approval, Confirm, Guardrails, Mode, Policy, Recovery
from responder.model.service.links import Links
from responder.model.service.people import Person

_MODES: tuple[Mode, ...] = ("observe", "approve", "auto")
_POLICIES: tuple[Policy, ...] = ("off", "approve", "auto")


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of one service; each has the name and the meaning that it has in ``Service``."""

    mode: Mode
    policy: dict[str, Policy] = field(default_factory=dict)
    confirm: Confirm = field(default_factory=Confirm)
    recovery: Recovery = field(default_factory=Recovery)
    guardrails: Guardrails = field(default_factory=Guardrails)
    approval: Approval = field(default_factory=Approval)
    customers: Customers = field(default_factory=Customers)
    links: Links = field(default_factory=Links)
    team: tuple[Person, ...] = ()


SETTINGS = tuple(field.name for field in fields(ServiceSettings))
"""The names of the fields of ``Service`` that are settings."""


@dataclass(frozen=True)
class Stricter:
    """What was made stricter after an incident began; it holds for the incident all the same."""

    mode: Mode | None = None
    policy: Policy | None = None
    """Of the action in question."""
    version: str = ""
    """The version of the settings that say so."""


def settings_of(service: Service) -> ServiceSettings:
    """Return the settings that a service's configuration has."""
    return decode(ServiceSettings, {name: encode(getattr(service, name)) for name in SETTINGS})


def with_settings(service: Service, settings: ServiceSettings) -> Service:
    """Return the service with other settings."""
    return replace(service, **{name: getattr(settings, name) for name in SETTINGS})


def read_settings(value: Json) -> ServiceSettings:
    """Return settings from plain JSON; raises Malformed, which names the place."""
    return decode(ServiceSettings, value, "settings")


def needs_deployment(bundled: Service, actions: Collection[str], longest_wait_seconds: int,
                     settings: ServiceSettings) -> Iterator[str]:
    """Yield what the settings want and what is deployed does not have, each in a short sentence.

    ``actions`` are those that are deployed. ``longest_wait_seconds`` is the longest ``approval.wait_seconds`` of all
    services as they were deployed, after which the state machine no longer waits for an answer.
    """
    for action, policy in sorted(settings.policy.items()):
        # An action that is bundled as allowed and has no function lacks what it needs, such as a system to ask: no
        # settings change that, and without it no settings at all would ever be in force.
        if policy != "off" and action not in actions and bundled.policy.get(action, "off") == "off":
            yield f"policy.{action}: its function is not deployed"
    if settings.approval.links != "none" and bundled.approval.links == "none":
        yield "approval.links: the page behind the links and its key are not deployed"
    if settings.approval.wait_seconds > longest_wait_seconds:
        yield (f"approval.wait_seconds: the state machine that is deployed waits for {longest_wait_seconds} s at the "
               "most")
    subscribed = {person.email for person in bundled.team}
    for person in settings.team:
        if person.email and person.email not in subscribed:
            yield f"team: the e-mail address of {person.name} is not subscribed to the topic for approvals"


def stricter(pinned: Service, newest: Service, action: str, version: str) -> Stricter | None:
    """Return what the newest settings forbid that an incident's own allow; None where they forbid no more.

    Settings that allow more wait for the next incident.
    """
    mode = newest.mode if _MODES.index(newest.mode) < _MODES.index(pinned.mode) else None
    before, now = pinned.policy.get(action, "off"), newest.policy.get(action, "off")
    policy = now if _POLICIES.index(now) < _POLICIES.index(before) else None
    return Stricter(mode, policy, version) if mode or policy else None


def under(service: Service, action: str, tightened: Stricter | None) -> Service:
    """Return the service as it is bound by what was made stricter."""
    if tightened is None:
        return service
    policy = {action: tightened.policy} if tightened.policy else {}
    return replace(service, mode=tightened.mode or service.mode, policy={**service.policy, **policy})
