"""Somebody changes objects of Kubernetes: the real API does it, and what follows, follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import model_validator

from sandbox.events.change import applied, deleted, patched, take_back
from sandbox.events.event import Event, Fields

if TYPE_CHECKING:
    from sandbox.parts import Sandbox
    from sandbox.platform.changes import ObjectChange


class Named(Fields):
    """An object of Kubernetes, and the patch where it is to be patched."""

    kind: str
    name: str
    namespace: str | None = None
    patch: dict[str, Any] | None = None


class Kubernetes(Fields):
    """One of apply, patch and delete."""

    apply: Any = None
    """Manifests: one, several in a list, or YAML as text."""
    patch: Named | None = None
    delete: Named | None = None

    @model_validator(mode="after")
    def _one(self) -> Kubernetes:
        if sum(word is not None for word in (self.apply, self.patch, self.delete)) != 1:
            raise ValueError("one of apply, patch or delete")
        if self.apply is not None:
            self.apply = _manifests(self.apply)
        if self.patch is not None and self.patch.patch is None:
            raise ValueError("a patch with kind, name and patch")
        return self


def _manifests(given: Any) -> list[dict[str, Any]]:
    found = list(yaml.safe_load_all(given)) if isinstance(given, str) else given if isinstance(given, list) else [given]
    for manifest in found:
        if not (isinstance(manifest, dict) and manifest.get("apiVersion") and manifest.get("kind")
                and (manifest.get("metadata") or {}).get("name")):
            raise ValueError("a manifest with apiVersion, kind and metadata.name")
    return found


def apply(sandbox: Sandbox, fields: Kubernetes) -> list[ObjectChange]:
    """Make the change."""
    if fields.patch is not None:
        item = fields.patch
        return patched(sandbox, item.kind, item.name, item.patch or {}, item.namespace)
    if fields.delete is not None:
        return deleted(sandbox, fields.delete.kind, fields.delete.name, fields.delete.namespace)
    return applied(sandbox, fields.apply)


def heal(sandbox: Sandbox, trace: list[ObjectChange]) -> None:
    """Take the change back."""
    take_back(sandbox, trace)


EVENT = Event("kubernetes", Kubernetes, apply, heal)
