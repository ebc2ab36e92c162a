"""A workload's image registry does not answer, or answers with an error.

The OCI Distribution Specification: ``TOOMANYREQUESTS``; Docker's page "Docker Hub usage and limits".
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.images import image, pulls
from responder.state.trouble import hurt


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods wait for such an image."""
    for one in pulls(state):
        if one.kind == "unreachable":
            wanted = image(one.image)
            yield Found(str(one.app), f"registry {wanted.registry} does not serve the image of {one.app}",
                        hurt(state, one.app), one.basis, (one.app.name,), one.message,
                        "look at the registry, its limits, and the way to it; pull through a cache", one.since)


CHECK = Check(id="registry_unreachable", family="startup", sign="registry", find=find)
