"""A workload writes where it may only read: its root file system, a volume, or a disk that went bad.

Kubernetes' pages "Configure a Security Context" (``readOnlyRootFilesystem``) and "Volumes" (``readOnly``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.sayings import by_owner, sayings, serves_nobody

_SAID = re.compile(r"[Rr]ead-only file system|EROFS|ReadOnlyFileSystemException")
_PATH = re.compile(r"(?<![\w.])(/[\w.\-]+(?:/[\w.\-]+)*)")


def find(state: State) -> Iterator[Found]:
    """Yield workloads that say that they may not write, and by which setting."""
    for owner, one in by_owner(sayings(state, _SAID)).items():
        why = _setting(state, owner, one.text)
        yield Found(str(owner), f"{owner} writes to a file system that is read-only{why}",
                    "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), one.text,
                    f"give {owner} a volume that it may write to (emptyDir)" if why else "look at the node's disk")


def _setting(state: State, owner: Ref, text: str) -> str:
    workload = state.workload(owner)
    specs = [workload.template] if workload else [pod.spec for pod in state.pods if state.owner(pod) == owner]
    paths = _PATH.findall(text)
    for spec in specs:
        for container in spec.containers:
            for mount in container.mounts:
                if mount.read_only and any(path.startswith(mount.path) for path in paths):
                    return f": volume {mount.volume} is mounted so at {mount.path}"
            if container.read_only_root:
                return f": container {container.name} sets readOnlyRootFilesystem"
    return ""


CHECK = Check(id="read_only_file_system", family="runtime", sign="definition", find=find, follows=("node_problem",))
