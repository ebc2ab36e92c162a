"""Payments by what they are, and how many of them were declined."""

from __future__ import annotations

from typing import NamedTuple

from responder.model.evidence import Detail, Series
from responder.model.frozen import dataclass


class Group(NamedTuple):
    """Payments that are alike in all attributes of a table."""

    values: tuple[str, ...]
    """One for each attribute; ``-``: the payments do not say."""
    payments: float
    declined: float
    usual_payments: float
    """In the baseline, as they were counted there."""
    usual_declined: float


@dataclass(frozen=True)
class Table:
    """All payments, by some attributes at once."""

    attributes: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Approvals(Detail):
    """Payments by what they are. ``value`` and ``baseline`` are the shares that were declined."""

    tables: tuple[Table, ...] = ()
    """Each has all payments; a vendor groups by so many attributes at once and no more."""
    series: Series = ()
    """Payments, and those declined as ``errors``, period by period."""
    period_seconds: float = 0.0


KIND = Approvals
