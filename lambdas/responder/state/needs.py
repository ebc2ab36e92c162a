"""What a pod asks for of a node's resources (Kubernetes: "Resource Management for Pods and Containers")."""

from __future__ import annotations

from responder.state.pods import Container, PodSpec


def needs(spec: PodSpec, resource: str, limits: bool = False) -> float:
    """Return how much of a resource (``cpu`` in cores, ``memory`` in bytes) a pod asks for: the sum of its containers
    and sidecars, or what an init container needs while it runs, if that is more. A request that is not written is its
    limit, as the API server writes it.
    """
    def of(container: Container) -> float:
        if limits:
            return container.limits.get(resource, 0.0)
        return container.requests.get(resource, container.limits.get(resource, 0.0))
    beside, most = 0.0, 0.0
    for container in spec.init_containers:
        if container.restarts_always:
            beside += of(container)
            most = max(most, beside)
        else:
            most = max(most, beside + of(container))
    return max(most, beside + sum(map(of, spec.containers)))


def resources(spec: PodSpec) -> frozenset[str]:
    """Return the names of all resources that a pod asks for."""
    return frozenset(name for container in (*spec.containers, *spec.init_containers)
                     for name in (*container.requests, *container.limits))


def written(resource: str, amount: float) -> str:
    """Return an amount as people write it: ``2.5 cores``, ``512 MiB``."""
    if resource == "cpu":
        return f"{amount:g} cores"
    return f"{amount / 2**20:.0f} MiB" if amount >= 2**20 else f"{amount:g}"
