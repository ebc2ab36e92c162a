"""A workload writes where it may only read: a read-only mount, or its own root file system.

Kubernetes' pages "Volumes" (``readOnly``; ConfigMaps and Secrets always are) and "Configure a Security Context for a
Pod or Container" (``readOnlyRootFilesystem``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Pod
from responder.state.starting import below_mount, containers, sayings
from responder.state.trouble import hurt

_SAID = re.compile(r"read-only file ?system|EROFS|ReadOnlyFileSystemException", re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield workloads that say that a file system is read-only."""
    told: set[Ref] = set()
    for said in sayings(state):
        if said.app in told or not _SAID.search(said.text):
            continue
        told.add(said.app)
        where = _where(said.pod, said.text)
        # One that serves nevertheless may have logged this on each day.
        yield Found(str(said.app), f"{said.app} writes to {where or 'a file system'} that it may only read",
                    hurt(state, said.app), "said", (said.app.name,), said.text,
                    "mount a volume that may be written to there (an emptyDir), or do not mount it readOnly",
                    said.since, "" if said.pod.ready else None)


def _where(pod: Pod, text: str) -> str:
    volume = below_mount(pod, text)
    root = any(one.read_only_root for one, _ in containers(pod))
    return f"volume {volume}" if volume else "its root file system" if root else ""


CHECK = Check(id="read_only_volume", family="startup", sign="definition", find=find)
