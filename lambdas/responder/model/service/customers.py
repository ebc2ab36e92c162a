"""What customers are told: how the service is called for them, and the sentences of the service's own."""

from __future__ import annotations

from dataclasses import field

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Language:
    """The same in a further language: a message then holds the languages one after the other."""

    language: str
    """Its tag, such as ``de``."""
    name: str
    """What the service is called in it, as it stands within a sentence: ``Kartenzahlungen``."""
    texts: dict[str, str] = field(default_factory=dict)
    """A text for each sentence that the first language says; see ``Customers.texts``."""


@dataclass(frozen=True)
class Customers:
    """What customers are told."""

    name: str = ""
    """What the service is called for customers, in the plural, as it stands within a sentence: ``card payments``.
    Empty: ``payments`` where the service's name or description speaks of payments, else ``requests to our service``."""
    texts: dict[str, str] = field(default_factory=dict)
    """Sentence to its text in place of the shipped one; an empty text: it is not said. A text may name facts in braces,
    such as ``{name}`` and ``{since}``. ``plan/customers/sentences.py`` has the sentences, each with what must be so
    before it is said, and with the facts that it may name."""
    update_seconds: int = 1800
    """When customers hear more, after each message, also where nothing is new; they are told the time, and the state
    machine keeps it. It is prolonged where people may be asked for longer, and in an outage of days, to 2.5 % of the
    time that has been watched. 0: nothing is promised, and customers hear only of what changes."""
    languages: tuple[Language, ...] = ()
    """Further languages."""

    def called(self, service: str, description: str) -> str:
        """Return what the service is called for customers."""
        if self.name:
            return self.name
        return "payments" if speaks_of_payments(service, description) else "requests to our service"


def speaks_of_payments(service: str, description: str) -> bool:
    """Whether a service takes payments, by its own name or description."""
    return "payment" in f"{service} {description}".lower()
