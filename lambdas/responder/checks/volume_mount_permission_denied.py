"""A workload may not read or write on one of its volumes.

Kubernetes' page "Configure a Security Context for a Pod or Container": files belong to whom they belong on the volume;
``fsGroup`` gives a pod's group access, and does nothing for a ``hostPath``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.evidence.problems import Basis
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Pod
from responder.state.starting import below_mount, code, containers, sayings
from responder.state.trouble import hurt, waiting_pods

_DENIED = re.compile(r"permission denied|EACCES|operation not permitted|access denied by server|"
                     r"AccessDeniedException|PermissionError", re.IGNORECASE)
_MOUNT = re.compile(r"MountVolume\.\w+ failed|error mounting|mount failed|mounting .* to rootfs")
_COMMAND = re.compile(r'exec: "|exec /\S+: ')
_FILE = re.compile(r"\b(?:open|opening|mkdir|chown|chmod|write|writing|file|dir|directory|errno 13|rename|unlink)\b|"
                   r"AccessDeniedException|PermissionError|EACCES", re.IGNORECASE)
"""It is about a file, and not about a table or a request."""
_WRITTEN = frozenset({"persistentVolumeClaim", "hostPath", "emptyDir", "nfs", "csi", "ephemeral"})
"""Kinds of volumes whose files have owners of their own; those of ConfigMaps are the kubelet's."""
_MEND = "set fsGroup or runAsUser of the pod to whom the files belong, or give them away on the volume"


def find(state: State) -> Iterator[Found]:
    """Yield workloads by what the kubelet and they themselves say; as a guess, those that fail as another user than
    root on a volume that no group is given to.
    """
    told: set[Ref] = set()
    for said in sayings(state):
        if said.app in told or not _DENIED.search(said.text) or _COMMAND.search(said.text):
            continue
        volume = below_mount(said.pod, said.text, _WRITTEN)
        kubelet = bool(said.by == "kubelet" and _MOUNT.search(said.text))
        if volume or kubelet:
            told.add(said.app)
            found = _found(state, said.app, volume, said.text, said.since, "said")
            # One that serves nevertheless may have logged this on each day.
            yield found._replace(sign="") if said.pod.ready else found
    for said in sayings(state):
        # Without a path it may be any file; that a volume is written to makes it likely.
        if said.pod.ready or said.app in told or not _DENIED.search(said.text) or _COMMAND.search(said.text):
            continue
        name = _written(said.pod)
        if name:
            told.add(said.app)
            yield _found(state, said.app, name, said.text, said.since, "seen" if _FILE.search(said.text) else "guessed")
    for pod in waiting_pods(state):
        app, name = state.owner(pod), _unfit(pod)
        if name and app not in told:
            told.add(app)
            yield _found(state, app, name, f"runAsUser is not 0, fsGroup is not set, volume {name}", pod.meta.created,
                         "guessed")


def _written(pod: Pod) -> str:
    kinds = {one.name: one.kind for one in pod.spec.volumes}
    return next((mount.volume for one, _ in containers(pod) for mount in one.mounts
                 if not mount.read_only and kinds.get(mount.volume) in _WRITTEN - {"emptyDir"}), "")


def _unfit(pod: Pod) -> str:
    """Return a volume that a failing container of a pod can write to only if its files are anybody's."""
    kinds = {one.name: one.kind for one in pod.spec.volumes}
    for one, status in containers(pod):
        user = one.runs_as if one.runs_as is not None else pod.spec.runs_as
        if user and code(status) not in (None, 0, 137, 143):
            for mount in one.mounts:
                kind = kinds.get(mount.volume)
                if not mount.read_only and (kind == "hostPath" or (kind in ("persistentVolumeClaim", "nfs")
                                                                   and pod.spec.group is None)):
                    return mount.volume
    return ""


def _found(state: State, app: Ref, volume: str, text: str, since: float, basis: Basis) -> Found:
    return Found(str(app), f"{app} may not use its volume{f' {volume}' if volume else ''}: permission is denied",
                 hurt(state, app), basis, (app.name,), text, _MEND, since)


CHECK = Check(id="volume_mount_permission_denied", family="startup", sign="definition", find=find)
