"""What payments that are declined have in common: one value of an attribute, or of two, that explains the fall.

An approval rate falls over all where customers of a strict bank become more, though nobody is declined more often than
before (Simpson's paradox), and it falls in a country because one issuer has most of its cards there. So each payment is
compared with the usual rate of those that are alike in all that is known, and of all values that could explain what is
left, the one is taken that explains it best: with the likelihood that it alone has another rate (a scan statistic:
Kulldorff, "A spatial scan statistic", 1997), less for having looked at so many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from responder.model.evidence.approvals import Group, Table
from responder.model.frozen import dataclass
from responder.plan.payment_tables import ABSENT, OTHER

_BY_CHANCE = 0.001
"""Of all looks together so many may mislead; as many values as are looked at share it (Bonferroni)."""
_Z_REST = 3.0
"""What is left counts as well while it lies within three standard deviations, or within the share below."""
_REST = 0.2
"""A part explains the fall where at most a fifth of it lies elsewhere, or of its own payments are spared: rates are of
two moments, and attributes coarse."""
_PRIOR_PAYMENTS = 20.0
"""A usual rate is worth as many payments as it was seen in, beside twenty of the rate of those that are less alike."""
_FEWEST = 20.0
"""With fewer payments beside a part it is not known that the others are well."""
_OF_THE_RISE = 1 / 3
"""Payments whose declines rise by less than a third of what a part's do are spared by what the part meets."""
_MARGIN = 3.0
"""A part that is less than twenty times as likely as another one (e³) is not told apart from it."""
_MOST_ALIKE = 3

Values = tuple[tuple[str, str], ...]
"""Attributes with their values, one or two of them."""


@dataclass(frozen=True)
class Part:
    """Payments that have one value in common, or two."""

    values: Values
    payments: float
    declined: float
    expected: float
    """How many of them would be declined by their usual rates."""

    @property
    def name(self) -> str:
        """The part as people read it: ``issuer northbank``."""
        return name_of(self.values)


@dataclass(frozen=True)
class Fall:
    """More payments are declined than usual."""

    payments: float
    declined: float
    expected: float
    part: Part | None = None
    """What explains it; None: no one value does."""
    alike: tuple[Values, ...] = ()
    """Others that explain it as well: these payments are the same, or nearly."""
    score: float = 0.0
    """The likelihood's logarithm by which the part is better than chance; 0 without one."""

    @property
    def share(self) -> float:
        """The share of all payments that the part is."""
        return self.part.payments / self.payments if self.part and self.payments else 0.0


def name_of(values: Values) -> str:
    """Return values as people read them: ``scheme visa in country DE`` as ``scheme visa, country DE``."""
    return ", ".join(f"{attribute.replace('_', ' ')} {value}" for attribute, value in values)


def expected_share(tables: Sequence[Table]) -> float:
    """Return the share of the window's payments that would be declined by their usual rates; 0 without payments."""
    for table in tables:
        cells = _cells(table)
        payments = math.fsum(cell.payments for cell in cells)
        if payments:
            return math.fsum(cell.expected for cell in cells) / payments
    return 0.0


def explain(tables: Sequence[Table]) -> Fall | None:
    """Return what explains that more payments are declined; None where no more are than may be by chance.

    Of several tables with the same payments the one counts that explains it best.
    """
    found = [fall for table in tables if (fall := _explain(table)) is not None]
    return max(found, key=lambda fall: (fall.part is not None, fall.score), default=None)


class _Cell(NamedTuple):
    """Payments that are alike in all attributes."""

    values: tuple[str, ...]
    payments: float
    declined: float
    expected: float
    variance: float


class _Sums(NamedTuple):
    payments: float
    declined: float
    expected: float
    variance: float

    def without(self, other: _Sums) -> _Sums:
        """Return what is left without a part."""
        return _Sums(*(mine - its for mine, its in zip(self, other, strict=True)))

    @property
    def more(self) -> float:
        """How many more were declined than usual."""
        return self.declined - self.expected

    def exceeds(self, z: float) -> bool:
        """Whether more are declined than chance allows, by variance and by likelihood: few counts are skewed."""
        return self.more > z * math.sqrt(max(0.0, self.variance)) and 2 * _likelihood(self) > z * z


def _cells(table: Table) -> list[_Cell]:
    """Return the groups with what is to be expected of them.

    A group with few payments before is taken for one that is like those with the same value in the attribute by which
    the usual rates differ most: of two countries of one strict bank both are declined often.
    """
    groups = [group for group in table.groups if group.payments or group.usual_payments]
    usual = math.fsum(group.usual_payments for group in groups)
    declined = math.fsum(group.usual_declined for group in groups)
    if not usual:
        return []
    whole = declined / usual
    place = max(range(len(table.attributes)), key=lambda place: (_spread(groups, place, whole), -place), default=None)
    rates = {} if place is None else _rates(groups, place, whole)
    cells = []
    for group in (group for group in groups if group.payments):
        prior = whole if place is None else rates[group.values[place]]
        known = group.usual_payments + _PRIOR_PAYMENTS
        rate = (group.usual_declined + _PRIOR_PAYMENTS * prior) / known
        # What the usual rate is not known exactly by counts as well.
        variance = group.payments * rate * (1 - rate) * (1 + group.payments / known)
        cells.append(_Cell(group.values, group.payments, group.declined, group.payments * rate, variance))
    return cells


def _rates(groups: Sequence[Group], place: int, whole: float) -> dict[str, float]:
    """Return the usual rate of each value of an attribute, rare ones nearer to that of all."""
    seen: dict[str, list[float]] = {}
    for group in groups:
        sums = seen.setdefault(group.values[place], [0.0, 0.0])
        sums[0] += group.usual_payments
        sums[1] += group.usual_declined
    return {value: (declined + _PRIOR_PAYMENTS * whole) / (payments + _PRIOR_PAYMENTS)
            for value, (payments, declined) in seen.items()}


def _spread(groups: Sequence[Group], place: int, whole: float) -> float:
    rates = _rates(groups, place, whole)
    return math.fsum(group.usual_payments * (rates[group.values[place]] - whole) ** 2 for group in groups)


def _explain(table: Table) -> Fall | None:
    cells = _cells(table)
    whole = _sum(cells)
    ranked = sorted(_scored(table, cells, whole), key=lambda scored: (-scored.score, len(scored.values), scored.values))
    # What is lost among all payments may be plain in a part of them.
    plain = bool(ranked) and ranked[0].sums.exceeds(_chance(len(ranked)))
    if not plain and not whole.exceeds(_chance(1)):
        return None
    fall = Fall(whole.payments, whole.declined, whole.expected)
    if not plain:
        return fall
    best = _plainest(ranked)
    rest = whole.without(best.sums)
    rise = best.sums.more / best.sums.payments
    elsewhere = rest.exceeds(_Z_REST) and (
        rest.more > _REST * whole.more or rest.more > _OF_THE_RISE * rise * rest.payments)
    if rest.payments < _FEWEST or elsewhere or _spared(table, cells, best, rise) > _REST * best.sums.payments:
        return fall
    alike = tuple(other.values for other in ranked[1:] if other.score > best.score - _MARGIN
                  and not _within(other.values, best.values))[:_MOST_ALIKE]
    part = Part(best.values, best.sums.payments, best.sums.declined, best.sums.expected)
    return Fall(whole.payments, whole.declined, whole.expected, part, alike, best.score)


def _spared(table: Table, cells: Sequence[_Cell], part: _Scored, rise: float) -> float:
    """Return how many payments of a part are declined no more than usual, by the attribute that shows the most of them.

    Two issuers at once look like all cards, until one sees that the other issuers' cards are approved.
    """
    own = dict(part.values)
    within = [cell for cell in cells if set(part.values) <= set(zip(table.attributes, cell.values, strict=True))]
    most = 0.0
    for place, attribute in enumerate(table.attributes):
        of_value: dict[str, list[_Cell]] = {}
        for cell in within if attribute not in own else ():
            of_value.setdefault(cell.values[place], []).append(cell)
        some = [_sum(found) for found in of_value.values()]
        most = max(most, math.fsum(sums.payments for sums in some if _is_spared(sums, rise)))
    return most


def _is_spared(sums: _Sums, rise: float) -> bool:
    """Whether so many more declined payments would be seen for certain, and hardly any is."""
    wanted = rise * sums.payments
    return sums.more < _OF_THE_RISE * wanted and wanted > _Z_REST * math.sqrt(sums.variance)


def _plainest(ranked: Sequence[_Scored]) -> _Scored:
    """Return what explains it best; one of its values alone, where the rest of that value's payments is not spared."""
    best = ranked[0]
    rise = best.sums.more / best.sums.payments
    wider = (other for other in ranked[1:] if len(best.values) > len(other.values) == 1 and set(other.values) < set(
        best.values) and not _is_spared(other.sums.without(best.sums), rise))
    return next(wider, best)


class _Scored(NamedTuple):
    values: Values
    sums: _Sums
    score: float


def _scored(table: Table, cells: Sequence[_Cell], whole: _Sums) -> Iterator[_Scored]:
    """Yield each value, and each pair of values, with the likelihood that it has a rate of its own."""
    singles, pairs = _parts(table, cells, 1), _parts(table, cells, 2)
    of_one = {values: sums.payments for values, sums in singles.items()}
    for found in (singles, pairs):
        # Of more values that could explain it, the best does so rather by chance.
        less = math.log(max(1, len(found)))
        for values, sums in found.items():
            # A pair that is all of one of its values says no more than that value.
            same = len(values) == 2 and any(of_one.get((value,)) == sums.payments for value in values)
            if not same and sums.payments < whole.payments:
                yield _Scored(values, sums, _likelihood(sums) - less)


def _parts(table: Table, cells: Sequence[_Cell], size: int) -> dict[Values, _Sums]:
    found: dict[Values, list[_Cell]] = {}
    for cell in cells:
        # Values that payments do not bear, or that are many, explain nothing to anybody.
        borne = [(attribute, value) for attribute, value in zip(table.attributes, cell.values, strict=True)
                 if value not in (ABSENT, OTHER)]
        for values in combinations(borne, size):
            found.setdefault(values, []).append(cell)
    return {values: _sum(some) for values, some in found.items()}


def _sum(cells: Iterable[_Cell]) -> _Sums:
    found = list(cells)
    return _Sums(math.fsum(cell.payments for cell in found), math.fsum(cell.declined for cell in found),
                 math.fsum(cell.expected for cell in found), math.fsum(cell.variance for cell in found))


def _likelihood(sums: _Sums) -> float:
    """Return the logarithm of how much likelier its own rate makes a part than the expected one (binomial); 0 where
    fewer are declined than expected.
    """
    if sums.more <= 0:
        return 0.0
    approved, hoped = sums.payments - sums.declined, sums.payments - sums.expected
    return _term(sums.declined, sums.expected) + _term(approved, hoped)


def _term(seen: float, expected: float) -> float:
    return seen * math.log(seen / max(expected, 1e-9)) if seen > 0 else 0.0


def _chance(looks: int) -> float:
    """Return the standard deviations that one of so many looks exceeds with the probability allowed, at most.

    The tail of a normal distribution beyond z is below exp(-z²/2) (Chernoff's bound).
    """
    return math.sqrt(2 * math.log(looks / _BY_CHANCE))


def _within(values: Values, others: Values) -> bool:
    return set(values) >= set(others)
