"""How the cluster's objects look: the part of a world that Kubernetes shows (``sandbox/worlds``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Workloads = Literal["deployment", "statefulset", "rollout"]
Images = Literal["tag", "digest"]
Mesh = Literal["none", "istio"]
Injection = Literal["native", "first", "last"]


@dataclass(frozen=True)
class Shape:
    """One way of running the platform on Kubernetes; the defaults are the plainest."""

    workloads: Workloads = "deployment"
    """What the payment gateway and the backend are."""
    images: Images = "tag"
    """Whether references of images carry a digest behind their tag."""
    mesh: Mesh = "none"
    injection: Injection = "last"
    """Where the mesh puts its proxy: as an init container that goes on, or before or behind the app's container."""
    untidy: str = ""
    """The seed of what lies about from earlier days (old terminations, evicted pods, old Events); empty: nothing."""
