"""The ways to reach people, one module each.

A module is a channel by being here: it sets ``CHANNEL``. The stacks let the functions that tell people read what it
needs, where the configuration names it; nothing else needs to be edited for a new one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import field
from typing import Any, Generic, Literal, TypeVar

from responder.model.codec import Json, decode, encode
from responder.model.frozen import dataclass
from responder.model.service import Person, Service

Kind = Literal["page", "status", "question", "copy", "call", "told", "closed", "customers", "provider", "network_team"]
"""``page``: somebody must come. ``status``: how it stands, in place of what was said before. ``question``: an answer
is needed, as many may read it. ``copy``: the same for one person, perhaps with a link of their own: it may go nowhere
but to that person alone. ``call``: somebody else
must come as well. ``told``: something that the team should know. ``closed``: it is over. The others go to somebody
outside the team."""


@dataclass(frozen=True)
class Message:
    """What somebody is told."""

    kind: Kind
    key: str
    """The same thing has the same key: a channel delivers it once."""
    incident: str
    subject: str
    text: str
    persons: tuple[Person, ...] = ()
    """Who is to come, or to answer."""
    answers: tuple[tuple[str, str], ...] = ()
    """Of a question with buttons: word and value of each."""
    over: bool = False
    """Of what is closed: whether the symptom is verified to be gone."""
    phase: str = ""
    """For customers: ``investigating``, ``identified``, ``monitoring`` or ``resolved``."""
    affected: tuple[str, ...] = ()
    """Components that customers notice."""
    topic: str = ""
    """In one line, how it stands."""


@dataclass(frozen=True)
class Nothing:
    """What a channel remembers of an incident that remembers nothing."""


S = TypeVar("S")


@dataclass(frozen=True)
class Channel(Generic[S]):
    """One way to reach people. ``S`` is what it remembers of an incident: ids of the vendor's, no text of its own."""

    name: str
    takes: frozenset[Kind]
    send: Callable[[Service, Message, S], S | None]
    """Deliver a message and return what is to be remembered for this incident, given what is remembered so far.

    None: there was nobody to deliver it to. Raises CallFailed where nothing was delivered.
    """
    remembers: type[S]
    """Its fields have defaults: nothing is remembered at first."""
    configured: Callable[[Service], bool] = lambda service: True
    wakes: bool = False
    """Whether it is what wakes people: a page that it did not take is tried again."""
    secrets: Callable[[Service], tuple[str, ...]] = field(default=lambda service: ())
    """Names of the Secrets Manager secrets that it reads."""


    def deliver(self, service: Service, message: Message, state: dict[str, Json]) -> dict[str, Json] | None:
        """Deliver a message, with what is remembered as the record keeps it; see ``send``."""
        kept = self.send(service, message, decode(self.remembers, state, f"CHANNEL#{self.name}.state"))
        return None if kept is None else {name: value for name, value in encode(kept).items() if value}


AnyChannel = Channel[Any]


def own_channel(service: Service, person: Person) -> bool:
    """Whether some channel reaches a person alone: Slack by a direct message, SNS by a subscription of their own."""
    return bool(person.email) or bool(service.slack and person.slack)


def every() -> tuple[AnyChannel, ...]:
    """Return all channels in the order in which they are tried: those that wake people first, then SNS."""
    found = [importlib.import_module(f"{__name__}.{module.name}").CHANNEL for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda channel: (channel.name == "sns", channel.name)))


def secrets(service: Service, kinds: frozenset[Kind] | None = None) -> tuple[str, ...]:
    """Return the secrets that it takes to tell people; of the given kinds alone, where there are any."""
    return tuple(sorted({secret for channel in every() if channel.configured(service)
                         and (kinds is None or kinds & channel.takes) for secret in channel.secrets(service)}))
