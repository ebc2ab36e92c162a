"""How an outage comes about: one file here is one mechanism, with what speaks for and against it and its remedies, and
what would be better afterwards.

A module is a mechanism by being here: it sets ``MECHANISM``. The weights of a whole cause stand in ``plan/causes.py``;
why a signal weighs at all stands beside the signal (``plan/signals``).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from responder.plan.advice import Advise, nothing
from responder.plan.causes import Cause
from responder.plan.common_cause import LiesIn
from responder.plan.error_kind import ErrorKind
from responder.plan.signals import AnySignalKind

if TYPE_CHECKING:
    # Not at run time: the remedies ask for their mechanisms.
    from responder.plan.remedies import Considered

PRIOR = -2.5
"""Log-odds of each mechanism before anything is known: one to twelve against all other explanations, so that all
mechanisms together have two to one. Most published outages are of a kind that the plan names. One signal
alone decides nothing: even the strongest weight leaves a third for all else."""


def nobody(considered: Considered) -> str:
    """Say nothing: the team itself knows best whom to call."""
    return ""


class Mechanism(NamedTuple):
    """One way in which an outage comes about."""

    id: str
    """Its name in records; the name of its file."""
    cause: Cause
    title: str
    """As people are told it, in a few words and without an article."""
    remedies: tuple[str, ...]
    """In the order in which they are tried: names of actions, ``wait`` where it heals by itself, ``escalate`` where it
    is left to people."""
    weights: Mapping[AnySignalKind, float]
    """How much a signal speaks for it (or against it, below zero), in log-odds (natural logarithm): 0.7 doubles the
    odds, 2.3 makes them ten times as high. What explains when, where and what counts more than what is merely also
    true. A weight of its own replaces the one of its cause."""
    needs: AnySignalKind | None = None
    """A signal without which it is no hypothesis: it can come about in no other way."""
    worsened_by: tuple[str, ...] = ()
    """Remedies of other mechanisms that are known to make it worse."""
    brought_by: tuple[AnySignalKind, ...] = ()
    """Signals of the change that brings it, where a rollback takes that change back."""
    objects: tuple[str, ...] = ()
    """Kinds of objects whose change brings it, where putting them back ends it."""
    kinds: frozenset[ErrorKind] = frozenset()
    """Kinds of failed calls that it may bring besides those whose signals speak for it, each where the settings that
    its remedy restores govern it (``plan/remediated.py``)."""
    lies_in: LiesIn = ""
    """What it is a fault of, where other services may depend on that too: their incidents are linked."""
    stop_gap: str = ""
    """What must follow though its remedy has helped, because that only puts it off, with ``{component}`` to be filled
    in; empty: the remedy ends it."""
    subject: str = ""
    """It as the subject of a report's title, with ``{component}``, ``{object}`` (what was changed), ``{database}`` and
    ``{provider}`` to be filled in: "bad release of {component}". Empty: its title and the component."""
    call: Callable[[Considered], str] = nobody
    """Who is to be called with what, where it is left to people; an order without a capital and a full stop."""
    improvements: Advise = nothing
    """What would have prevented an incident of it, or ended it sooner: read when the postmortem is written."""


def find(name: str) -> Mechanism:
    """Return the mechanism called ``name``, importing its module alone; raises ValueError where its id is another."""
    mechanism: Mechanism = importlib.import_module(f"{__name__}.{name}").MECHANISM
    if mechanism.id != name:
        raise ValueError(f"{__name__}.{name}: the mechanism's id is {mechanism.id!r}, expected the name of its file")
    return mechanism


def title(name: str) -> str:
    """Return a mechanism as people are told it; one that is not known any more by its own name."""
    return find(name).title if name in names() else name.replace("_", " ")


def stop_gap(name: str, component: str) -> str:
    """Return what must follow though a mechanism's remedy has helped; empty where nothing must, or nobody knows it."""
    return find(name).stop_gap.format(component=component) if name in names() else ""


@cache
def names() -> frozenset[str]:
    """Return the names of all mechanisms, without importing them."""
    return frozenset(module.name for module in pkgutil.iter_modules(__path__))


@cache
def every() -> tuple[Mechanism, ...]:
    """Return all mechanisms, by name."""
    return tuple(find(name) for name in sorted(names()))
