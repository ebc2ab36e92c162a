"""What declined payments have in common: found where one value explains it, and never in what is chance or mix."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.evidence.approvals import Group, Table
from responder.plan.declines import Fall, expected_share, explain
from responder.plan.payment_tables import ABSENT, OTHER, table, unknown

ATTRIBUTES = ("method", "scheme", "issuer", "country")
KINDS = [("card", scheme, issuer, country) for scheme in ("visa", "mastercard")
         for issuer in ("north", "sea", "hill", "lake") for country in ("DE", "FR")] + [
    ("wallet", ABSENT, ABSENT, "DE"), ("invoice", ABSENT, ABSENT, "FR")]
Kind = tuple[str, ...]
Bad = Callable[[Mapping[str, str]], object]


def made(seed: int, bad: Bad, rate: float = 0.9, payments: int = 1500, weigh: Callable[[Kind], float] | None = None,
         kinds: list[Kind] | None = None) -> Table:
    """A table of payments by chance: those that are ``bad`` are declined at ``rate``, others as usual."""
    rng, every = random.Random(seed), kinds or KINDS
    usual = {kind: rng.uniform(0.03, 0.25) for kind in every}
    many = {kind: rng.uniform(0.5, 2.0) for kind in every}
    now, before = [many[kind] * (weigh(kind) if weigh else 1.0) for kind in every], [many[kind] for kind in every]

    hit = {kind: rate if bad(dict(zip(ATTRIBUTES, kind, strict=True))) else usual[kind] for kind in every}
    counts = {kind: [0.0, 0.0] for kind in every}
    for kind in rng.choices(every, now, k=payments):
        counts[kind][0] += 1
        counts[kind][1] += rng.random() < hit[kind]
    usually = {kind: round(20_000 * weight / sum(before)) for kind, weight in zip(every, before, strict=True)}
    return table(ATTRIBUTES, {kind: (a, b) for kind, (a, b) in counts.items()},
                 {kind: (count, round(count * usual[kind])) for kind, count in usually.items()})


def found(fall: Fall | None) -> tuple[tuple[str, str], ...]:
    assert fall is not None and fall.part is not None
    return fall.part.values


VALUES = sorted({(attribute, kind[place]) for place, attribute in enumerate(ATTRIBUTES) for kind in KINDS
                 if kind[place] not in (ABSENT, "card")})


SEEDS = range(60)
"""Tables by chance: what is found in nearly all of them is no luck, and these are the same ones in each run."""


def test_a_value_whose_payments_are_declined_is_found() -> None:
    right = wrong = asked = 0
    for seed in SEEDS:
        attribute, value = VALUES[seed % len(VALUES)]
        seen = made(seed, lambda kind, a=attribute, v=value: kind[a] == v, rate=0.6 + 0.4 * seed / len(SEEDS))
        place = ATTRIBUTES.index(attribute)
        # Fewer are no outage (``confirm.error_rate``).
        if sum(group.payments for group in seen.groups if group.values[place] == value) < 0.05 * 1500:
            continue
        asked += 1
        fall = explain([seen])
        named = fall.part is not None and ((attribute, value),) in (fall.part.values, *fall.alike) if fall else False
        right += named
        wrong += fall is not None and fall.part is not None and not named
    assert asked > 40
    assert right >= 0.95 * asked
    assert wrong <= 0.02 * asked


def test_a_pair_of_values_is_found_where_neither_alone_explains_it() -> None:
    right = 0
    for seed in SEEDS:
        pair = (("north", "sea", "hill")[seed % 3], ("DE", "FR")[seed % 2])
        fall = explain([made(seed, lambda kind, p=pair: (kind["issuer"], kind["country"]) == p, payments=3000)])
        part = fall.part.values if fall and fall.part else ()
        right += part == (("issuer", pair[0]), ("country", pair[1]))
        assert not part or dict(part).get("issuer") == pair[0], seed
    assert right >= 0.95 * len(SEEDS)


def test_another_mix_of_payments_is_no_fall() -> None:
    for seed in SEEDS:
        seen = made(seed, lambda kind: False, weigh=lambda kind, more=seed / 6: more if kind[2] == "hill" else 1.0)
        fall = explain([seen])
        assert fall is None or fall.part is None, seed


def test_chance_alone_is_hardly_ever_a_fall() -> None:
    falls = [explain([made(seed, lambda kind: False)]) for seed in range(100)]
    assert sum(fall is not None for fall in falls) <= 1


def test_a_scheme_that_is_most_of_a_country_does_not_blame_the_country() -> None:
    # Nine of ten payments in France are by the scheme that is declined; the tenth, and other countries, tell.
    kinds = [("card", "cb", "north", "FR")] * 9 + [("card", "visa", "north", "FR")] + [
        ("card", "visa", "sea", "DE")] * 9 + [("card", "cb", "sea", "DE")]
    weights = {kind: float(kinds.count(kind)) for kind in kinds}
    seen = made(3, lambda kind: kind["scheme"] == "cb", payments=4000, weigh=lambda kind: weights[kind],
                kinds=sorted(set(kinds)))
    assert found(explain([seen])) == (("scheme", "cb"),)


def test_what_cannot_be_told_apart_is_said_of_both() -> None:
    # The bank is in no other country, and the country has no other bank.
    kinds = [("card", "visa", "north", "NO"), ("card", "visa", "sea", "DE"), ("card", "visa", "hill", "DE")]
    fall = explain([made(5, lambda kind: kind["issuer"] == "north", kinds=kinds)])
    assert fall is not None and fall.part is not None
    assert {fall.part.values, *fall.alike} == {(("issuer", "north"),), (("country", "NO"),)}


def test_two_values_that_fall_at_once_are_not_one() -> None:
    fall = explain([made(7, lambda kind: kind["issuer"] in ("north", "hill"))])
    assert fall is not None and fall.part is None


def test_where_all_payments_fall_no_value_explains_it() -> None:
    fall = explain([made(9, lambda kind: True, rate=0.6)])
    assert fall is not None and fall.part is None
    assert fall.declined > 2 * fall.expected


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_groups_changes_nothing(seed: int, rng: random.Random) -> None:
    seen = made(seed, lambda kind: kind["issuer"] == "sea")
    groups = list(seen.groups)
    rng.shuffle(groups)
    assert explain([seen]) == explain([Table(seen.attributes, tuple(groups))])


def test_the_expected_share_follows_the_mix() -> None:
    strict, easy = Group(("hill",), 300, 90, 1000, 300), Group(("sea",), 100, 5, 9000, 450)
    assert expected_share([Table(("issuer",), (strict, easy))]) == pytest.approx(95 / 400, rel=0.02)
    assert expected_share([]) == 0.0


@given(st.dictionaries(st.tuples(st.sampled_from("abcdefghijklmnop"), st.integers(0, 9).map(str)),
                       st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=120), st.integers(4, 40))
@settings(max_examples=15, deadline=None)
def test_a_table_with_rare_values_put_together_loses_no_payment(
        counts: dict[tuple[str, ...], tuple[float, float]], most: int) -> None:
    found = table(("letter", "digit"), counts, {}, most)
    assert len(found.groups) <= max(most, 1)
    assert sum(group.payments for group in found.groups) == sum(payments for payments, _ in counts.values())
    assert sum(group.declined for group in found.groups) == sum(declined for _, declined in counts.values())


def test_an_attribute_that_no_payment_bears_is_named() -> None:
    assert unknown([Table(("method", "issuer"), (Group(("card", ABSENT), 1, 0, 1, 0),))]) == ("issuer",)
    assert unknown([Table(("issuer",), (Group((OTHER,), 1, 0, 1, 0),))]) == ()
