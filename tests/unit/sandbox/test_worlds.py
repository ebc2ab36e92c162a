"""How the sandbox speaks: what a drill and the command line may ask for, and what each is refused with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import worlds
from sandbox.drill import run
from sandbox.drill.contract import ContractError, Drill, read
from sandbox.platform.state import World

DRILL = """name: a-drill
about: One line.
{start}
events: [{{at: 0s, alarm: {{count: 1}}}}]
expect: {{outcome: false_alarm{limits}}}
"""


def drill(folder: Path, start: str = "", limits: str = "") -> Drill:
    (folder / "drill.yaml").write_text(DRILL.format(start=start, limits=limits))
    found, = read([folder / "drill.yaml"])
    return found


def test_the_default_is_an_account_that_others_use_too(tmp_path: Path) -> None:
    assert worlds.whole({}) == drill(tmp_path).world({}) and worlds.whole({})["account"] == "busy"
    world = World()
    worlds.apply(world, {}, "a-drill")
    assert world.account.busy and world.health
    quiet = World()
    worlds.apply(quiet, {"account": "quiet"}, "a-drill")
    assert not quiet.account.busy and not quiet.health


def test_the_command_line_holds_for_all_drills(tmp_path: Path) -> None:
    own = drill(tmp_path, "start: {world: {account: quiet}}")
    assert own.world({})["account"] == "quiet" and own.world({"account": "busy"})["account"] == "busy"


def test_a_drill_can_be_limited_to_worlds(tmp_path: Path) -> None:
    limited = drill(tmp_path, limits=", in: {account: quiet}")
    assert not limited.runs_in(limited.world({})) and limited.runs_in(limited.world({"account": "quiet"}))


def test_a_drill_with_a_full_storage_is_not_run_in_aurora(tmp_path: Path) -> None:
    (tmp_path / "drill.yaml").write_text(DRILL.format(start="", limits="").replace(
        "alarm: {count: 1}", "database: {fault: storage_full}"))
    full, = read([tmp_path / "drill.yaml"])
    assert [full.runs_in(full.world({"database": value})) for value in (
        "rds-postgresql", "rds-mysql", "aurora-postgresql", "aurora-mysql")] == [True, True, False, False]


@pytest.mark.parametrize(("text", "expected"), [
    ("account", "KEY=VALUE"), ("acount=busy", "'account' in place of 'acount'"),
    ("account=loud", "account: one of busy, quiet"), ("account=busy,account=quiet", "each key once"),
    ("workloads=pods", "workloads: one of deployment, statefulset"), ("weather=rain", "one of newrelic, splunk")])
def test_what_is_not_known_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        worlds.parsed(text)


@pytest.mark.parametrize(("start", "limits", "field"), [
    ("start: {world: {images: tags}}", "", "'tag' in place of 'tags'"),
    ("start: {world: {account: loud}}", "", "one of busy, quiet"),
    ("", ", in: {images: [digests]}", "'digest' in place of 'digests'")])
def test_a_file_with_an_unknown_world_does_not_fit(tmp_path: Path, start: str, limits: str, field: str) -> None:
    with pytest.raises(ContractError, match=field) as raised:
        drill(tmp_path, start, limits)
    assert "drill.yaml:" in str(raised.value)


def test_a_world_is_named_by_what_differs_from_the_defaults() -> None:
    assert worlds.label(worlds.whole({})) == ""
    other = {"workloads": "statefulset", "images": "digest"}
    assert worlds.label(worlds.whole(other)) == "images=digest,workloads=statefulset"
    assert worlds.parsed(worlds.label(worlds.whole(other))) == other


@pytest.mark.parametrize(("world", "folder"), [
    ({}, ""), ({"workloads": "statefulset"}, "worlds/workloads=statefulset/")])
def test_a_record_bears_its_drills_name_in_the_folder_of_its_world(tmp_path: Path, world: dict[str, str],
                                                                   folder: str) -> None:
    runner = SimpleNamespace(truth=b"truth", calls=b"calls", record=b"record")
    run.keep_record(runner, "a-drill", tmp_path, worlds.whole(world))
    assert (tmp_path / f"{folder}a-drill.json.gz").read_bytes() == b"record"
    assert (tmp_path / f"{folder}truth/a-drill.json.gz").read_bytes() == b"truth"
