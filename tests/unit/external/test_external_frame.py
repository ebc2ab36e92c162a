"""How answers about others' outages are scored, and which folders are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bench import external
from bench.external import frame, scores
from bench.external.frame import Answer, Case, Truth

_TRUTHS = {"a": Truth("app/pay", "oom_killed"), "b": Truth("app/pay", "oom_killed", decoys=("app/cart",)),
           "c": Truth("node/n1", "kubelet_unavailable"), "d": Truth("app/x", "y")}
_ANSWERS = {"a": [Answer("app/pay", "oom_killed", 0.9)],
            "b": [Answer("app/cart", "z", 0.9), Answer("app/pay", "z", 0.1)],
            "c": [Answer("app/x", "y", 0.6), Answer("node/n1", "kubelet_unavailable", 0.3)],
            "e": [Answer("app/x", "y")]}


class _Adapter:
    NAME = "made"

    def cases(self, folder: Path) -> Iterator[Case]:
        return (Case(name, "k", _TRUTHS.get(name), folder) for name in "abcde")

    def answer(self, case: Case, always: bool = False) -> list[Answer]:
        return _ANSWERS.get(case.id, [Answer("app/x", "y", 0.2)] if always else [])

    def baselines(self) -> Mapping[str, Callable[[Case], list[Answer]]]:
        return {"nothing": lambda case: []}


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[scores.Judged]]:
    (tmp_path / "made").mkdir()
    monkeypatch.setattr(external, "adapters", lambda: {"made": _Adapter()})
    return external.measure([str(tmp_path)])


def test_silence_is_not_right_and_does_not_count_as_decided(results: dict[str, list[scores.Judged]]) -> None:
    figures = scores.tallies(results["made"])[scores.OWN].as_json()
    assert {key: figures[key]["count"] for key in ("top1", "top3", "object_top1", "object_top3", "decided")} == {
        "top1": 1, "top3": 2, "object_top1": 1, "object_top3": 3, "decided": 3}
    assert figures["cases"] == 4
    assert (figures["right_of_decided"]["count"], figures["right_of_decided"]["of"]) == (1, 3)


def test_who_must_answer_is_counted_apart(results: dict[str, list[scores.Judged]]) -> None:
    always = scores.tallies(results["made"])[scores.ALWAYS]
    assert (always.first, always.decided) == (2, 4)


def test_a_decoy_named_first_is_counted_where_there_is_one(results: dict[str, list[scores.Judged]]) -> None:
    figures = scores.tallies(results["made"])[scores.OWN].as_json()
    assert (figures["decoys"]["count"], figures["decoys"]["of"]) == (1, 1)


def test_a_case_without_a_label_is_answered_and_not_scored(
        results: dict[str, list[scores.Judged]], tmp_path: Path) -> None:
    assert scores.tallies(results["made"])[scores.OWN].unscored == 1
    external.write(results, tmp_path / "out.jsonl")
    said = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [one["answers"][0]["object"] for one in said if one["case"] == "e" and one["method"] == scores.OWN] == [
        "app/x"]
    assert "without a label" in external.report(results)


@pytest.mark.parametrize(("said", "error"), [
    ([(1.0, True)] * 4, 0.0), ([(1.0, False)] * 4, 1.0), ([(0.75, True)] * 3 + [(0.75, False)], 0.0),
    ([(0.95, True), (0.05, True)], 0.5)])
def test_the_calibration_error_is_the_distance_of_what_is_said_from_what_is_right(
        said: list[tuple[float, bool]], error: float) -> None:
    assert scores.expected_calibration_error(said) == pytest.approx(error)


def test_a_folder_is_one_sets_or_holds_the_sets_folders(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / "sets" / name).mkdir(parents=True)
    sets = tmp_path / "sets"
    names = ["one", "three"]
    assert frame.folders([str(sets)], names, tmp_path) == {"one": sets / "one"}
    assert frame.folders([str(sets / "one")], names, tmp_path) == {"one": sets / "one"}
    assert frame.folders([f"three={sets / 'other'}"], names, tmp_path) == {"three": sets / "other"}
    assert frame.folders([], names, sets) == {"one": sets / "one"}
    assert frame.folders([], names, tmp_path) == {}
    for wrong in (str(tmp_path), str(tmp_path / "nothing"), f"two={sets}"):
        with pytest.raises(frame.BadInput):
            frame.folders([wrong], names, tmp_path)


def test_each_adapter_there_is_found_by_its_sets_name() -> None:
    assert all(name == adapter.NAME for name, adapter in frame.adapters().items())
