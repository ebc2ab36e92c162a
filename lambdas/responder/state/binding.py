"""Claims that have no volume, who waits for them, and why no volume fits.

Kubernetes' page "Persistent Volumes", "Binding": a volume fits whose class is the claim's, which is large enough, has
the claim's access modes, meets its selector and belongs to nobody else; a claim that names a volume fits that one or
none. What is said of it: Events ``FailedBinding``, ``VolumeMismatch``, ``ProvisioningFailed`` of the claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence.problems import Basis
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.pods import PodSpec
from responder.state.state import State
from responder.state.storage import Claim, PersistentVolume, StorageClass
from responder.state.trouble import lasts, latest

_PROVISIONING_SECONDS = 120.0
"""So long a provisioner may take; AWS' EBS volumes take some ten seconds."""
_SETTLED_SECONDS = 60.0
"""So long a claim may wait for a volume that is created beside it."""
_CHOSEN = "volume.kubernetes.io/selected-node"
"""What the scheduler writes on a claim that waits for its first pod: from now on its volume is to be made."""
_STATIC = ("kubernetes.io/no-provisioner", "")

_SAID: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("occupied", re.compile(r'volume "[^"]*" already bound to a different claim')),
    ("size", re.compile(r"requested PV is too small|exceeds? (?:the )?(?:maximum|limit|max)|is too large|"
                        r"not enough (?:free )?(?:storage|space|capacity)|"
                        r"[Ii]nsufficient (?:free )?(?:space|capacity)")),
    ("class", re.compile(r"storageClassName does not match|storageclass\.storage\.k8s\.io \"[^\"]*\" not found|"
                         r"no storage class is set|no volume plugin matched")),
    ("mode", re.compile(r"incompatible accessMode|incompatible volumeMode|[Aa]ccess ?[Mm]odes?\b.*(?:support|invalid)|"
                        r"[Ss]upports? .*[Aa]ccess ?[Mm]odes?|MULTI_NODE_\w+ not supported")),
    ("selector", re.compile(r"[Ss]elector is not supported")),
)
"""What the volume controller and provisioners say of a claim, by kind."""


class Unbound(NamedTuple):
    """A claim without a volume that somebody waits for."""

    claim: Claim
    users: tuple[Ref, ...]
    """Workloads (and bare pods) that use it."""
    kinds: frozenset[str]
    """Why: ``occupied``, ``size``, ``class``, ``mode``, ``selector``, ``volume`` (what it names is not there),
    ``provisioner`` (nobody makes it one); empty: it cannot be told."""
    basis: Basis
    said: str
    since: float
    volume: str
    """The volume that comes nearest; empty: none."""

    @property
    def object(self) -> str:
        """What is at fault, as problems name it: the workload, where it is one; else the claim."""
        return str(self.users[0]) if len(self.users) == 1 else str(self.claim.ref)

    @property
    def apps(self) -> tuple[str, ...]:
        """Names of those that wait."""
        return tuple(ref.name for ref in self.users)


def claims_of(spec: PodSpec) -> tuple[str, ...]:
    """Return the names of the claims that a pod uses."""
    return tuple(volume.object for volume in spec.volumes if volume.kind == "persistentVolumeClaim" and volume.object)


def uses(state: State) -> Iterator[tuple[Ref, Ref]]:
    """Yield each claim that something uses, and the workload or bare pod that does."""
    for pod in state.pods:
        if not pod.over:
            top = state.top(pod.meta.owner) or pod.ref
            yield from ((Ref("PersistentVolumeClaim", pod.ref.namespace, name), top) for name in claims_of(pod.spec))
    for one in state.apps:
        if one.wanted != 0 and one.ref.kind not in ("Job", "CronJob"):
            namespace = one.ref.namespace
            yield from ((Ref("PersistentVolumeClaim", namespace, name), one.ref) for name in claims_of(one.template))
            for claim in state.claims:
                made = claim.ref.namespace == namespace and any(
                    re.fullmatch(rf"{re.escape(name)}-{re.escape(one.ref.name)}-\d+", claim.ref.name)
                    for name in one.claims)
                if made:
                    yield claim.ref, one.ref


@once
def unbound(state: State) -> tuple[Unbound, ...]:
    """Return the claims that wait for a volume, with the reason; one that waits for its first pod waits for nothing."""
    users: dict[Ref, set[Ref]] = {}
    for claim, user in uses(state):
        users.setdefault(claim, set()).add(user)
    found = []
    for one in sorted(state.claims, key=lambda claim: claim.ref):
        kind = class_of(state, one)
        if one.phase == "Pending" and not one.meta.deleting and lasts(state, one.meta.created, _SETTLED_SECONDS) and (
                one.ref in users or kind is None or not kind.waits):
            found.append(_why(state, one, tuple(sorted(users.get(one.ref, ()))), kind))
    return tuple(one for one in found if one is not None)


def class_of(state: State, claim: Claim) -> StorageClass | None:
    """Return a claim's StorageClass; None where it has none, or none that is known."""
    if claim.storage_class is None:
        return next((one for one in state.storage_classes if one.default), None)
    return next((one for one in state.storage_classes if one.meta.ref.name == claim.storage_class), None)


def _why(state: State, claim: Claim, users: tuple[Ref, ...], kind: StorageClass | None) -> Unbound | None:
    events = [event for event in state.about(claim.ref) if event.reason in (
        "FailedBinding", "VolumeMismatch", "ProvisioningFailed")]
    event = latest(events)
    said = frozenset({name for name, pattern in _SAID if event and pattern.search(event.message)})
    seen, volume = _seen(state, claim, kind)
    # "no storage class is set" is said of any claim without a class: which field keeps the volumes off is seen.
    if said - {"class"} or (said and not seen and not volume):
        return Unbound(claim, users, frozenset([min(said - {"class"} or said)]), "said", event.message if event else "",
                       event.last if event else 0.0, volume)
    if seen:
        return Unbound(claim, users, seen, "said" if said & seen else "seen", event.message if event else _words(claim),
                       event.last if event else claim.meta.created, volume)
    if volume and event is not None:
        # A volume of its class is free, and what is known of it fits: what is not known keeps it off.
        unknown = {name for name, known in (("size", claim.size), ("mode", claim.modes)) if not known}
        return Unbound(claim, users, frozenset(unknown if len(unknown) == 1 else ()), "seen", event.message, event.last,
                       volume)
    if event is not None or _overdue(state, claim, kind):
        return Unbound(claim, users, frozenset({"provisioner"}), "said" if event else "seen",
                       event.message if event else _words(claim), claim.meta.created, volume)
    return None


def _overdue(state: State, claim: Claim, kind: StorageClass | None) -> bool:
    """Whether a provisioner should have made a claim its volume by now."""
    if kind is None or kind.provisioner in _STATIC or (kind.waits and _CHOSEN not in claim.meta.annotations):
        return False
    return bool(state.now and claim.meta.created) and lasts(state, claim.meta.created, _PROVISIONING_SECONDS)


def _words(claim: Claim) -> str:
    kind = "(default)" if claim.storage_class is None else claim.storage_class or "(none)"
    return (f"{claim.ref.name}: class {kind}, modes {'|'.join(claim.modes)}, {claim.size / 2**30:g} GiB"
            + (f", volume {claim.volume}" if claim.volume else ""))


def _seen(state: State, claim: Claim, kind: StorageClass | None) -> tuple[frozenset[str], str]:
    """Return what keeps the nearest volume off a claim, and that volume; nothing where one is made for it."""
    wanted = claim.storage_class if claim.storage_class is not None else kind.meta.ref.name if kind else ""
    if claim.volume:
        named = next((one for one in state.volumes if one.meta.ref.name == claim.volume), None)
        if named is None:
            return frozenset({"volume"} if state.lists("PersistentVolume", "") else ()), claim.volume
        misfit = _misfit(claim, wanted, named)
        return misfit & {"occupied"} or misfit, claim.volume
    if kind is not None and kind.provisioner not in _STATIC:
        return frozenset(), ""
    if not state.volumes and not state.lists("PersistentVolume", ""):
        return frozenset({"class"} if wanted and kind is None and state.lists("StorageClass", "") else ()), ""
    misfits = sorted((len(misfit - {"occupied"}), len(misfit), one.meta.ref.name, misfit) for one in state.volumes
                     for misfit in (_misfit(claim, wanted, one),) if "class" not in misfit)
    if not misfits:
        return frozenset({"class"}), ""
    free = [one for one in misfits if "occupied" not in one[3]]
    _, _, name, misfit = (free or misfits)[0]
    if misfits[0][3] == {"occupied"}:
        # One would fit and is another's; a free one that does not fit is further off.
        _, _, name, misfit = misfits[0] if not free or len(free[0][3]) > 1 else free[0]
    return (misfit - {"occupied"} or misfit), name


def _misfit(claim: Claim, wanted: str, volume: PersistentVolume) -> frozenset[str]:
    own, found = volume.claim == claim.ref, set()
    if volume.phase in ("Released", "Failed") or (not own and (volume.claim is not None or volume.phase == "Bound")):
        found.add("occupied")
    if volume.storage_class != wanted:
        found.add("class")
    if volume.size and claim.size > volume.size:
        found.add("size")
    if not set(claim.modes) <= set(volume.modes):
        found.add("mode")
    if not claim.selector.selects(volume.meta.labels):
        found.add("selector")
    return frozenset(found)
