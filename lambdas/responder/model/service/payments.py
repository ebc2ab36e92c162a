"""What of a payment is known beside whether its request failed: what kind it is, and whether it was approved."""

from __future__ import annotations

from dataclasses import field

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class MethodSwitch:
    """Where the platform reads which methods of payment it does not offer."""

    config_map: str
    """The ConfigMap, in the namespace of the workloads."""
    key: str
    """Its value names the hidden methods, with commas between them; empty: none is hidden."""


@dataclass(frozen=True)
class Payments:
    """How payments are counted by what they are, and who is behind each of these."""

    component: str
    """The component that takes them."""
    attributes: tuple[str, ...] = ("method", "scheme", "issuer", "country", "three_ds")
    """What kinds of payments are told apart by, as New Relic's events and Splunk's fields name it alike. Nothing that
    tells one customer from another."""
    method: str = "method"
    """The attribute that ``hide`` hides by."""
    outcome: str = "outcome"
    """The attribute, and the field, that says what became of a payment."""
    declined: tuple[str, ...] = ("declined",)
    """What it says where a payment was not approved, in lower case."""
    newrelic_event: str = ""
    """The event of each payment: a custom one, or ``Transaction`` where it has the attributes; empty: New Relic is not
    asked."""
    splunk_search: str = ""
    """The part of a search that finds the lines of payments, one a payment; empty: Splunk is not asked."""
    parties: dict[str, str] = field(default_factory=dict)
    """Attribute to who is called where its payments are declined: ``{three_ds: support of the 3-D Secure partner}``."""
    hide: MethodSwitch | None = None
    """None: hiding a method is left to people."""

    def party(self, attribute: str) -> str:
        """Return who is called where payments of one value of an attribute are declined."""
        return self.parties.get(attribute) or f"who stands behind the {attribute.replace('_', ' ')}"
