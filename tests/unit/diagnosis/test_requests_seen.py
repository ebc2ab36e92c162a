"""What single requests show: seconds spent by a component or on a way, work that ends early, lines that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from responder.plan.origin import Symptom, rank
from responder.plan.requests_seen import Edge, Lines, Requests, Span, Stretch, Trace
from responder.plan.requests_seen.origins import Origins, origins
from responder.plan.requests_seen.written import is_error

OWN = {"door": 0.02, "cart": 0.03, "stock": 0.04, "mail": 0.05}
CALLS = {"door": ("cart", "stock", "mail"), "cart": ("stock",)}
WAY = 0.005


def edges(own: Mapping[str, float], ways: Mapping[tuple[str, str], float] | None = None,
          calls: float = 200.0) -> list[Edge]:
    """Each component answers its callers after its own seconds and its calls'."""
    found = []

    def answered(name: str) -> float:
        return own[name] + sum(answered(other) + way(name, other) for other in CALLS.get(name, ()))

    def way(caller: str, callee: str) -> float:
        return (ways or {}).get((caller, callee), WAY)

    for caller, called in CALLS.items():
        found += [Edge(caller, name, f"get {name}", calls, answered(name), answered(name) + way(caller, name))
                  for name in called]
    return [Edge("", "door", "", calls, answered("door")), *found]


def usual(stretches: int = 6) -> list[Stretch]:
    """Normal operation, with a little difference between its stretches."""
    return [Stretch(edges({name: seconds * (1 + 0.01 * number) for name, seconds in OWN.items()}))
            for number in range(stretches)]


def first(found: Origins) -> str:
    return max(found.shares, key=lambda name: found.shares[name], default="")


def of_edges(now: Sequence[Edge], stretches: int = 6) -> Origins:
    return origins(Requests([Stretch(now)], usual(stretches)), CALLS)


@pytest.mark.parametrize("name", sorted(OWN))
@pytest.mark.parametrize("stretches", [1, 3, 6])
def test_the_component_that_spends_the_time_itself_is_named_and_not_those_that_wait(name: str, stretches: int) -> None:
    found = of_edges(edges({**OWN, name: 30 * OWN[name]}), stretches)
    assert list(found.shares) == [name]
    assert found.of(name)[0].kind == "slow"


def test_a_way_that_is_slow_for_all_callers_is_the_callees_though_it_is_well_by_its_own_clock() -> None:
    found = of_edges(edges(OWN, {("door", "stock"): 0.3, ("cart", "stock"): 0.3}))
    assert first(found) == "stock"
    assert found.of("stock")[0].kind == "way"


def test_a_caller_all_of_whose_ways_are_slow_is_slow_itself() -> None:
    slow = {("door", name): 0.3 for name in CALLS["door"]}
    assert first(of_edges(edges(OWN, slow))) == "door"


def test_one_slow_way_of_several_is_the_other_ends() -> None:
    assert first(of_edges(edges(OWN, {("door", "mail"): 0.3}))) == "mail"


def test_nothing_is_sure_in_normal_operation() -> None:
    found = of_edges(edges(OWN))
    assert (found.sure, found.unmistakable) == (0.0, False)


def trace(*calls: str, inside: Mapping[str, Sequence[str]] | None = None, number: int = 0) -> Trace:
    """A request to ``door`` that calls others one after another, each of them with calls of its own."""
    spans = [Span(f"{number}", "", "door", "serve", 0.0)]
    for at, name in enumerate(calls):
        spans += [Span(f"{number}/{at}", f"{number}", "door", f"call {name}", at + 0.1),
                  Span(f"{number}/{at}/s", f"{number}/{at}", name, f"serve {name}", at + 0.2)]
        spans += [Span(f"{number}/{at}/{inner}", f"{number}/{at}/s", name, inner, at + 0.3)
                  for inner in (inside or {}).get(name, ())]
    return spans


def of_traces(now: Sequence[Trace]) -> Origins:
    before = [trace("cart", "stock", "mail", inside={"stock": ("read", "sum")}, number=i) for i in range(40)]
    before += [trace("stock", "cart", inside={"stock": ("read", "sum")}, number=i) for i in range(40)]
    return origins(Requests([Stretch(traces=now)], [Stretch(traces=before)]), CALLS)


def test_requests_that_end_before_any_call_end_in_the_component_itself() -> None:
    assert first(of_traces([trace(number=i) for i in range(10)])) == "door"


def test_requests_that_end_after_one_call_in_one_place_end_in_the_caller() -> None:
    now = [trace("cart", inside={"stock": ("read", "sum")}, number=i) for i in range(10)]
    assert first(of_traces(now)) == "door"


def test_requests_that_end_after_the_same_call_in_several_places_end_in_the_callee() -> None:
    whole = {"stock": ("read", "sum")}
    now = [trace("cart", "stock", inside=whole, number=i) for i in range(10)]
    now += [trace("stock", inside=whole, number=i) for i in range(10)]
    assert first(of_traces(now)) == "stock"


def test_work_that_ends_early_below_explains_that_its_caller_ends_early() -> None:
    now = [trace("cart", "stock", inside={"stock": ("read",)}, number=i) for i in range(10)]
    found = of_traces(now)
    assert first(found) == "stock"
    assert "door" not in found.shares


def test_calls_that_most_requests_no_longer_make_are_counted() -> None:
    fewer = [Edge(edge.caller, edge.callee, edge.operation, 20.0, edge.seconds, edge.caller_seconds)
             if edge.caller == "cart" else edge for edge in edges(OWN)]
    found = of_edges(fewer)
    assert first(found) == "cart"
    assert found.of("cart")[0].reason == "it calls stock 20 times, where 200 were expected of 200 requests"


def lines(component: str, pattern: str, count: float, error: bool = False) -> Lines:
    return Lines(component, pattern, count, error)


def test_an_error_that_a_component_and_its_caller_write_began_below() -> None:
    before = [Stretch(lines=[lines(name, "served", 100) for name in OWN]) for _ in range(3)]
    now = Stretch(lines=[*(lines(name, "served", 100) for name in OWN),
                         lines("door", "cannot get stock", 40, True), lines("stock", "broken pipe", 40, True)])
    found = origins(Requests([now], before), CALLS)
    assert list(found.shares) == ["stock"]
    assert found.of("stock")[0].reason == "it writes 'broken pipe' 40 times, where 0 were expected"


def test_a_line_that_stops_while_the_others_go_on_shows_where_the_code_no_longer_gets() -> None:
    before = [Stretch(lines=[lines("mail", text, 100) for text in ("begin", "look up", "end")]) for _ in range(3)]
    now = Stretch(lines=[lines("mail", "begin", 100), lines("mail", "look up", 100)])
    assert first(origins(Requests([now], before), CALLS)) == "mail"


def test_more_lines_because_of_more_traffic_show_nothing() -> None:
    before = [Stretch(lines=[lines("mail", text, 100) for text in ("begin", "look up", "end")]) for _ in range(3)]
    now = Stretch(lines=[lines("mail", text, 300) for text in ("begin", "look up", "end")])
    assert not origins(Requests([now], before), CALLS).shares


@pytest.mark.parametrize(("level", "text", "error"), [
    ("ERROR", "x", True), ("severe", "x", True), ("INFO", "no error at all", False), ("", "java.io.IOException", True),
    ("", "Traceback (most recent call last)", True), ("", "terrorised", False), ("", "payment failed", True)])
def test_an_error_is_told_by_its_level_or_by_words_where_there_is_none(level: str, text: str, error: bool) -> None:
    assert is_error(level, text) is error


def test_requests_alone_name_a_component_where_nothing_was_measured_and_somebody_asks() -> None:
    slow = Requests([Stretch(edges({**OWN, "stock": 2.0}))], usual())
    asked = rank(CALLS, {}, Symptom("door", "latency", 0.0), certain=True, requests=slow)
    assert [(each.component, each.shows) for each in asked] == [("stock", "slow")]
    assert rank(CALLS, {}, Symptom("door", "latency", 0.0), requests=slow) == []


def test_calls_that_were_seen_stand_in_for_a_graph_that_knows_none() -> None:
    times = [60.0 * number for number in range(30)]
    series = {name: {"latency": [(time, seconds + (3.0 if time >= 1500 else 0.0001 * (time % 7))) for time in times]}
              for name, seconds in (("door", 0.2), ("stock", 0.04))}
    seen = Requests((), (Stretch(edges(OWN)),))
    symptom = Symptom("door", "latency", 1510.0)
    assert rank({}, series, symptom, certain=True)[0].component == "door"
    assert rank({}, series, symptom, certain=True, requests=seen)[0].component == "stock"


NAMES = st.sampled_from(["a", "b", "ü/ä-1", "", "x y", "e:80"])
EDGES = st.builds(Edge, NAMES, NAMES, NAMES, st.floats(0, 1e6), st.none() | st.floats(0, 1e4),
                  st.none() | st.floats(0, 1e4))
SPANS = st.builds(Span, st.sampled_from("12345"), st.sampled_from(["", *"12345"]), NAMES, NAMES, st.floats(0, 100))
STRETCHES = st.builds(Stretch, st.lists(EDGES, max_size=6), st.lists(st.lists(SPANS, max_size=6), max_size=4),
                      st.lists(st.builds(Lines, NAMES, NAMES, st.floats(0, 1e6), st.booleans()), max_size=4))


@given(st.lists(STRETCHES, max_size=3), st.lists(STRETCHES, max_size=4))
@hypothesis_settings(max_examples=30, deadline=None)
def test_whatever_was_seen_the_shares_add_up_and_no_name_is_made_up(now: list[Stretch], before: list[Stretch]) -> None:
    found = origins(Requests(now, before), {"a": ("b", "a")})
    assert not found.shares or sum(found.shares.values()) == pytest.approx(1.0)
    assert 0.0 <= found.sure <= 1.0
    known = {name for stretch in (*now, *before) for name in (
        *(name for edge in stretch.edges for name in (edge.caller, edge.callee)),
        *(span.component for each in stretch.traces for span in each), *(line.component for line in stretch.lines))}
    assert {*found.shares} <= known
