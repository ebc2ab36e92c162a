"""References of container images, as Kubernetes writes them: ``registry:port/path/name:tag@digest``.

Format: distribution's page "reference" (grammar), Kubernetes' page "Images".
"""

from __future__ import annotations

from typing import NamedTuple

_DEFAULT = "latest"
"""The tag that a reference without tag and digest means."""


class Image(NamedTuple):
    """The parts of a reference."""

    repository: str
    """With its registry and port, where the reference has them."""
    tag: str
    """Empty: the reference has none."""
    digest: str
    """``sha256:…``; empty: the reference has none."""


def parts_of(image: str) -> Image:
    """Return the parts of a reference. A colon before the last slash belongs to the registry's port."""
    name, _, digest = image.partition("@")
    path, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return Image(f"{path}{slash}{last}", tag, digest)


def version_of(image: str) -> str:
    """Return the version that an image reference names: its tag, else its digest, else ``latest``; empty for none.

    A tag beside a digest is what people and vendors call the version; the digest says what is run.
    """
    parts = parts_of(image)
    return (parts.tag or parts.digest or _DEFAULT) if parts.repository else ""
