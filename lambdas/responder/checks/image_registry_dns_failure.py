"""The name of a workload's image registry is not resolved.

The node resolves it, by its own ``/etc/resolv.conf``, not the cluster's resolver (Kubernetes: "Customizing DNS
Service").
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
        if one.kind == "dns":
            wanted = image(one.image)
            yield Found(str(one.app), f"the name of registry {wanted.registry} is not resolved: {one.app} has no "
                        "image", hurt(state, one.app), one.basis, (one.app.name,), one.message,
                        f"mend the name {wanted.registry} in the image, or the resolver of the nodes", one.since)


CHECK = Check(id="image_registry_dns_failure", family="startup", sign="registry", find=find)
