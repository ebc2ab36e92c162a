"""The payments that the gateway takes: what kinds there are, how often each is declined, and what customers choose.

A payment that is declined is answered with status 200: it is no failed request, and no metric of requests shows it.
"""

from __future__ import annotations

import bisect
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

GATEWAY = "payment-gateway"
HIDDEN = "HIDDEN_METHODS"
"""The key of the gateway's configuration with the methods that are not offered."""
_STEP_SECONDS = 60
"""The history keeps payments by the minute."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Payments that are alike. An empty attribute is one that such a payment does not have.

    Each is itself alone: they are counted by the hundred thousand, and all of them are in ``KINDS``.
    """

    method: str
    scheme: str
    issuer: str
    country: str
    three_ds: str
    weight: float
    """How many of a hundred payments they are, about."""
    declined: float
    """The share of them that is usually declined."""

    @cached_property
    def attributes(self) -> dict[str, str]:
        """What such a payment says of itself."""
        found = {"method": self.method, "scheme": self.scheme, "issuer": self.issuer, "country": self.country,
                 "three_ds": self.three_ds}
        return {name: value for name, value in found.items() if value}


KINDS = (
    Kind("card", "visa", "northbank", "DE", "acs-one", 10, 0.08),
    Kind("card", "visa", "northbank", "FR", "acs-two", 3, 0.1),
    Kind("card", "visa", "seabank", "DE", "acs-one", 9, 0.07),
    Kind("card", "visa", "seabank", "NL", "acs-two", 5, 0.06),
    Kind("card", "visa", "hillbank", "DE", "acs-one", 3, 0.3),
    Kind("card", "visa", "lakebank", "GB", "acs-one", 4, 0.09),
    Kind("card", "mastercard", "northbank", "FR", "acs-one", 8, 0.09),
    Kind("card", "mastercard", "northbank", "FR", "acs-two", 6, 0.1),
    Kind("card", "mastercard", "lakebank", "FR", "acs-one", 4, 0.08),
    Kind("card", "mastercard", "lakebank", "DE", "acs-two", 4, 0.07),
    Kind("card", "mastercard", "seabank", "NL", "acs-two", 3, 0.06),
    Kind("card", "mastercard", "hillbank", "DE", "acs-one", 3, 0.32),
    Kind("card", "amex", "fieldbank", "GB", "acs-two", 4, 0.12),
    Kind("card", "amex", "fieldbank", "DE", "acs-one", 3, 0.11),
    Kind("wallet", "", "", "DE", "", 7, 0.04),
    Kind("wallet", "", "", "FR", "", 5, 0.05),
    Kind("wallet", "", "", "NL", "", 5, 0.04),
    Kind("invoice", "", "", "DE", "", 6, 0.15),
    Kind("invoice", "", "", "NL", "", 3, 0.13),
    Kind("direct_debit", "", "", "DE", "", 5, 0.06))
"""One card scheme is most of what France pays with, so its rate and that of the country fall together."""
ATTRIBUTES = ("method", "scheme", "issuer", "country", "three_ds", "version")


@dataclass(frozen=True, eq=False)
class Disturbed:
    """What an event does to payments that have these attributes."""

    match: Mapping[str, str]
    declined: float | None = None
    """The share that is declined; None: as usual."""
    factor: float = 1.0
    """How many times as many come."""
    reason: str = "05 do not honor"

    def fits(self, attributes: Mapping[str, str], version: str) -> bool:
        """Whether a payment, served by a version, is one of them."""
        return all((version if name == "version" else attributes.get(name)) == value
                   for name, value in self.match.items())


@dataclass(eq=False)
class Paid:
    """Payments of one kind in a short stretch of time that ended alike."""

    at: float
    kind: Kind
    version: str
    pod: str
    reason: str
    """Why they were declined; empty: they were approved."""
    count: int
    made: dict[str, object] = field(default_factory=dict, repr=False)
    """What a vendor's stand-in makes of it."""

    @property
    def outcome(self) -> str:
        """What the gateway says became of them."""
        return "declined" if self.reason else "approved"

    @property
    def text(self) -> str:
        """The line that the gateway writes about each."""
        attributes = " ".join(f"{name}={value}" for name, value in self.kind.attributes.items())
        code = f" response_code={self.reason.partition(' ')[0]}" if self.reason else ""
        return f"INFO CardAuthorizer payment {attributes} status=200 outcome={self.outcome}{code}"


class Payments:
    """All payments that were taken, oldest first."""

    def __init__(self) -> None:
        self.taken: list[Paid] = []
        self._waiting = 0
        # Chance of its own: what customers pay with must not change what becomes of their requests.
        self._rng = random.Random("payments")

    def reset(self) -> None:
        """Forget all payments."""
        self.taken, self._waiting, self._rng = [], 0, random.Random("payments")

    def healthy(self, at: float, count: int, version: str) -> list[Paid]:
        """Take the payments of a healthy stretch of the history; they come by the minute."""
        self._waiting += count
        if int(at) % _STEP_SECONDS and self.taken:
            return []
        waiting, self._waiting = self._waiting, 0
        return self.serve(at, waiting, version, "", (), "")

    def serve(self, at: float, count: int, version: str, pod: str, disturbed: Sequence[Disturbed],
              hidden: str) -> list[Paid]:
        """Let customers choose how they pay, of what is offered, and those asked decide; returns what came of it."""
        away = {name.strip() for name in hidden.split(",")}
        offered = [kind for kind in KINDS if kind.method not in away]
        if not offered or count <= 0:
            return []
        weights = []
        for kind in offered:
            weight = kind.weight
            for one in disturbed:
                weight *= one.factor if one.fits(kind.attributes, version) else 1.0
            weights.append(weight)
        found: Counter[tuple[Kind, str]] = Counter()
        declined = {kind: _declined(kind, version, disturbed) for kind in offered}
        chance = self._rng.random
        for kind in self._rng.choices(offered, weights, k=count):
            share, reason = declined[kind]
            found[kind, reason if chance() < share else ""] += 1
        fresh = [Paid(at, kind, version, pod, reason, number) for (kind, reason), number in found.items()]
        self.taken += fresh
        return fresh

    def between(self, start: float, end: float) -> list[Paid]:
        """Return the payments of a stretch of time."""
        first, last = (bisect.bisect_left(self.taken, moment, key=lambda item: item.at) for moment in (start, end))
        return self.taken[first:last]


def _declined(kind: Kind, version: str, disturbed: Sequence[Disturbed]) -> tuple[float, str]:
    """Return the share of such payments that is declined, and why."""
    for one in reversed(disturbed):
        if one.declined is not None and one.fits(kind.attributes, version):
            return one.declined, one.reason
    return kind.declined, "51 insufficient funds"
