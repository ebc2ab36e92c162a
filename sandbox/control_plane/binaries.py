"""Find etcd, kube-apiserver, kube-controller-manager and kube-scheduler, or build them once a machine.

The ways, in the order of trying; one line says which was taken:

1. ``KUBEBUILDER_ASSETS``, or what was built before, in the cache outside the checkout;
2. Kubernetes 1.34 and etcd 3.6, built from Go modules with this machine's Go (``modules/go.mod`` names the versions,
   ``modules/go.sum`` their checksums);
3. Kubernetes 1.20 and etcd 3.4, built from Debian 12's own source package (``build.sh``), where that Go is missing or
   too old, or the modules cannot be downloaded.

The projects' release binaries are no way of this list: they would need checksums that are pinned here, and no source
of them that could be checked was at hand. ``KUBEBUILDER_ASSETS`` names a folder with binaries that are already there.

Argo Rollouts' own controller is built in the same way, from ``modules/rollouts/go.mod``, and only for drills of the
world ``workloads: rollout``. There is no other way to it: without a Go that does, such drills are refused.

    python -m sandbox.control_plane.binaries     (finds or builds the first four, and prints their folder)
"""

from __future__ import annotations

import fcntl
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox.places import CACHE, SandboxError

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_MODULES = Path(__file__).with_name("modules")


@dataclass(frozen=True)
class Source:
    """What is built from one go.mod."""

    title: str
    modules: Path
    """Folder of ``go.mod`` and ``go.sum``."""
    module: str
    """The module whose version counts."""
    first: str
    """The module that is downloaded first, to see whether modules can be."""
    packages: Mapping[str, str]
    """Go package to the name of its binary."""
    stamps: tuple[str, ...]
    """Variables that hold the version."""

    @property
    def version(self) -> str:
        """The version that ``go.mod`` requires: ``v1.34.4``."""
        return _required(self.modules, self.module)


_CONTROL_PLANE = Source(
    "Kubernetes", _MODULES, "k8s.io/kubernetes", "go.etcd.io/etcd/server/v3",
    {"k8s.io/kubernetes/cmd/kube-apiserver": "kube-apiserver",
     "k8s.io/kubernetes/cmd/kube-controller-manager": "kube-controller-manager",
     "k8s.io/kubernetes/cmd/kube-scheduler": "kube-scheduler",
     "go.etcd.io/etcd/server/v3": "etcd"},
    ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion"))
_ROLLOUTS = Source(
    "Argo Rollouts", _MODULES / "rollouts", "github.com/argoproj/argo-rollouts", "github.com/argoproj/argo-rollouts",
    {"github.com/argoproj/argo-rollouts/cmd/rollouts-controller": "rollouts-controller"},
    ("github.com/argoproj/argo-rollouts/utils/version.version",))
_WORK = "go-build."
_DEBIAN = "kubernetes-1.20.2"
_OLDEST = (1, 20)
_FIRST_ANSWER_SECONDS = 120
_BUILD_SECONDS = 45 * 60


@dataclass(frozen=True)
class Binaries:
    """The four binaries of one version."""

    folder: Path
    version: tuple[int, int]
    """Major and minor version of Kubernetes."""
    way: str
    """Where they come from, as a person reads it."""

    def __str__(self) -> str:
        return f"Kubernetes {self.version[0]}.{self.version[1]} {self.way}"


def find() -> Binaries | None:
    """Return the binaries that are there, or None where they have to be built first.

    ``KUBEBUILDER_ASSETS`` comes first, where that folder has all four (setup-envtest's lacks two); raises
    SandboxError where it is set and does not. Debian's, from the cache, count only where this machine cannot build
    the current ones.
    """
    chosen = os.environ.get("KUBEBUILDER_ASSETS")
    if chosen:
        missing = [name for name in NAMES if not os.access(Path(chosen) / name, os.X_OK)]
        if missing:
            raise SandboxError(f"KUBEBUILDER_ASSETS is {chosen}, which lacks {', '.join(missing)}. Put them there, of "
                               "the same Kubernetes version as its kube-apiserver, or unset KUBEBUILDER_ASSETS")
        return Binaries(Path(chosen), _asked(Path(chosen)), "of KUBEBUILDER_ASSETS")
    if _whole(CACHE / _current()):
        return Binaries(CACHE / _current(), _minor(_CONTROL_PLANE.version), "from Go modules, built before")
    if _whole(CACHE / _DEBIAN) and _too_old():
        return Binaries(CACHE / _DEBIAN, _OLDEST, "from Debian's source package, built before")
    return None


def build() -> Binaries:
    """Build the binaries into the cache; raises SandboxError where it cannot be done here."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone():
        found = find()  # another process may have built them while this one waited
        if found:
            return found
        refusal = _too_old() or _build_modules(_CONTROL_PLANE, CACHE / _current())
        if not refusal:
            return Binaries(CACHE / _current(), _minor(_CONTROL_PLANE.version), "built from Go modules")
        print(f"  No current Kubernetes: {refusal}. Debian's source package (1.20) is tried instead", flush=True)
        if not _whole(CACHE / _DEBIAN):
            _build_debian(CACHE / _DEBIAN)
        return Binaries(CACHE / _DEBIAN, _OLDEST, "built from Debian's source package")


def find_rollouts() -> Path | None:
    """Return the folder of Argo Rollouts' controller and its definitions (``crds``), or None where it is not built."""
    folder = CACHE / _rollouts()
    return folder if os.access(folder / "rollouts-controller", os.X_OK) and any(folder.glob("crds/*.yaml")) else None


def build_rollouts() -> Path:
    """Build Argo Rollouts' controller into the cache; raises SandboxError where it cannot be done here."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone():
        found = find_rollouts()
        if found is None:
            refusal = _too_old() or _build_modules(_ROLLOUTS, CACHE / _rollouts(), _keep_definitions)
            if refusal:
                raise SandboxError(f"Argo Rollouts' controller cannot be built here: {refusal}. Drills of the world "
                                   "workloads=rollout need it")
        return CACHE / _rollouts()


def _keep_definitions(modules: Path, target: Path) -> None:
    """Keep the module's own CustomResourceDefinitions beside its binary."""
    module = modules / f"{_ROLLOUTS.module}@{_ROLLOUTS.version}"
    (target / "crds").mkdir()
    for path in (module / "manifests" / "crds").glob("*-crd.yaml"):
        shutil.copy(path, target / "crds" / path.name)


def _rollouts() -> str:
    return "argo-rollouts-" + _ROLLOUTS.version.removeprefix("v")


def _build_modules(source: Source, target: Path, keep: Callable[[Path, Path], None] | None = None) -> str:
    """Build with Go into ``target``; returns why that failed, or an empty text.

    ``keep`` takes what else is needed, given the folders of the modules and of the binaries.

    Modules and the compiler's cache lie in a folder of their own (about 3 GB), which is removed afterwards: neither
    the user's Go caches nor the disk keep what nothing else needs.
    """
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=CACHE, ignore_cleanup_errors=True) as name:
        work = Path(name)
        environment = {**os.environ, "GOMODCACHE": str(work / "modules"), "GOCACHE": str(work / "compiled"),
                       "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false", "GOTOOLCHAIN": "local",
                       "GOWORK": "off", "GO111MODULE": "on", "CGO_ENABLED": "0",
                       # The compiler collects its garbage less often: an eighth less work, for some more memory.
                       "GOGC": "400"}
        (work / "bin").mkdir()
        said = work / "go.log"
        print(f"  Building {source.title} {source.version} from Go modules", flush=True)
        began, worked = time.monotonic(), _worked_seconds()
        version = " ".join(f"-X {stamp}={source.version}" for stamp in source.stamps)
        # One build of all, so that what they share is compiled once. Debugging information is left out when compiling
        # and not only when linking, and so is what gRPC's tracing pulls in.
        commands = (
            (["mod", "download", source.first], _FIRST_ANSWER_SECONDS),
            (["build", "-tags", "grpcnotrace", "-gcflags=all=-dwarf=false", "-ldflags", f"-s -w {version}",
              "-o", f"{work / 'bin'}{os.sep}", *source.packages], _BUILD_SECONDS))
        for arguments, seconds in commands:
            try:
                with said.open("wb") as output:
                    done = subprocess.run(["go", *arguments], cwd=source.modules, env=environment, check=False,
                                          stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=seconds)
            except subprocess.TimeoutExpired:
                return f"go {arguments[0]} took longer than {seconds} s"
            if done.returncode:
                return f"go {arguments[0]} failed: {_end_of(said)}"
        for package, binary in source.packages.items():
            built = work / "bin" / re.sub(r"/v\d+$", "", package).rsplit("/", 1)[1]
            built.rename(work / "bin" / binary)
        if keep:
            keep(work / "modules", work / "bin")
        shutil.rmtree(target, ignore_errors=True)
        (work / "bin").rename(target)
        print(f"  Built in {time.monotonic() - began:.0f} s, with {_worked_seconds() - worked:.0f} s of processor time",
              flush=True)
    return ""


def _worked_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _build_debian(target: Path) -> None:
    release = Path("/etc/os-release")
    text = release.read_text() if release.exists() else ""
    if "VERSION_CODENAME=bookworm" not in text or "ID=debian" not in text or not shutil.which("apt-get"):
        raise SandboxError(
            "the Kubernetes binaries cannot be built here: this machine is not Debian 12, and the line above says why "
            f"Go modules do not do. Install Go {_go_needed()} or newer, or put {', '.join(NAMES)}, all of one "
            "Kubernetes version, into a folder and set KUBEBUILDER_ASSETS to it")
    done = subprocess.run(["bash", str(Path(__file__).with_name("build.sh")), str(target)], check=False)
    if done.returncode:
        raise SandboxError("the Kubernetes binaries could not be built; the lines above say why. What was built "
                           "before is untouched, and nothing is left half done")


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process build at a time, and remove what one left behind that was killed."""
    with (CACHE / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in CACHE.glob(f"{_WORK}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _whole(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in NAMES)


def _current() -> str:
    return "kubernetes-" + _CONTROL_PLANE.version.removeprefix("v")


@cache
def _required(modules: Path, module: str) -> str:
    """The version of a module that a ``go.mod`` requires."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", (modules / "go.mod").read_text(), re.M)
    if not found:
        raise SandboxError(f"{modules / 'go.mod'} does not require {module}")
    return found[1]


def _go_needed() -> str:
    found = re.search(r"^go (\S+)", (_MODULES / "go.mod").read_text(), re.M)
    return found[1] if found else "1.24"


@cache
def _too_old() -> str:
    """Why this machine's Go does not do, or an empty text. It is not let download a newer one."""
    if not shutil.which("go"):
        return f"Go {_go_needed()} or newer is not installed"
    try:
        said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False, timeout=30,
                              env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "go does not answer"
    found = re.match(r"go(\d+)\.(\d+)", said)
    if not found:
        return f"go says that it is {said.strip()!r}"
    return "" if (int(found[1]), int(found[2])) >= _minor(_go_needed()) else (
        f"Go {_go_needed()} or newer is needed, and this is {said.strip()}")


def _asked(folder: Path) -> tuple[int, int]:
    """Which version a folder's binaries say they are; what is built from Debian's source calls itself v0.0.0."""
    said = subprocess.run([str(folder / "kube-apiserver"), "--version"], capture_output=True, text=True, check=False,
                          timeout=60).stdout
    return max(_OLDEST, _minor(said)) if re.search(r"\d+\.\d+", said) else _OLDEST


def _minor(text: str) -> tuple[int, int]:
    """Major and minor of a version in a text: ``v1.34.4``."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _end_of(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-2:])[:400] or "it said nothing"


if __name__ == "__main__":
    try:
        binaries = find() or build()
    except SandboxError as error:
        sys.exit(f"{error}")
    print(f"{binaries}: {binaries.folder}")
