"""The functions' packages are put together once, however many deployments are synthesized at the same moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks import packaging


def test_who_comes_second_takes_what_the_first_has_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []

    def install(requirements: Path, target: Path) -> None:
        begun.append(target)
        target.mkdir(parents=True)
        if len(begun) == 1:
            (target / "of").write_text("the second")
            assert packaging._packages(tmp_path).is_dir()
        (target / "by").write_text(str(len(begun)))

    monkeypatch.setattr(packaging, "_install", install)
    found = packaging._packages(tmp_path)
    assert len(set(begun)) == 2 and not (found / "of").exists()
    assert sorted(tmp_path.iterdir()) == [found]
    assert packaging._packages(tmp_path) == found and len(begun) == 2


def test_packages_that_cannot_be_installed_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(requirements: Path, target: Path) -> None:
        target.mkdir(parents=True)
        raise packaging.PackagingError("pip could not install")

    monkeypatch.setattr(packaging, "_install", install)
    with pytest.raises(packaging.PackagingError):
        packaging._packages(tmp_path)
    assert list(tmp_path.iterdir()) == []
