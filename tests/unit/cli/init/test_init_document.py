"""Whatever names and reasons say, the file parses to exactly the values that were decided."""

from __future__ import annotations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.init.document import Entry, Remark, Section, Todo, flow, todos, todos_in, written

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)
ODD = st.one_of(TEXT, st.sampled_from([
    "yes", "null", "1.10", "0x1f", "a: b", "- a", "{a}", "[x", "#c", "*a", "&a", "!t", "'", '"', "a\nb", "a\tb", " a ",
    "Zahlungen (prod) – ü", "", "~", "\u2028", "\x85", "\ufeff", "2026-11-26", "12:30:45"]))
VALUE = st.recursive(st.one_of(st.booleans(), st.integers(-10**9, 10**9), ODD), lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(ODD, inner, max_size=3)), max_leaves=8)


@settings(max_examples=40, deadline=None)
@given(VALUE)
def test_a_value_stands_in_one_line_and_reads_back(value: object) -> None:
    line = flow(value)  # type: ignore[arg-type]
    assert "\n" not in line
    assert yaml.safe_load(f"key: {line}") == {"key": value}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(VALUE, TEXT), min_size=1, max_size=4), TEXT, TEXT)
def test_comments_never_change_what_the_file_says(entries: list[tuple[object, str]], about: str, todo: str) -> None:
    parts = [Remark(about), Section("list", (*(Entry("", value, note) for value, note in entries),  # type: ignore[arg-type]
                                             Todo("list[0]", todo)), about), Entry("after", "end", todo)]
    assert yaml.safe_load(written(parts)) == {"list": [value for value, _ in entries], "after": "end"}


def test_a_section_of_comments_alone_is_no_key() -> None:
    """A key with nothing below it is null, which no section of a service may be."""
    text = written([Entry("service", "a"), Section("metrics", (Todo("metrics.namespace", "which it is"),))])
    assert yaml.safe_load(text) == {"service": "a"}
    assert "# TODO: metrics.namespace: which it is" in text


def test_what_is_left_to_people_is_read_back_from_the_file() -> None:
    long = "what it is, " * 30 + "and where"
    text = written([Entry("service", "a"), Section("metrics", (
        Todo("metrics.errors", long), Remark("a comment behind it"), Entry("namespace", "N"),
        Todo("metrics.b[0].c", "d")))])
    assert [(field, what) for _, field, what in todos_in(text)] == [("metrics.errors", long), ("metrics.b[0].c", "d")]
    assert [text.splitlines()[line - 1].strip()[:8] for line, _, _ in todos_in(text)] == ["# TODO: ", "# TODO: "]


def test_all_todos_are_found_in_order() -> None:
    parts = [Todo("a", "x"), Section("s", (Todo("s.b", "y"), Entry("c", 1))), Remark("no"), Todo("d", "z")]
    assert [one.field for one in todos(parts)] == ["a", "s.b", "d"]
