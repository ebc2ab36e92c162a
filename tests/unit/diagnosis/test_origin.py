"""Which component began an outage: chains, circles, missing data, and measurements in which nothing happened."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bench.isolation import main
from bench.outages import outages, quiet
from responder.plan.origin import Points, Settings, Suspect, Symptom, callers_views, rank

PERIOD, NORMAL, DURING = 60.0, 240, 4
START = 1_800_000_000.0
ALARM = START + NORMAL * PERIOD
CHAIN = {"shop": ("cart",), "cart": ("stock",), "stock": ()}
Kinds = dict[str, list[tuple[float, float | None]]]
Fault = Callable[[Kinds], None]


def measured(names: Mapping[str, float], faults: Mapping[str, Fault] | None = None, seed: int = 1,
             requests: float = 1000.0) -> dict[str, Kinds]:
    """Components, with their usual seconds a request, in four hours of normal operation and four minutes of outage."""
    series: dict[str, Kinds] = {}
    for name, seconds in names.items():
        random = Random(f"{seed}/{name}")
        times = [START + PERIOD * i for i in range(NORMAL + DURING)]
        series[name] = {
            "latency": [(time, seconds * random.gauss(1, 0.02)) for time in times],
            "availability": [(time, 100 - max(0.0, random.gauss(0.1, 0.05))) for time in times],
            "requests": [(time, float(round(random.gauss(requests, 15)))) for time in times]}
        if faults and name in faults:
            faults[name](series[name])
    return series


def more(kind: str, by: float) -> Fault:
    """Add to a metric during the outage."""
    def fault(kinds: Kinds) -> None:
        kinds[kind] = [(time, value + by if time >= ALARM and value is not None else value)
                       for time, value in kinds[kind]]
    return fault


def silent(kinds: Kinds) -> None:
    """Nothing is measured any more."""
    for kind, points in kinds.items():
        kinds[kind] = [(time, value if time < ALARM else None) for time, value in points]


def found(graph: Mapping[str, tuple[str, ...]], series: Mapping[str, Mapping[str, Points]], metric: str = "latency",
          views: Mapping[str, str] | None = None) -> list[str]:
    return [suspect.component for suspect in rank(graph, series, Symptom("shop", metric, ALARM), views)]


SECONDS = {"shop": 0.1, "cart": 0.05, "stock": 0.02}


@pytest.mark.parametrize(("origin", "slow"), [("stock", ("shop", "cart", "stock")), ("cart", ("shop", "cart")),
                                               ("shop", ("shop",))])
def test_a_slow_component_whose_callee_is_as_much_slower_is_impacted(origin: str, slow: tuple[str, ...]) -> None:
    suspects = rank(CHAIN, measured(SECONDS, {name: more("latency", 0.05) for name in slow}),
                    Symptom("shop", "latency", ALARM))
    assert suspects[0].component == origin
    assert suspects[0].score > 0.8
    assert "it takes" in suspects[0].reason.lower()


@pytest.mark.parametrize(("origin", "failing"), [("stock", ("shop", "cart", "stock")), ("cart", ("shop", "cart")),
                                                  ("shop", ("shop",))])
def test_a_failing_component_whose_callee_fails_as_often_is_impacted(origin: str, failing: tuple[str, ...]) -> None:
    series = measured(SECONDS, {name: more("availability", -8.0) for name in failing})
    assert found(CHAIN, series, "availability")[0] == origin


def test_two_faults_are_both_named_the_greater_first() -> None:
    graph = {"shop": ("cart", "price"), "cart": (), "price": ()}
    series = measured({"shop": 0.2, "cart": 0.05, "price": 0.05},
                      {"shop": more("latency", 0.15), "cart": more("latency", 0.1), "price": more("latency", 0.05)})
    suspects = rank(graph, series, Symptom("shop", "latency", ALARM))
    assert [each.component for each in suspects[:2]] == ["cart", "price"]
    assert suspects[0].score == pytest.approx(0.67, abs=0.1)


def test_a_large_deviation_off_the_failing_path_is_not_named() -> None:
    graph = {**CHAIN, "shop": ("cart", "mail"), "mail": (), "report": ("stock",)}
    series = measured({**SECONDS, "mail": 2.0, "report": 1.0},
                      {"shop": more("latency", 0.05), "cart": more("latency", 0.05), "report": more("latency", 30.0),
                       "mail": more("latency", 20.0)})
    # Nobody waits for the mail: the shop would be slower by twenty seconds.
    ranking = found(graph, series)
    assert ranking[0] == "cart"
    assert "report" not in ranking


def test_work_that_nobody_waited_for_before_does_not_count() -> None:
    def spells(kinds: Kinds) -> None:
        kinds["latency"] = [(time, value + 0.06 if i % 40 < 2 or time >= ALARM else value)
                            for i, (time, value) in enumerate(kinds["latency"]) if value is not None]
    graph = {**CHAIN, "shop": ("cart", "mail"), "mail": ()}
    series = measured({**SECONDS, "mail": 0.05}, {"shop": more("latency", 0.05), "cart": more("latency", 0.05),
                                                  "mail": spells})
    assert found(graph, series)[0] == "cart"


def test_a_component_that_says_nothing_any_more_while_its_caller_fails_is_the_origin() -> None:
    series = measured(SECONDS, {"shop": more("availability", -40), "cart": more("availability", -40), "stock": silent})
    suspects = rank(CHAIN, series, Symptom("shop", "availability", ALARM))
    assert suspects[0].component == "stock"
    assert "fewer requests" in suspects[0].reason


def test_a_component_that_gets_fewer_requests_because_its_caller_does_is_not_gone() -> None:
    fewer = more("requests", -700.0)
    series = measured(SECONDS, {"shop": more("availability", -40), "cart": more("availability", -40)})
    fewer(series["cart"])
    fewer(series["stock"])
    assert found(CHAIN, series, "availability")[0] == "cart"


def test_calls_that_fail_and_are_tried_again_make_the_caller_slow() -> None:
    series = measured(SECONDS, {"shop": more("latency", 0.08), "cart": more("latency", 0.08),
                                "stock": more("availability", -30.0)})
    assert found(CHAIN, series)[0] == "stock"


def test_a_slow_callee_whose_caller_gives_up_is_the_origin_of_the_failures() -> None:
    series = measured(SECONDS, {"shop": more("availability", -20.0), "cart": more("availability", -20.0),
                                "stock": more("latency", 0.5)})
    for name in ("shop", "cart"):
        more("latency", 0.4)(series[name])
    assert found(CHAIN, series, "availability")[0] == "stock"


def test_too_many_requests_are_blamed_on_where_they_begin() -> None:
    series = measured(SECONDS, {"shop": more("latency", 0.08), "cart": more("latency", 0.08),
                                "stock": more("latency", 0.07)})
    for name in ("cart", "stock"):
        more("requests", 3000.0)(series[name])
    assert found(CHAIN, series)[0] == "cart"


def test_a_component_that_starves_sees_all_that_it_calls_slow() -> None:
    graph = {"shop": ("cart",), "cart": ("store", "cache"), "store": (), "cache": ()}
    series = measured({"shop": 0.1, "cart": 0.05, "store": 0.01, "cache": 0.01},
                      {"shop": more("latency", 0.1), "cart": more("latency", 0.1), "store": more("latency", 0.04),
                       "cache": more("latency", 0.04)})
    assert found(graph, series)[0] == "cart"


def test_a_component_that_never_measured_anything_is_seen_through() -> None:
    graph = {"shop": ("proxy",), "proxy": ("stock",), "stock": ()}
    series = measured({"shop": 0.1, "stock": 0.02}, {"shop": more("latency", 0.05), "stock": more("latency", 0.05)})
    assert found(graph, series)[0] == "stock"


def test_only_the_callers_see_it_then_it_is_the_callers_unless_the_component_is_not_well() -> None:
    graph = {"shop": ("cart", "lb-cart_remote"), "cart": ()}
    views = callers_views({*graph, "lb-cart_remote"})
    assert views == {"lb-cart_remote": "cart"}
    faults = {"shop": more("latency", 0.05), "lb-cart_remote": more("latency", 0.05)}
    names = {"shop": 0.1, "cart": 0.05, "lb-cart_remote": 0.05}
    assert found(graph, measured(names, faults), views=views) == ["shop"]
    assert found(graph, measured(names, {**faults, "cart": silent}), views=views)[0] == "cart"
    assert found(graph, measured(names, {**faults, "cart": more("latency", 0.05)}), views=views)[0] == "cart"


@pytest.mark.parametrize(("slow", "origin"), [(("cart",), "cart"), (("price",), "price"), (("cart", "price"), "shop")])
def test_the_way_to_a_component_is_its_own_unless_most_ways_of_its_caller_are_slow(slow: tuple[str, ...],
                                                                                    origin: str) -> None:
    """Both are well by their own clocks: a network delay at the pods of one, or a caller that starves."""
    graph = {"shop": ("cart_remote", "price_remote", "stock_remote"), "cart": (), "price": (), "stock": ()}
    names = {"shop": 0.3, **dict.fromkeys(("cart", "price", "stock"), 0.05),
             **dict.fromkeys(("cart_remote", "price_remote", "stock_remote"), 0.06)}
    faults = {"shop": more("latency", 0.2), **{f"{name}_remote": more("latency", 0.2) for name in slow}}
    assert found(graph, measured(names, faults), views=callers_views(names))[0] == origin


def test_one_call_of_many_that_is_slow_is_found_though_the_entry_hardly_shows_it() -> None:
    graph = {"shop": ("cart", "price"), "cart": ("stock",), "price": (), "stock": ()}
    names = {"shop": 0.3, "cart": 0.05, "price": 0.02, "stock": 0.01}
    felt = measured(names, {"stock": more("latency", 0.5), "cart": more("latency", 0.5)})
    assert found(graph, felt)[0] == "stock"
    # Nobody waits for this one: its bad time is no outage.
    assert not found(graph, measured(names, {"stock": more("latency", 0.5)}))


def test_names_of_views() -> None:
    names = {"Search_AWS::ECS::Fargate", "Search_client", "pay_v1", "pay_v2", "pay_remote", "10.0.0.1_remote",
             "servi-searc.example_remote"}
    assert callers_views(names) == {"Search_client": "Search_AWS::ECS::Fargate",
                               "servi-searc.example_remote": "Search_AWS::ECS::Fargate"}
    assert callers_views(()) == {}
    # A name that others begin with is its own.
    assert callers_views({"order", "order-other", "order_client", "order-other_client"}) == {
        "order_client": "order", "order-other_client": "order-other"}


def test_a_circle_of_calls_ends_and_names_those_in_it() -> None:
    graph = {"shop": ("cart",), "cart": ("stock", "cart"), "stock": ("cart",)}
    series = measured(SECONDS, {name: more("latency", 0.05) for name in SECONDS})
    suspects = rank(graph, series, Symptom("shop", "latency", ALARM))
    assert {each.component for each in suspects[:2]} == {"cart", "stock"}
    assert sum(each.score for each in suspects) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("graph", [{}, {"shop": ()}, {"elsewhere": ("other",)}, {"shop": ("unknown",)}])
def test_without_a_graph_only_the_symptom_itself_can_be_named(graph: dict[str, tuple[str, ...]]) -> None:
    assert found(graph, measured(SECONDS, {"shop": more("latency", 0.05)})) == ["shop"]


def test_without_measurements_nobody_is_named() -> None:
    assert found(CHAIN, {}) == []
    assert found(CHAIN, {"shop": {}}) == []
    assert found(CHAIN, {"shop": {"latency": [(ALARM, 3.0)]}}) == []
    assert found(CHAIN, {"shop": {"latency": [(START + PERIOD * i, None) for i in range(NORMAL + DURING)]}}) == []


def test_another_metric_is_compared_by_how_unusual_it_is() -> None:
    series = measured(SECONDS)
    for name in ("shop", "cart"):
        random = Random(name)
        series[name]["queue"] = [(time, random.gauss(20, 2) + (40 if time >= ALARM else 0))
                                 for time, _ in series[name]["latency"]]
    assert found(CHAIN, series, "queue")[0] == "cart"


def test_a_single_bad_period_accuses_nobody_unless_the_outage_is_certain() -> None:
    series = measured(SECONDS)
    for name in SECONDS:
        series[name]["latency"][NORMAL] = (ALARM, 1.0)
    symptom = Symptom("shop", "latency", ALARM)
    assert rank(CHAIN, series, symptom) == []
    assert rank(CHAIN, series, symptom, certain=True)


def test_a_level_that_had_moved_before_the_outage_is_not_its_doing() -> None:
    def moved(kinds: Kinds) -> None:
        kinds["latency"] = [(time, value + (0.05 if time >= ALARM - 2700 else 0.0))
                            for time, value in kinds["latency"] if value is not None]
    graph = {"shop": ("cart", "price"), "cart": (), "price": ()}
    series = measured({"shop": 0.1, "cart": 0.05, "price": 0.05},
                      {"shop": more("latency", 0.05), "cart": more("latency", 0.05), "price": moved})
    ranking = rank(graph, series, Symptom("shop", "latency", ALARM))
    assert ranking[0].component == "cart"
    assert sum(each.score for each in ranking if each.component == "price") < 0.05


@given(st.integers(0, 1000), st.sampled_from(["latency", "availability"]))
@hypothesis_settings(max_examples=20)
def test_the_order_of_what_is_given_does_not_matter(seed: int, metric: str) -> None:
    random = Random(seed)
    graph = {"shop": ("cart", "price", "mail"), "cart": ("stock",), "price": ("stock",), "mail": (), "stock": ("shop",)}
    faults = {name: more(metric, 0.05 if metric == "latency" else -5.0) for name in ("shop", "price", "stock")}
    series = measured(dict.fromkeys(graph, 0.05), faults)
    symptom = Symptom("shop", metric, ALARM)

    def shuffled(mapping: Mapping[str, Any]) -> dict[str, Any]:
        names = list(mapping)
        random.shuffle(names)
        return {name: mapping[name] for name in names}

    expected = rank(graph, series, symptom)
    calls = shuffled({name: tuple(random.sample(called, len(called))) for name, called in graph.items()})
    points = shuffled({name: {kind: random.sample(values, len(values)) for kind, values in shuffled(kinds).items()}
                       for name, kinds in series.items()})
    assert rank(calls, points, symptom) == expected


VALUE = st.none() | st.floats(min_value=0, max_value=1e6) | st.just(0.0)
NAMES = st.sampled_from(["shop", "cart", "stock", "a_remote"])


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4).map(tuple)),
       st.dictionaries(NAMES, st.dictionaries(st.sampled_from(["latency", "availability", "requests", "cpu"]),
                                              st.lists(VALUE, min_size=25, max_size=40))),
       st.sampled_from(["latency", "availability", "requests", "cpu"]), st.integers(15, 40), st.booleans())
def test_whatever_is_measured_the_shares_add_up(graph: dict[str, tuple[str, ...]],
                                                values: dict[str, dict[str, list[float | None]]], metric: str,
                                                alarm: int, certain: bool) -> None:
    series = {name: {kind: [(START + PERIOD * i, value) for i, value in enumerate(column)]
                     for kind, column in kinds.items()} for name, kinds in values.items()}
    suspects = rank(graph, series, Symptom("shop", metric, START + PERIOD * alarm), {"a_remote": "cart"},
                    Settings(recent=120.0), certain=certain)
    assert all(0 <= suspect.score <= 1 and suspect.reason.endswith(".") for suspect in suspects)
    assert not suspects or sum(suspect.score for suspect in suspects) == pytest.approx(1, abs=0.01)
    assert len({suspect.component for suspect in suspects}) == len(suspects)


@given(st.integers(0, 10_000), st.sampled_from(["latency", "availability"]))
@hypothesis_settings(max_examples=25, derandomize=True)
def test_noise_accuses_nobody(seed: int, metric: str) -> None:
    assert found(CHAIN, measured(SECONDS, seed=seed), metric) == []


def test_made_up_outages_are_mostly_isolated_and_quiet_ones_left_alone() -> None:
    def said(case_count: int) -> list[tuple[str, list[Suspect]]]:
        return [(case.cause, rank(case.graph, case.series, case.symptom, case.views, certain=True))
                for case in outages(case_count, seed=3)]
    results = said(24)
    assert sum(suspects[0].component == cause for cause, suspects in results) >= 18
    assert not any(rank(case.graph, case.series, case.symptom, case.views) for case in quiet(12, seed=3))


def folder(path: Path) -> Path:
    """A small scenario: a chain of two, and one issue in the second."""
    names = ("shop", "cart")
    (path / "noissue").mkdir(parents=True)
    (path / "train" / "issue_0").mkdir(parents=True)
    (path / "graph.csv").write_text(",shop,cart\nshop,0,1\ncart,0,0\n")
    head = ["microservice,shop,cart", "metric,latency,latency", "statistic,Average,Average"]
    series = measured(dict.fromkeys(names, 0.05), {name: more("latency", 0.1) for name in names})
    rows = [f"{time},{series['shop']['latency'][i][1]},{series['cart']['latency'][i][1]}"
            for i, (time, _) in enumerate(series["shop"]["latency"])]
    with gzip.open(path / "noissue" / "metrics.csv.gz", "wt") as file:
        file.write("\n".join([*head, *rows[:NORMAL]]) + "\n")
    issue = path / "train" / "issue_0"
    (issue / "metrics.csv").write_text("\n".join([*head, *rows[NORMAL - 2:]]) + "\n")
    (issue / "target.json").write_text(json.dumps({
        "target": {"node": "shop", "metric": "latency", "timestamp": ALARM}, "root_cause": {"node": "cart"}}))
    return path


def test_the_bench_reads_a_folder_and_writes_what_it_measured(tmp_path: Path,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert main([str(folder(tmp_path / "data")), "--json", str(out), "--made-up", "1"]) == 0
    printed = capsys.readouterr().out
    assert "| this project | 1.00 [" in printed
    assert "| sure = 1.5 |" in printed
    content = json.loads(out.read_text())
    assert content["groups"]["recorded"]["this project"]["top1"]["count"] == 1
    assert content["groups"]["recorded"]["this project"]["accused"] == 0
    assert content["cases"][0]["suspects"][0]["component"] == "cart"


@pytest.mark.parametrize(("name", "content", "said"), [
    ("graph.csv", None, "graph.csv: not there"),
    ("graph.csv", "", "line 1: expected an empty cell and then the names"),
    ("graph.csv", ",shop,cart\nshop,0\n", "line 2: expected 3 cells, found 2"),
    ("graph.csv", ",shop,cart\nshop,0,yes\n", "line 2: expected a number or an empty cell, found 'yes'"),
    ("noissue/metrics.csv.gz", None, "metrics.csv: not there"),
    ("noissue/metrics.csv.gz", "no gzip", "expected a readable CSV file"),
    ("train/issue_0/metrics.csv", "microservice,shop\nmetric,latency\n1,2\n", "expected three header rows"),
    ("train/issue_0/metrics.csv", "microservice,shop\nmetric,latency\nagg,p50\n1,2\n", "begins with 'statistic'"),
    ("train/issue_0/metrics.csv", "microservice,shop\nmetric,latency\nstatistic,p50\n1\n", "expected 2 cells, found 1"),
    ("train/issue_0/target.json", "{", "target.json: expected JSON"),
    ("train/issue_0/target.json", "{}", "expected target.node, target.metric, target.timestamp"),
    ("train/issue_0/target.json", '{"target": {"node": "shop", "metric": "latency", "timestamp": 1}, '
                                  '"root_cause": {"node": "nobody"}}', "root_cause.node is 'nobody'"),
])
def test_bad_input_is_named_with_what_was_expected(name: str, content: str | None, said: str, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    place = folder(tmp_path / "data")
    if content is None:
        (place / name).unlink()
    else:
        (place / name).write_text(content)
    assert main([str(place), "--made-up", "0"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_folder_that_is_not_there_and_an_output_that_cannot_be_written(tmp_path: Path,
                                                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "expected a folder with graph.csv" in capsys.readouterr().err
    assert main([str(folder(tmp_path / "data")), "--json", str(tmp_path / "no" / "out.json")]) == 2
    assert "expected a file in a folder that exists" in capsys.readouterr().err
