"""Which images there are, and how the code in them behaves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sandbox.platform.calling import Calling
from sandbox.platform.cluster import Object
from sandbox.platform.objects import FIRST_VERSION, KINDS, REGISTRY

PROXY = "istio-proxy"
"""Name of the mesh's container, as istiod injects it."""


@dataclass(frozen=True)
class Behaviour:
    """How one version of a component behaves."""

    error_rate: float = 0.0
    latency_ms: float = 0.0
    """Added to the component's own."""
    capacity: float | None = None
    memory_mib: float | None = None
    log: str = ""
    state: str = ""
    """``crash_loop``, ``image_missing``, ``not_ready``, ``oom_killed`` or empty."""
    calling: Calling = field(default_factory=Calling)
    """How it calls others; what it leaves open is as in the first version."""
    start_seconds: float = 0.0
    """It serves so much later after its start than the others do."""


class Versions:
    """The registry of images, as far as the sandbox knows them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Behaviour] = {}
        self.reset()

    def reset(self) -> None:
        """Only the first version of each component is there."""
        self._known = {(name, FIRST_VERSION): Behaviour() for name in KINDS}

    def add(self, component: str, version: str, behaviour: Behaviour) -> None:
        """Publish a version."""
        self._known[component, version] = behaviour

    def pullable(self, image: str) -> bool:
        """Whether an image can be pulled: other repositories' can, a component's only in a known version."""
        component, version = component_of(image)
        if component not in KINDS:
            return True
        found = self._known.get((component, version))
        return found is not None and found.state != "image_missing"

    def behaviour(self, image: str) -> Behaviour:
        """How the code in an image behaves."""
        component, version = component_of(image)
        found = self._known.get((component, version)) or Behaviour()
        usual = self._known.get((component, FIRST_VERSION)) or Behaviour()
        return replace(found, calling=found.calling.over(usual.calling))


def component_of(image: str) -> tuple[str, str]:
    """Return component and version of an image; an empty component where it is no component's."""
    if not image.startswith(f"{REGISTRY}/"):
        return "", ""
    name, _, tag = image.removeprefix(f"{REGISTRY}/").partition("@")[0].partition(":")
    return name, tag or "latest"


def app_of(pod: Object) -> Object:
    """The container of a pod (or a template) in which the app itself runs: the first that is no proxy of a mesh."""
    containers: list[Object] = pod["spec"]["containers"]
    return next((item for item in containers if item["name"] != PROXY), containers[0])
