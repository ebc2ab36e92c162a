"""The mechanisms and their weights: gathered, written out, read back, and checked name by name."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from responder import actions
from responder.model.codec import Malformed, encode
from responder.plan import mechanisms, signals
from responder.plan.weights import PEOPLE, WAIT, shipped, weights_of


def test_weights_that_are_written_out_are_read_back_the_same() -> None:
    written = json.loads(json.dumps(encode(shipped())))
    assert weights_of(written) == shipped()
    changed = replace(shipped(), prior=-9.0)
    assert weights_of(json.loads(json.dumps(encode(changed)))) == changed


@pytest.mark.parametrize(("place", "value", "told"), [
    (("mechanisms", "bad_release", "weights", "no_such_signal"), 1.0, "mechanisms.bad_release.*a kind of signal"),
    (("mechanisms", "bad_release", "weights", "pods_crash"), "much", "pods_crash: expected a number"),
    (("mechanisms", "bad_release", "needs"), "no_such_signal", "mechanisms.bad_release.*a kind of signal"),
    (("mechanisms", "bad_release", "cause"), "no_such_cause", "bad_release.cause.*a cause"),
    (("mechanisms", "bad_release", "remedies"), ["no_such_remedy"], "mechanisms.bad_release.*a remedy"),
    (("mechanisms", "bad_release", "worsened_by"), ["no_such_remedy"], "mechanisms.bad_release.*a remedy"),
    (("mechanisms", "bad_release", "remedis"), [], "remedis.*such as remedies"),
    (("mechanisms", "no_such_mechanism"), {"cause": "overload", "remedies": [], "weights": {}}, "a mechanism"),
    (("causes", "no_such_cause"), {}, "causes.*a cause"),
    (("causes", "overload", "no_such_signal"), 1.0, "causes.overload.*a kind of signal"),
    (("prior",), None, "prior")])
def test_a_name_that_there_is_not_is_an_error_that_names_its_place(place: tuple[str, ...], value: Any,
                                                                   told: str) -> None:
    written = json.loads(json.dumps(encode(shipped())))
    target = written
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    with pytest.raises(Malformed, match=told):
        weights_of(written)


def test_a_mechanism_s_remedies_are_actions_or_nobody_s() -> None:
    known = {action.name for action in actions.every()} | {WAIT, PEOPLE}
    for mechanism in mechanisms.every():
        assert mechanism.remedies, mechanism.id
        assert {*mechanism.remedies, *mechanism.worsened_by} <= known, mechanism.id


def test_each_mechanism_has_a_title_and_a_signal_that_speaks_for_it() -> None:
    for mechanism in mechanisms.every():
        assert mechanism.title[0].islower() or mechanism.title.startswith("DNS"), mechanism.id
        assert max(mechanism.weights.values()) >= 1.0, mechanism.id
    assert len({mechanism.title for mechanism in mechanisms.every()}) == len(mechanisms.every())


def test_each_signal_has_a_reason_and_bears_on_a_cause_or_is_only_shown() -> None:
    weights = shipped()
    shown = {kind.id for kind in vars(signals.shown_only).values() if isinstance(kind, signals.SignalKind)}
    for name, kind in signals.kinds().items():
        assert len(kind.reason) > 20, name
        assert bool(weights.supported_by(name) or weights.denied_by(name)) is (name not in shown), name


def test_a_weight_of_a_mechanism_takes_the_place_of_its_cause_s() -> None:
    weights = shipped()
    assert weights.of("fails_in_itself", "bad_release") == weights.causes["code_bug"]["fails_in_itself"]
    assert (weights.of("database_calls_fail", "more_traffic"), weights.causes["overload"]["database_calls_fail"]) == (
        -2.0, -1.5)
    assert weights.of("fails_in_itself", "provider_fails") == -2.5
