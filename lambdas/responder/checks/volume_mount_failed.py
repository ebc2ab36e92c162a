"""A workload's volume cannot be mounted on the node of its pod.

Kubernetes' page "Volumes"; the kubelet's Event ``FailedMount``. What is missing or not permitted has checks of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import sayings
from responder.state.trouble import hurt

_SAID = re.compile(r'MountVolume\.\w+ failed for volume "(?P<volume>[^"]+)"|hostPath type check failed|'
                   r"failed to prepare subPath|not found in the list of registered CSI drivers")
_ATTACH = re.compile(r"Multi-Attach error|AttachVolume\.")
_MEND = "look at the storage behind it, and at its driver on the node"
_OTHERS = re.compile(r'(?:configmap|secret)s? "[^"]+" not found|references non-existent|[Pp]ermission denied|'
                     r"access denied by server|failed to sync (?:configmap|secret) cache|object .* not registered",
                     re.IGNORECASE)


_LATE = re.compile(r"Unable to attach or mount volumes: unmounted volumes=\[(?P<volume>[^\]]*)\]")
"""What the kubelet says of it in the end; the reason is in what it said before."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods wait for a mount; with no more than that where the reason is not told."""
    told: set[Ref] = set()
    for said in sayings(state):
        match = _SAID.search(said.text)
        started = any(one.running for one in said.pod.statuses)
        if match is None or said.by != "kubelet" or said.app in told or started or _OTHERS.search(said.text):
            continue
        told.add(said.app)
        yield Found(str(said.app), f"volume {match['volume'] or 'of a pod'} of {said.app} cannot be mounted",
                    hurt(state, said.app), "said", (said.app.name,), said.text,
                    _MEND, said.since)
    explained = {said.app for said in sayings(state) if _OTHERS.search(said.text) or _ATTACH.search(said.text)}
    for said in sayings(state):
        match = _LATE.search(said.text)
        if match is not None and said.app not in told | explained and not any(one.running for one in said.pod.statuses):
            told.add(said.app)
            yield Found(str(said.app), f"volumes {match['volume']} of {said.app} are not mounted in time",
                        hurt(state, said.app), "said", (said.app.name,), said.text, _MEND, said.since)


CHECK = Check(id="volume_mount_failed", family="startup", sign="volume", find=find)
