"""What is taken from others is locked with hashes, and its licence is known."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from scripts import supply
from stacks.packaging import bundle
from tests.conftest import ROOT, shipped_service

SITE = Path(sysconfig.get_path("purelib"))


@pytest.mark.parametrize("lock", supply.LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_of_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    packages = supply.locked(lock)
    assert len({package.name for package in packages}) == len(packages) > 0
    # Whoever installs names the registry: a lock that named one could lead elsewhere.
    lines = [line for line in lock.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    assert all(re.match(r"[A-Za-z0-9._-]+==|    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in lines)


def test_all_that_is_installed_is_locked_in_that_version() -> None:
    known = {package.name: package.version for package in supply.locked(supply.TOOLS)}
    there = {name: item.version for name, item in supply.installed(SITE).items()
             if name not in supply.BROUGHT_BY_PYTHON}
    assert there.items() <= known.items()


def test_each_requirement_is_locked_and_the_locks_agree() -> None:
    largest = {(package.name, package.version) for package in supply.locked(supply.TOOLS)}
    for lock in supply.LOCKS:
        known = {(package.name, package.version) for package in supply.locked(lock)}
        asked = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.with_suffix(".in").read_text(), re.MULTILINE)
        assert {(supply.canonical(name), version) for name, version in asked} <= known, "make lock"
        assert lock == supply.RELEASE or known <= largest


def test_the_bundle_is_the_same_whichever_python_builds_it() -> None:
    for package in supply.locked(supply.FUNCTIONS):
        assert not package.marker, f"{package.name} is in the bundle or not by the Python that builds"


def test_the_bundle_has_nothing_that_is_not_locked() -> None:
    service = shipped_service()
    folder = bundle([service], {service.service: {}}, ROOT / ".build")
    known = {package.name: package.version for package in supply.locked(supply.FUNCTIONS)}
    assert {name: item.version for name, item in supply.installed(folder).items()} == known
    tops = {path.name for path in folder.iterdir() if not path.name.endswith(".dist-info")}
    owned = {file.parts[0] for item in supply.installed(folder).values() for file in item.files or ()}
    assert tops - owned <= {"responder", "services", "__pycache__"}


def test_a_file_that_is_not_the_locked_one_is_not_installed(tmp_path: Path) -> None:
    forged = tmp_path / "requirements.txt"
    forged.write_text(re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, supply.FUNCTIONS.read_text()))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--target",
         str(tmp_path / "x"), "--requirement", str(forged)], capture_output=True, text=True, check=False)
    assert done.returncode and not list(tmp_path.glob("x/*"))


def test_installing_checks_hashes_and_builds_nothing_but_this_project() -> None:
    for script in ("scripts/setup.py", "stacks/packaging.py"):
        text = (ROOT / script).read_text()
        # The command line is linked into .venv: nothing is fetched for it, and its code is this folder's.
        own = text.count('"--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT')
        assert text.count('"install"') - own == text.count('"--require-hashes", "--only-binary", ":all:"') == 1


def test_every_licence_is_known() -> None:
    packages = supply.everything(SITE)
    assert {package.name for package in packages if package.kind == "pypi"} >= {
        name for name in supply.installed(SITE) if name not in supply.BROUGHT_BY_PYTHON}
    assert len(json.loads((ROOT / "package-lock.json").read_text())["packages"]) - 1 >= len(supply.npm()) > 0
    text = "\n".join(supply.table(packages))
    assert all(f"| {package.name} | {package.version} | " in text and package.licence for package in packages)
    assert all(entry.licence and entry.reason for entry in supply.LICENCES.values())


def test_a_licence_that_is_not_known_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"odd-one==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(supply, "TOOLS", lock)
    metadata = tmp_path / "site" / "odd_one-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: odd_one\nVersion: 1.0\nLicense: UNKNOWN\n")
    with pytest.raises(supply.SupplyError, match=r"odd-one 1\.0"):
        supply.everything(tmp_path / "site")
    monkeypatch.setitem(supply.LICENCES, "odd-one", supply.KnownLicence("MIT", "read in its repository's LICENSE"))
    assert next(p for p in supply.everything(tmp_path / "site") if p.name == "odd-one").licence == "MIT"


@pytest.mark.parametrize("text", ["odd>=1\n", "odd\n", "odd==1.0\n", "odd==1.0 --hash=md5:00\n"])
def test_a_lock_without_version_or_hash_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    with pytest.raises(supply.SupplyError):
        supply.locked(tmp_path / "requirements.txt")
