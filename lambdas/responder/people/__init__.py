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

from responder.clients.failure import CallFailed
from responder.model.codec import Json, decode, encode
from responder.model.frozen import dataclass
from responder.model.reference import Reference
from responder.model.service import Person, Service

Kind = Literal["page", "escalation", "status", "question", "copy", "call", "told", "closed", "customers", "provider",
               "network_team", "improvement"]
"""``page``: somebody must come. ``escalation``: somebody must take over. ``status``: the current state, which replaces
the last one. ``question``: an answer or a task is needed; many people may read it. ``copy``: the same question for one
person, perhaps with a personal link; it must reach that person only. ``call``: another person must join. ``told``: news
that the team should know. ``closed``: the incident is closed. ``improvement``: something to do, for the team's list of
work. The other kinds go to people outside the team.

An escalation and a question are a need for a person: they notify anew, whoever has acknowledged the page."""


@dataclass(frozen=True)
class Message:
    """One message to people."""

    kind: Kind
    key: str
    """Idempotency key: a channel delivers one key once."""
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
    extent: str = ""
    """For customers: how much fails, ``all``, ``most``, ``some`` or ``hardly`` any that arrives, or ``slow``; empty:
    nobody can tell."""
    said: tuple[str, ...] = ()
    """For customers: the names of the sentences in the text."""
    works: bool = False
    """For customers: whether what fails of this service works again."""
    also_fails: tuple[str, ...] = ()
    """For customers: the ids, on the status page, of other services' components of which it tells that they fail."""
    also_works: tuple[str, ...] = ()
    """For customers: those of which it tells that they work again."""
    more_by: str = ""
    """For customers: when the text promises more, ISO 8601 in UTC; empty: it promises nothing."""
    topic: str = ""
    """The current state in one line."""
    references: tuple[Reference, ...] = ()
    """Pages to open, the first first. Their addresses alone become links; an address in a text never does."""
    needs: tuple[str, ...] = ()
    """Of a status or a closing: what still needs a person, by the beginning of the message's key that said so."""
    code: str = ""
    """A diff, or commands one a line: shown word for word, in letters of one width."""
    mark: str = ""
    """Of an improvement: what tells it from others, the same in every incident."""
    need: str = ""
    """What a page or an escalation wakes people for, the same for all incidents that they need not be woken for one by
    one; empty: this one alone."""
    alert: str = ""
    """Of such a message: the key of the alert that it opens or adds to; empty: one of its own."""
    joins: str = ""
    """The incident that has opened that alert before; empty: this one opens it."""
    shared: tuple[str, ...] = ()
    """Of what ends alerts: the keys of those that other incidents still need."""


@dataclass(frozen=True)
class Nothing:
    """The state of a channel that remembers nothing of an incident."""


@dataclass(frozen=True)
class Filed:
    """Where a channel has filed an improvement."""

    address: str = ""
    """The issue's page."""


S = TypeVar("S")


@dataclass(frozen=True)
class Alerting(Generic[S]):
    """How a channel wakes people: by alerts, each with a key, which several incidents may share."""

    team: Callable[[Service], str]
    """Whom it wakes: services with the same text wake the same people."""
    key: Callable[[Message, S], str]
    """The key of the alert that a message would open."""
    ended: Callable[[Message, S], tuple[str, ...]] = lambda message, state: ()
    """The keys of the alerts that a message ends."""


@dataclass(frozen=True)
class Channel(Generic[S]):
    """One way to reach people. ``S`` is its state for one incident: the vendor's ids, no text."""

    name: str
    takes: frozenset[Kind]
    send: Callable[[Service, Message, S], S | None]
    """Deliver a message, given the channel's state for this incident, and return the new state.

    None: there was nobody to deliver it to. Raises CallFailed where nothing was delivered.
    """
    remembers: type[S]
    """Its fields have defaults: nothing is remembered at first."""
    configured: Callable[[Service], bool] = lambda service: True
    wakes: bool = False
    """Whether it wakes people: a page that it did not take is retried."""
    secrets: Callable[[Service], tuple[str, ...]] = field(default=lambda service: ())
    """Names of the Secrets Manager secrets that it reads."""
    alerting: Alerting[S] | None = None
    """None: it wakes nobody by name."""

    def remembered(self, state: dict[str, Json]) -> S:
        """Return the channel's state, as the record keeps it; raises Malformed."""
        return decode(self.remembers, state, f"CHANNEL#{self.name}.state")

    def deliver(self, service: Service, message: Message, state: dict[str, Json]) -> dict[str, Json] | None:
        """Deliver a message, with the channel's state as the record keeps it; see ``send``.

        An answer that the channel cannot read is a CallFailed like any other: it must not cost the other channels.
        """
        remembered = self.remembered(state)
        try:
            kept = self.send(service, message, remembered)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise CallFailed("malformed", f"{self.name} answered with something that cannot be read "
                                          f"({type(error).__name__})") from error
        return None if kept is None else {name: value for name, value in encode(kept).items() if value}


AnyChannel = Channel[Any]


def own_channel(service: Service, person: Person) -> bool:
    """Whether some channel reaches a person alone: Slack by a direct message, SNS by a subscription of their own."""
    return bool(person.email) or bool(service.slack and person.slack)


def every() -> tuple[AnyChannel, ...]:
    """Return all channels in the order in which they are tried: channels that wake people first, then SNS."""
    found = [importlib.import_module(f"{__name__}.{module.name}").CHANNEL for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda channel: (channel.name == "sns", channel.name)))


def secrets(service: Service, kinds: frozenset[Kind] | None = None) -> tuple[str, ...]:
    """Return the secrets of the channels; only of those for the given kinds of message, where there are any."""
    return tuple(sorted({secret for channel in every() if channel.configured(service)
                         and (kinds is None or kinds & channel.takes) for secret in channel.secrets(service)}))
