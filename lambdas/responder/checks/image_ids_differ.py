"""Pods of one template run different images under the same tag: the tag was moved between their starts.

Kubernetes' page "Images": a tag may be moved, a digest may not. Where the pods of one image are well and those of the
other are not, that is the difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Pod

_REVISION = ("pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash")
"""Labels by which a Deployment, a StatefulSet or DaemonSet, and a Rollout mark the pods of one template."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods differ in what they run."""
    groups: dict[tuple[Ref, Ref | str, str, str], dict[str, list[Pod]]] = defaultdict(lambda: defaultdict(list))
    for pod in state.pods:
        if pod.over or pod.meta.owner is None or pod.meta.owner.kind == "Node":
            continue
        revision = next((pod.meta.labels[key] for key in _REVISION if key in pod.meta.labels), str(pod.meta.owner))
        images = {one.name: one.image for one in pod.spec.containers}
        for status in pod.statuses:
            image, digest = images.get(status.name, ""), status.image_id.rpartition("@")[2]
            if image and "@" not in image and digest.startswith("sha256:"):
                groups[state.owner(pod), revision, status.name, image][digest].append(pod)
    for (owner, _, name, image), found in sorted(groups.items(), key=lambda one: (one[0][0], *map(str, one[0][1:]))):
        if len(found) < 2:
            continue
        well = {digest for digest, pods in found.items() if all(pod.ready for pod in pods)}
        ill = {digest for digest, pods in found.items() if not any(pod.ready for pod in pods)}
        differ = ", ".join(f"{digest[:19]} in {len(pods)} pods" for digest, pods in sorted(found.items()))
        yield Found(
            str(owner), f"pods of {owner} run different images as {image} (container {name})"
            + (": those of one are not ready" if well and ill else ""), "lessens" if well and ill else "risks",
            "seen", (owner.name,), differ, f"name the image of {owner} by its digest, and start its pods anew")


CHECK = Check(id="image_ids_differ", family="startup", sign="image", find=find)
