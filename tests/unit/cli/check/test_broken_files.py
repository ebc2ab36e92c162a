"""Fifty and more files with a mistake each, of fifty kinds: ``responder check`` names each with all that it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import built
from tests.unit.cli.check.broken_files import BASE, EVERY, Broken

RUNNER = CliRunner()


def checked(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code of ``responder check``, and what it prints."""
    ran = RUNNER.invoke(built(), ["check", "--config", str(folder), *options])
    return ran.exit_code, ran.output


def test_the_file_that_all_begin_as_is_sound(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(BASE, encoding="utf-8")
    code, printed = checked(tmp_path, "--json")
    assert (code, json.loads(printed)["problems"]) == (0, [])


@pytest.mark.parametrize("broken", EVERY, ids=lambda broken: broken.name)
def test_each_mistake_is_named_and_nothing_else_is(broken: Broken, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_bytes(broken.text.encode(broken.encoding))
    code, printed = checked(tmp_path, "--json")
    problems = json.loads(printed)["problems"]
    lines = broken.text.split("\n")
    assert len(problems) == len(broken.said), problems
    for said, problem in zip(broken.said, problems, strict=True):
        first = said.at.split("\n", 1)[0]
        wanted = [number for number, line in enumerate(lines, 1) if first in line and (
            said.at in "\n".join(lines[number - 1:number + 3]))] if said.at else [0]
        assert (problem["file"], problem["path"], problem["level"]) == (str(file), said.field, said.severity)
        assert [problem["line"]] == wanted, problem
        message = f"{problem['found']} {problem['expected']}"
        assert all(word in message for word in said.words), message
    assert code == int(any(said.severity == "error" for said in broken.said))
    if broken.never:
        as_text = checked(tmp_path)
        assert as_text[0] == code
        assert not any(secret in told for secret in broken.never for told in (printed, as_text[1]))
