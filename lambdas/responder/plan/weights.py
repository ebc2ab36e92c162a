"""How much each signal speaks for or against each mechanism: the shipped numbers as one value, or others.

The shipped ones are gathered from ``plan/causes.py`` and ``plan/mechanisms``. ``responder replay --print-weights``
writes them out; a changed copy shows what other weights would have decided (``make replay WEIGHTS=FILE``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from responder.model.codec import Json, Malformed, decode, nearest
from responder.model.frozen import dataclass
from responder.plan import mechanisms, signals
from responder.plan.remedies import PEOPLE, WAIT
from responder.plan.signals import AnySignalKind


@dataclass(frozen=True)
class Terms:
    """One mechanism, as the diagnosis and the choice of remedies read it; see ``mechanisms.Mechanism``."""

    cause: str
    remedies: tuple[str, ...]
    weights: dict[str, float]
    """By the id of the signal."""
    needs: str = ""
    """The id of a signal without which it is no hypothesis."""
    worsened_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Weights:
    """All that the diagnosis weighs with, in log-odds (natural logarithm)."""

    prior: float
    """Log-odds of each mechanism before anything is known."""
    causes: dict[str, dict[str, float]]
    """Cause to its weights of signals, for those mechanisms without a weight of their own."""
    mechanisms: dict[str, Terms]
    """By id."""

    def of(self, signal: str, mechanism: str) -> float:
        """Return how much a signal speaks for a mechanism, or against it; 0 where it bears on neither it nor its cause.
        """
        terms = self.mechanisms[mechanism]
        own = terms.weights.get(signal)
        return self.causes[terms.cause].get(signal, 0.0) if own is None else own

    def supported_by(self, signal: str) -> tuple[str, ...]:
        """Return the causes that a signal speaks for, or for a mechanism of theirs, in order of their names."""
        return tuple(sorted({cause for cause, weight in self._all(signal) if weight > 0}))

    def denied_by(self, signal: str) -> tuple[str, ...]:
        """Return the causes that a signal speaks against, and for no mechanism of theirs, in order of their names."""
        return tuple(sorted({cause for cause, weight in self._all(signal) if weight < 0}
                            - set(self.supported_by(signal))))

    def _all(self, signal: str) -> Iterable[tuple[str, float]]:
        for cause, weights in self.causes.items():
            yield cause, weights.get(signal, 0.0)
        for terms in self.mechanisms.values():
            yield terms.cause, terms.weights.get(signal, 0.0)


@cache
def shipped() -> Weights:
    """Return the weights that this version ships with."""
    found = mechanisms.every()
    return Weights(
        mechanisms.PRIOR,
        {mechanism.cause.id: _by_id(mechanism.cause.weights) for mechanism in found},
        {mechanism.id: Terms(mechanism.cause.id, mechanism.remedies, _by_id(mechanism.weights),
                             mechanism.needs.id if mechanism.needs else "", mechanism.worsened_by)
         for mechanism in found})


def weights_of(value: Json, place: str = "weights") -> Weights:
    """Return what ``encode`` wrote of weights.

    Raises Malformed for what is of another type, and for a signal, cause, mechanism or remedy that there is not.
    """
    weights = decode(Weights, value, place)
    known = shipped()
    remedies = {WAIT, PEOPLE, *(remedy for terms in known.mechanisms.values() for remedy in terms.remedies)}
    _check(weights.mechanisms, known.mechanisms, "a mechanism", f"{place}.mechanisms")
    _check(weights.causes, known.causes, "a cause", f"{place}.causes")
    for cause, given in weights.causes.items():
        _check(given, signals.kinds(), "a kind of signal", f"{place}.causes.{cause}")
    for name, terms in weights.mechanisms.items():
        here = f"{place}.mechanisms.{name}"
        _check([terms.cause], weights.causes, "a cause", f"{here}.cause")
        _check([*terms.remedies, *terms.worsened_by], remedies, "a remedy", here)
        _check([*terms.weights, *([terms.needs] if terms.needs else [])], signals.kinds(), "a kind of signal", here)
    return weights


def _check(names: Iterable[str], known: Iterable[str], what: str, place: str) -> None:
    """Raise Malformed for the first name that is not known."""
    allowed = set(known)
    for name in names:
        if name not in allowed:
            raise Malformed(place, what + nearest(name, allowed), name)


def _by_id(weights: Mapping[AnySignalKind, float]) -> dict[str, float]:
    return {kind.id: weight for kind, weight in weights.items()}
