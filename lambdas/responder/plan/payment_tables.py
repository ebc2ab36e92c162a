"""Tables of payments as sources fill them: small enough to travel, and honest about what payments do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from responder.model.evidence import Finding, Series
from responder.model.evidence.approvals import Approvals, Group, Table

ABSENT = "-"
"""A value that a payment does not bear."""
OTHER = "(other)"
"""In place of rare values."""
MOST_GROUPS = 250
"""Groups of a table: 250 of 100 bytes are a tenth of what an answer may have (``plan/fitting.py``)."""
VERSION = "version"
"""The attribute under which the version that served a payment is kept, whatever the vendor calls it."""

Counts = Mapping[tuple[str, ...], tuple[float, float]]
"""The values of a table's attributes to the payments and how many of them were declined."""


def table(attributes: Sequence[str], now: Counts, usual: Counts, most: int = MOST_GROUPS) -> Table:
    """Return the table of what was counted; where it has too many groups, rare values are put together."""
    groups = [Group(key, *now.get(key, (0.0, 0.0)), *usual.get(key, (0.0, 0.0))) for key in sorted({*now, *usual})]
    while len(groups) > most and any(len(_values(groups, place)) > 1 for place in range(len(attributes))):
        groups = _coarser(groups, len(attributes))
    return Table(tuple(attributes), tuple(groups))


def side_by_side(periods: Mapping[float, Mapping[str, tuple[float, float]]], usual: tuple[float, float]) -> Table:
    """Return the table of versions: of periods in which several of them took payments, and no others.

    A version that came just before something else began would be blamed for all that came after it. ``periods``: start
    of a period to each version's payments and how many were declined; ``usual``: of all versions together, for all of
    them have the same customers.
    """
    now: dict[tuple[str, ...], tuple[float, float]] = {}
    for counted in periods.values():
        versions = {version: counts for version, counts in counted.items() if counts[0]}
        for version, (payments, declined) in versions.items() if len(versions) > 1 else ():
            before = now.get((version,), (0.0, 0.0))
            now[version,] = (before[0] + payments, before[1] + declined)
    return table((VERSION,), now, dict.fromkeys(now, usual))


def total_usual(one: Table) -> tuple[float, float]:
    """Return all payments of a table in the baseline, and how many of them were declined."""
    return sum(group.usual_payments for group in one.groups), sum(group.usual_declined for group in one.groups)


def unknown(tables: Iterable[Table]) -> tuple[str, ...]:
    """Return the attributes that no payment bears."""
    return tuple(name for one in tables for place, name in enumerate(one.attributes)
                 if one.groups and all(group.values[place] == ABSENT for group in one.groups))


def judged(finding: Finding[Approvals], tables: Sequence[Table], series: Series, period_seconds: float, note: str,
           none: str) -> Finding[Approvals]:
    """Fill a finding with what was counted; ``none`` is what is said where there is no payment at all."""
    groups = tables[0].groups
    payments, declined = sum(group.payments for group in groups), sum(group.declined for group in groups)
    usual, before = total_usual(tables[0])
    if not payments and not usual:
        return replace(finding, status="unavailable" if note else "empty", note=note or none)
    absent = unknown(tables)
    told = "; ".join(part for part in (note, f"no payment says its {', '.join(absent)}" if absent else "") if part)
    return replace(
        finding, status="partial" if note else "ok", note=told, value=declined / payments if payments else None,
        baseline=before / usual if usual else None,
        detail=Approvals(tuple(tables), series, period_seconds))


def _coarser(groups: Sequence[Group], attributes: int) -> list[Group]:
    """Put the rarer half of the values of one attribute together: that of which there are most."""
    place = max(range(attributes), key=lambda place: len(_values(groups, place)))
    # A value counts by its payments, and by what it usually has: one whose payments have gone is not rare.
    size: dict[str, float] = {}
    for group in groups:
        size[group.values[place]] = size.get(group.values[place], 0.0) + group.payments + group.usual_payments
    ranked = sorted(size, key=lambda value: (value == OTHER, -size[value], value))
    kept = set(ranked[:max(1, len(ranked) // 2)]) - {OTHER}
    merged: dict[tuple[str, ...], Group] = {}
    for group in groups:
        value = group.values[place] if group.values[place] in kept else OTHER
        key = (*group.values[:place], value, *group.values[place + 1:])
        other = merged.get(key, Group(key, 0.0, 0.0, 0.0, 0.0))
        merged[key] = Group(key, *(a + b for a, b in zip(other[1:], group[1:], strict=True)))
    return sorted(merged.values())


def _values(groups: Sequence[Group], place: int) -> set[str]:
    return {group.values[place] for group in groups}
