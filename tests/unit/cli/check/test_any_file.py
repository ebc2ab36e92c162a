"""Whatever a file holds, the check answers: it does not end with a traceback, and no key that it found is printed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from stacks.configuration import check_folder
from stacks.reading.problem import line_of
from stacks.reading.values import values
from tests.unit.cli.check.broken_files import AWS_KEY, BASE, JWT, NEW_RELIC_KEY, SLACK_TOKEN

LINES = BASE.split("\n")
KEYS = (AWS_KEY, JWT, NEW_RELIC_KEY, SLACK_TOKEN, "ghp_" + "a1B2" * 9, "glpat-" + "Zx9" * 8)


def said_of(content: bytes) -> str:
    with TemporaryDirectory() as folder:
        (Path(folder) / "shop.yaml").write_bytes(content)
        return "\n".join(map(str, check_folder(Path(folder)).problems))


@settings(max_examples=20)
@given(some.integers(0, len(LINES) - 1), some.sampled_from(
    ["", "\t", "- ", "[", "}", '"', "'", ": ", "&a ", "*a", "? ", "!", "%", "@", "| ", "#", "\u00a0", "\x00", "<<: 1",
     "---"]), some.integers(0, 30))
def test_a_character_anywhere_is_answered_with_a_line_or_accepted(number: int, mark: str, column: int) -> None:
    line = LINES[number]
    text = "\n".join([*LINES[:number], line[:column] + mark + line[column:], *LINES[number + 1:]])
    for told in said_of(text.encode()).split("\n"):
        assert not told or told.partition("shop.yaml")[2][:1] == ":"


@settings(max_examples=10)
@given(some.binary(max_size=60))
def test_bytes_that_are_no_configuration_are_answered(content: bytes) -> None:
    assert said_of(content)


@settings(max_examples=20)
@given(some.sampled_from([number for number, line in enumerate(LINES) if ": " in line]), some.sampled_from(KEYS),
       some.sampled_from(["{}", "x {} y", "[{}]", "{{a: {}}}", "https://u:{}@h.example/", '"{}"', "{}: {}", "x # {}"]))
def test_a_key_is_found_wherever_it_stands_and_never_printed(number: int, key: str, form: str) -> None:
    name = LINES[number].partition(": ")[0]
    written = form.replace("{}", key).replace("{{", "{").replace("}}", "}")
    said = said_of("\n".join([*LINES[:number], f"{name}: {written}", *LINES[number + 1:]]).encode())
    assert "(not shown)" in said or "looks like" in said
    assert key not in said


@pytest.mark.parametrize("text", ["a: {b: 1, c: [x, {d: 2}]}", "a:\n  - b: 1\n  - {b: 2, c: yes}\n", "x: 2026-11-27\n",
                                  "a: &b {c: 1}\nd: {<<: *b, e: 2}\n"])
def test_what_is_no_trap_is_read_as_everybody_reads_it(text: str) -> None:
    read = values(yaml.compose(text))
    assert not read.mistakes
    expected = yaml.load(text, Loader=yaml.BaseLoader if "2026" in text else yaml.SafeLoader)
    assert read.value == expected


def test_a_line_is_that_of_the_field_or_of_what_is_around_it() -> None:
    node = yaml.compose("a:\n  - b: 1\n    c: 2\n  - b: 3\n")
    assert [line_of(node, path) for path in (("a", 0, "c"), ("a", 1, "b"), ("a", 1, "x"), ("a", 7), ("z",))] == [
        3, 4, 4, 1, 1]
