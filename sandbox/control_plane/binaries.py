"""Find etcd, kube-apiserver, kube-controller-manager and kube-scheduler, or build them once a machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sandbox.places import CACHE, SandboxError

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_BUILT = "kubernetes-1.20.2"


def find() -> Path | None:
    """Return the folder with all four binaries, or None where they have to be built first.

    ``KUBEBUILDER_ASSETS`` comes first, where that folder has all four (setup-envtest's lacks two); raises
    SandboxError where it is set and does not.
    """
    chosen = os.environ.get("KUBEBUILDER_ASSETS")
    if chosen:
        missing = [name for name in NAMES if not os.access(Path(chosen) / name, os.X_OK)]
        if missing:
            raise SandboxError(f"KUBEBUILDER_ASSETS is {chosen}, which lacks {', '.join(missing)}. Put them there, of "
                               "the same Kubernetes version as its kube-apiserver, or unset KUBEBUILDER_ASSETS")
        return Path(chosen)
    built = CACHE / _BUILT
    return built if all(os.access(built / name, os.X_OK) for name in NAMES) else None


def build() -> Path:
    """Build the binaries into the cache and return their folder; raises SandboxError where it cannot be done here."""
    target = CACHE / _BUILT
    release = Path("/etc/os-release")
    text = release.read_text() if release.exists() else ""
    if "VERSION_CODENAME=bookworm" not in text or "ID=debian" not in text or not shutil.which("apt-get"):
        raise SandboxError(
            f"this machine is not Debian 12, so the Kubernetes binaries cannot be built here. Put {', '.join(NAMES)}, "
            f"all of one Kubernetes version, into a folder and set KUBEBUILDER_ASSETS to it (or into {target})")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["bash", str(Path(__file__).with_name("build.sh")), str(target)], check=False)
    if done.returncode:
        raise SandboxError("the Kubernetes binaries could not be built; the lines above say why. What was built "
                           "before is untouched, and nothing is left half done")
    return target


if __name__ == "__main__":
    print(find() or build())
