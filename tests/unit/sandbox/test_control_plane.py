"""Where the sandbox's Kubernetes comes from, in which order, and how each version is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.control_plane import binaries, run
from sandbox.control_plane.binaries import NAMES, Binaries
from sandbox.places import Ports, SandboxError

_GO = """#!/bin/sh
echo "$@" >> "$GO_SAID"
case "$1" in
  env) echo go{version} ;;
  mod) {mod} ;;
  build) while [ "$1" != -o ]; do shift; done
         for name in kube-apiserver kube-controller-manager kube-scheduler server rollouts-controller; do
           case "$*" in *$name*) echo "$PWD" > "$2$name"; chmod +x "$2$name" ;; esac
         done ;;
esac
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with nothing built, nothing chosen, and no Go."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(binaries, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("GO_SAID", str(tmp_path / "said"))
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("sh", "env", "cat", "chmod"):
        (bare / name).symlink_to(next(Path(part) / name for part in os.environ["PATH"].split(os.pathsep)
                                      if (Path(part) / name).exists()))
    monkeypatch.setenv("PATH", str(bare))
    binaries._too_old.cache_clear()
    return tmp_path


def go(machine: Path, version: str = "1.26.1", mod: str = "true") -> None:
    path = machine / "bare" / "go"
    path.write_text(_GO.replace("{version}", version).replace("{mod}", mod))
    path.chmod(0o755)
    binaries._too_old.cache_clear()


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text("#!/bin/sh\necho Kubernetes v1.31.2\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_chosen_version_comes_first_and_is_named(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(put(machine / "own")))
    found = binaries.find()
    assert found and found.folder == machine / "own" and found.version == (1, 31)
    assert "KUBEBUILDER_ASSETS" in str(found)


def test_go_builds_once_and_leaves_nothing_but_the_binaries(machine: Path,
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    go(machine)
    assert binaries.find() is None
    built = binaries.build()
    assert built.version == (1, 34) and "built from Go modules" in str(built)
    assert sorted(path.name for path in built.folder.iterdir()) == sorted(NAMES)
    assert {path.name for path in (machine / "cache").iterdir()} == {built.folder.name, "build.lock"}
    assert "from Go modules" in capsys.readouterr().out
    again = binaries.build()
    assert "built before" in str(again) and str(binaries.find()) == str(again)
    assert (machine / "said").read_text().count("build ") == 1


def test_argo_rollouts_is_built_only_when_it_is_asked_for(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(machine)
    assert binaries.find_rollouts() is None
    monkeypatch.setattr(binaries, "_keep_definitions", lambda modules, target: (target / "crds").mkdir() or (
        target / "crds" / "rollout-crd.yaml").write_text("kind: CustomResourceDefinition"))
    built = binaries.build_rollouts()
    assert built == binaries.find_rollouts() == binaries.build_rollouts()
    assert sorted(path.name for path in built.iterdir()) == ["crds", "rollouts-controller"]
    assert (machine / "said").read_text().count("build ") == 1


def test_without_go_a_world_of_rollouts_is_refused_with_the_reason(machine: Path) -> None:
    with pytest.raises(SandboxError, match=r"is not installed.*workloads=rollout"):
        binaries.build_rollouts()


@pytest.mark.parametrize(("version", "mod", "why"), [
    ("1.19.8", "true", "1.24.0 or newer is needed"), ("1.26.1", "{ echo no route to host; exit 1; }", "no route"),
    (None, "", "not installed")])
def test_debian_is_tried_when_go_fails_and_one_line_says_why(
        machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: str | None,
        mod: str, why: str) -> None:
    if version:
        go(machine, version, mod)
    monkeypatch.setattr(binaries, "_build_debian", put)
    built = binaries.build()
    assert built.version == (1, 20) and "Debian" in str(built)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "No current Kubernetes" in line]
    assert why in line
    assert [path.name for path in (machine / "cache").iterdir() if path.is_dir()] == [built.folder.name]


def test_debians_counts_only_where_the_current_one_cannot_be_built(machine: Path) -> None:
    put(machine / "cache" / "kubernetes-1.20.2")
    found = binaries.find()
    assert found and found.version == (1, 20)
    go(machine)
    assert binaries.find() is None


def test_elsewhere_it_says_what_to_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.shutil, "which", lambda name: None)
    with pytest.raises(SandboxError, match=r"Install Go 1\.24.*KUBEBUILDER_ASSETS"):
        binaries.build()


def test_the_remains_of_a_killed_build_are_removed(machine: Path) -> None:
    go(machine)
    left = machine / "cache" / "go-build.dead"
    left.mkdir(parents=True)
    binaries.build()
    assert not left.exists()


@pytest.mark.parametrize(("version", "port", "eviction", "policies"), [
    ((1, 20), True, False, False), ((1, 27), False, False, False), ((1, 34), False, True, True)])
def test_each_version_is_started_as_it_wants(tmp_path: Path, version: tuple[int, int], port: bool, eviction: bool,
                                             policies: bool) -> None:
    ports = Ports(*range(20_000, 20_000 + len(Ports.__dataclass_fields__)))
    commands = run.commands(Binaries(tmp_path, version, ""), tmp_path, ports)
    manager = commands["kube-controller-manager"]
    [controllers] = [word for word in manager if word.startswith("--controllers=")]
    assert ("--port=0" in manager, "--port=0" in commands["kube-scheduler"]) == (port, port)
    assert ("taint-eviction-controller" in controllers) is eviction
    assert ("validatingadmissionpolicy-status-controller" in controllers) is policies
    without = run.commands(Binaries(tmp_path, version, ""), tmp_path, ports, without=("nodelifecycle",))
    assert "nodelifecycle" in controllers and "nodelifecycle" not in str(without)
