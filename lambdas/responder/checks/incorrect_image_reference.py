"""A workload's image is not there: its name, its tag or its platform is wrong.

Kubernetes' page "Images"; the OCI Distribution Specification's ``MANIFEST_UNKNOWN`` and ``NAME_UNKNOWN``.
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
        if one.kind == "reference":
            wanted = image(one.image)
            yield Found(str(one.app), f"{one.app} wants image {one.image}, which registry {wanted.registry} does "
                        "not have", hurt(state, one.app), one.basis, (one.app.name,), one.message,
                        f"mend the image of {one.app}, or roll back to the one before", one.since)


CHECK = Check(id="incorrect_image_reference", family="startup", sign="image", find=find)
