"""Which of the problems of live state explains the symptom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.evidence.problems import Basis, Family, Problem, Severity
from responder.plan.problems import SURE, Explanation, Failing, explaining, explanations

_BASES: tuple[Basis, ...] = ("guessed", "seen", "said")
_SEVERITIES: tuple[Severity, ...] = ("risks", "lessens", "stops")
_CHECKS = ("a", "b", "c")
_APPS = ("shop", "pay", "stock")


def _problem(check: str = "a", **more: Any) -> Problem:
    return Problem(check, **{"family": "runtime", "object": "deployment/pay", "sentence": "It is wrong.",
                             "severity": "stops", "basis": "said", "apps": ("pay",), **more})


_problems = st.builds(
    _problem, st.sampled_from(_CHECKS), family=st.sampled_from(cast(tuple[Family, ...], (
        "admission", "runtime", "routing", "infrastructure"))),
    object=st.sampled_from(("deployment/pay", "service/shop", "node/n1")), severity=st.sampled_from(_SEVERITIES),
    basis=st.sampled_from(_BASES), apps=st.sets(st.sampled_from(_APPS), max_size=2).map(lambda one: tuple(sorted(one))),
    since=st.sampled_from((0.0, 1e9, 1.0001e9)), follows=st.sets(st.sampled_from(_CHECKS)).map(
        lambda one: tuple(sorted(one))))
_lists = st.lists(_problems, max_size=7)
_failing = st.builds(
    Failing, st.sets(st.sampled_from(_APPS)).map(lambda one: tuple(sorted(one))),
    st.dictionaries(st.sampled_from(_APPS), st.lists(st.sampled_from(_APPS))), st.sampled_from((0.0, 1.0001e9)),
    st.sampled_from((0.0, 1.0002e9)))


def _of(problem: Problem, found: tuple[Explanation, ...]) -> Explanation:
    return next(one for one in found if one.problem == problem)


@given(_lists, _failing, st.randoms())
@settings(max_examples=60)
def test_the_order_of_the_problems_changes_nothing(problems: list[Problem], failing: Failing, random: Any) -> None:
    mixed = list(problems)
    random.shuffle(mixed)
    assert explanations(mixed, failing) == explanations(problems, failing)


@given(_lists, _failing)
@settings(max_examples=60)
def test_confidences_of_what_stands_by_itself_are_shares_of_a_whole(problems: list[Problem], failing: Failing) -> None:
    found = explanations(problems, failing)
    assert all(0 <= one.confidence <= 1 for one in found)
    assert sum(one.confidence for one in found if not one.causes) < 1 + 1e-9
    assert {one.problem for one in found} == set(problems)


@given(_lists, _failing, st.data())
@settings(max_examples=60)
def test_better_evidence_never_lowers_a_confidence(problems: list[Problem], failing: Failing, data: Any) -> None:
    if not problems:
        return
    # Alone of its check: then no other's place as a cause or a likeness changes with it.
    one = replace(data.draw(st.sampled_from(problems)), check="only", follows=(), family="infrastructure")
    others = [problem for problem in problems if "only" not in problem.follows]
    better = replace(one, basis=_BASES[min(2, _BASES.index(one.basis) + 1)])
    assert _of(better, explanations([*others, better], failing)).confidence >= _of(
        one, explanations([*others, one], failing)).confidence - 1e-9


@given(_lists)
@settings(max_examples=60)
def test_one_that_fails_and_is_hit_speaks_for_a_problem(problems: list[Problem]) -> None:
    one = _problem("only", family="infrastructure", object="x/y")
    before, after = (explanations([*problems, one], Failing(components)) for components in (("shop",), ("shop", "pay")))
    hit = [each for each in problems if "pay" in each.apps]
    if not hit:
        assert _of(one, after).confidence >= _of(one, before).confidence


def test_who_is_in_charge_beats_what_is_seen_and_that_beats_a_guess() -> None:
    problems = [_problem(check, basis=basis, object=f"deployment/{check}", apps=(check,))
                for check, basis in zip("abc", _BASES, strict=True)]
    assert [one.problem.basis for one in explanations(problems)] == ["said", "seen", "guessed"]


def test_a_consequence_is_told_below_its_cause_and_takes_nothing_from_it() -> None:
    cause = _problem("registry", basis="seen")
    alone = explanations([cause])[0].confidence
    follows = _problem("crash", follows=("registry",))
    found = explanations([follows, cause])
    assert [one.problem for one in found] == [cause, follows]
    assert (found[0].confidence, found[1].causes) == (alone, (cause,))


def test_a_consequence_elsewhere_is_none() -> None:
    cause = _problem("registry", object="deployment/shop", apps=("shop",))
    assert all(not one.causes for one in explanations([cause, _problem("crash", follows=("registry",))]))


def test_what_hits_everything_explains_what_follows_of_it_anywhere() -> None:
    resolver = _problem("resolver", family="infrastructure", object="deployment/coredns", apps=())
    found = explanations([_problem("crash", follows=("resolver",)), resolver])
    assert found[0].problem == resolver


def test_an_earlier_step_of_a_pods_way_explains_a_later_one() -> None:
    quota = _problem("quota", family="admission", object="namespace/shop")
    nobody = _problem("nobody_ready", family="routing", object="service/pay")
    assert explanations([nobody, quota])[0].problem == quota


def test_two_that_explain_it_equally_well_leave_it_open() -> None:
    problems = [_problem(object=f"deployment/{name}", apps=(name,)) for name in ("pay", "stock")]
    assert explaining(problems) is None
    first = explaining(problems, Failing(("pay",)))
    assert first is not None
    assert first.problem.apps == ("pay",)


def test_the_called_is_told_before_its_caller() -> None:
    problems = [_problem(name, object=f"deployment/{name}", apps=(name,)) for name in ("pay", "shop")]
    found = explanations(problems, Failing(("shop",), {"shop": ("pay",)}))
    assert found[0].problem.apps == ("pay",)


def test_risks_alone_and_guesses_alone_explain_nothing() -> None:
    assert explaining([_problem(severity="risks")]) is None
    assert explaining([_problem(basis="guessed")]) is None
    assert explaining([]) is None


def test_what_is_said_to_stop_what_fails_is_sure() -> None:
    first = explaining([_problem()], Failing(("pay",)))
    assert first is not None
    assert first.confidence > 0.9 > SURE


def test_what_holds_of_many_alike_explains_none_of_them() -> None:
    many = [_problem("usual", basis="seen", object=f"deployment/{name}", apps=(name,)) for name in "abcdefgh"]
    one = _problem("special", basis="seen", object="deployment/a", apps=("a",), severity="lessens")
    assert explanations([*many, one])[0].problem == one


def test_what_is_old_explains_less_than_what_began_with_the_symptom() -> None:
    old, new = (_problem(name, since=since, object=f"deployment/{name}", apps=(name,))
                for name, since in (("old", 1e9 - 1e6), ("new", 1e9)))
    assert explanations([old, new], Failing(onset=1e9 + 60))[0].problem == new
