"""A workload's pods need a volume that only one pod may use, and another uses it.

Kubernetes' page "Persistent Volumes", "Access Modes": ``ReadWriteOncePod``.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.binding import claims_of
from responder.state.scheduling import held
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods wait for a volume that another pod has."""
    for one in held(state, "in_use"):
        claims = ", ".join(claims_of(one.spec))
        yield Found(str(one.app), f"a pod of {one.app} waits for claim {claims or 'that another pod uses'}, which one "
                    "pod alone may use", hurt(state, one.app), "said", (one.app.name,), one.message,
                    "run one replica with the strategy Recreate, or use another access mode", one.since)


CHECK = Check(id="volume_in_use", family="scheduling", sign="volume", find=find)
