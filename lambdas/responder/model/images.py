"""References of container images, as Kubernetes writes them."""

from __future__ import annotations


def version_of(image: str) -> str:
    """Return the tag of an image reference, or its digest; empty where it has neither."""
    name = image.rsplit("/", 1)[-1]
    if "@" in name:
        return name.split("@", 1)[1]
    return name.split(":", 1)[1] if ":" in name else ""
