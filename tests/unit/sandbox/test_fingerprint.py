"""What was made of the same files is found again, and of others it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.fingerprint import of_files, of_texts


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "code" / "deep").mkdir(parents=True)
    (tmp_path / "code" / "deep" / "a.py").write_text("one")
    (tmp_path / "b.json").write_text("two")
    return tmp_path


def test_the_same_files_have_the_same_name_wherever_they_are(
        tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "code" / "deep").mkdir(parents=True)
    (other / "b.json").write_text("two")
    (other / "code" / "deep" / "a.py").write_text("one")
    assert of_files(tree, ("code", "b.json"), "3.11") == of_files(other, ("b.json", "code"), "3.11")


def test_what_is_not_asked_for_or_was_compiled_changes_nothing(tree: Path) -> None:
    before = of_files(tree, ("code", "missing"))
    (tree / "b.json").write_text("three")
    (tree / "code" / "__pycache__").mkdir()
    (tree / "code" / "__pycache__" / "a.pyc").write_text("compiled")
    assert of_files(tree, ("code", "missing")) == before


def test_any_other_content_name_or_text_is_another_one(tree: Path) -> None:
    found = {of_files(tree, ("code",)), of_files(tree, ("code",), "3.12"), of_files(tree, ("code", "b.json"))}
    (tree / "code" / "deep" / "a.py").write_text("on")
    found.add(of_files(tree, ("code",)))
    (tree / "code" / "deep" / "a.py").rename(tree / "code" / "a.py")
    found.add(of_files(tree, ("code",)))
    assert len(found) == 5


def test_texts_are_told_apart_by_where_one_ends() -> None:
    assert of_texts("ab", "c") != of_texts("a", "bc") and of_texts("ab", "c") == of_texts("ab", "c")
