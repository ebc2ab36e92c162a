"""Volumes. Formats: the Kubernetes API reference (PersistentVolume, PersistentVolumeClaim and StorageClass v1)."""

from __future__ import annotations

from typing import NamedTuple

from responder.state.basics import Condition, Json, Meta, Ref, Requirement, Selector, conditions, requirements
from responder.state.pods import amounts


class Claim(NamedTuple):
    """A PersistentVolumeClaim."""

    meta: Meta
    phase: str
    """``Pending``, ``Bound`` or ``Lost``."""
    modes: tuple[str, ...]
    """``ReadWriteOnce``, ``ReadOnlyMany``, ``ReadWriteMany``, ``ReadWriteOncePod``."""
    storage_class: str | None
    """None: the default; empty: none at all."""
    size: float
    """Bytes that it asks for; 0: not known."""
    volume: str
    """The volume that it is bound to, or asks for by name; empty: none."""
    selector: Selector
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, item: Json) -> Claim:
        """Read a PersistentVolumeClaim."""
        spec = item.get("spec") or {}
        given = spec.get("storageClassName")
        return cls(Meta.of(item, "PersistentVolumeClaim"), str((item.get("status") or {}).get("phase") or ""),
                   tuple(map(str, spec.get("accessModes") or ())), None if given is None else str(given),
                   amounts((spec.get("resources") or {}).get("requests")).get("storage", 0.0),
                   str(spec.get("volumeName") or ""), Selector.of(spec.get("selector")), conditions(item))

    @property
    def ref(self) -> Ref:
        """The claim, by name."""
        return self.meta.ref


class PersistentVolume(NamedTuple):
    """A PersistentVolume."""

    meta: Meta
    phase: str
    """``Available``, ``Bound``, ``Released`` or ``Failed``."""
    modes: tuple[str, ...]
    storage_class: str
    size: float
    """Bytes; 0: not known."""
    claim: Ref | None
    """Whose it is."""
    node_terms: tuple[tuple[Requirement, ...], ...] = ()
    """Nodes that reach it: one of these, of which all must hold; empty: all."""

    @classmethod
    def of(cls, item: Json) -> PersistentVolume:
        """Read a PersistentVolume."""
        spec = item.get("spec") or {}
        claim = spec.get("claimRef")
        terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
        return cls(Meta.of(item, "PersistentVolume"), str((item.get("status") or {}).get("phase") or ""),
                   tuple(map(str, spec.get("accessModes") or ())), str(spec.get("storageClassName") or ""),
                   amounts(spec.get("capacity")).get("storage", 0.0),
                   Ref("PersistentVolumeClaim", str(claim.get("namespace") or ""), str(claim.get("name", "")))
                   if claim else None,
                   tuple(requirements(term.get("matchExpressions")) for term in terms))


class StorageClass(NamedTuple):
    """A StorageClass."""

    meta: Meta
    provisioner: str
    default: bool
    waits: bool
    """Whether a volume is bound only when a pod needs it (``WaitForFirstConsumer``)."""

    @classmethod
    def of(cls, item: Json) -> StorageClass:
        """Read a StorageClass."""
        meta = Meta.of(item, "StorageClass")
        return cls(meta, str(item.get("provisioner") or ""),
                   meta.annotations.get("storageclass.kubernetes.io/is-default-class") == "true",
                   item.get("volumeBindingMode") == "WaitForFirstConsumer")
