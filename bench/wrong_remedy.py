"""When a remedy that nobody was asked about is the wrong one, by a drill's own contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responder.plan.remedies import PEOPLE, WAIT, find
from sandbox.drill.contract import Drill

_KIND_BY_MECHANISM: Mapping[str, str] = {
    "connections_exhausted": "restart of who holds the connections", "rejected_credentials": "restart of the pods",
    "refuses_connections": "reboot", "slow_database": "reboot", "storage_full": "more storage"}
"""What ``restore_database`` does, by the mechanism that it is proposed for (``actions/restore_database.py``)."""
_RESTORES = "restore_configuration"
_ON_WORKLOADS = frozenset({"rollback", "scale_up", "restart_pods", "cycle_deployment"})
"""Actions whose target is the workload of their component, so that a drill's ``targets`` name it."""


@dataclass(frozen=True)
class JudgedRemedy:
    """A remedy as far as it can be held against a contract."""

    action: str
    component: str
    cause: str
    mechanism: str
    objects: frozenset[str] = frozenset()
    """What ``restore_configuration`` restores, as ``kind/name`` in lower case; empty: not known, or another action."""

    @property
    def changes(self) -> bool:
        """Whether it changes anything: who is told, or waits, cannot do harm to the platform."""
        return self.action not in (WAIT, PEOPLE) and not find(self.action).audience

    @property
    def kind(self) -> str:
        """What is done: one action may do different things for different mechanisms."""
        return (_KIND_BY_MECHANISM.get(self.mechanism, self.mechanism) if self.action == "restore_database"
                else self.action)

    def __str__(self) -> str:
        return f"{self.action} of {self.component} for {self.mechanism}"


@dataclass(frozen=True)
class Contract:
    """What is right for a drill, whatever its sources say."""

    never: frozenset[str] = frozenset()
    causes: frozenset[str] = frozenset()
    """Empty: the drill does not say."""
    actions: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    """Names of the workloads that the drill expects to be changed; empty: it does not say."""
    affected: frozenset[str] = frozenset()
    helped: frozenset[tuple[str, str, str]] = frozenset()
    """Action, component and kind of the remedies that the record applied with success."""
    in_vain: frozenset[tuple[str, str, str]] = frozenset()
    """The same of those that it applied without success."""
    restored: frozenset[str] = frozenset()
    """The objects that the record restored with success."""
    held: frozenset[tuple[str, str]] = frozenset()
    """Action and component that only the drill's mode held back: a contract of a drill in mode ``observe`` or
    ``approve`` forbids what is right in mode ``auto``."""

    @classmethod
    def of(cls, drill: Drill, items: Iterable[Mapping[str, Any]]) -> Contract:
        """Read a contract from a drill and the items of its record."""
        expect = drill.expect
        acted = [item for item in items if str(item.get("sk", "")).startswith("ACTION#")]
        wanted = (one if isinstance(one, list) else [one] for one in expect.actions or ())
        return cls(
            frozenset(expect.never or ()), frozenset(expect.cause or ()),
            frozenset(name for options in wanted for name in options),
            frozenset(target.partition("/")[2] for target in expect.targets or () if target.startswith("deployment/")),
            frozenset(expect.affected or ()),
            frozenset((item["action"], item.get("component") or "", _of_item(item).kind) for item in acted
                      if item["status"] == "verified"),
            frozenset((item["action"], item.get("component") or "", _of_item(item).kind) for item in acted
                      if item["status"] in ("failed", "reverted")),
            frozenset(item["target"] for item in acted
                      if item["action"] == _RESTORES and item["status"] == "verified"),
            frozenset((item["action"], item.get("component") or "") for item in acted
                      if item["status"] in ("observed", "rejected", "refused")
                      and item.get("guardrail") in ("mode", "approval", "kill_switch"))
            if drill.start.mode != "auto" else frozenset())


def _of_item(item: Mapping[str, Any]) -> JudgedRemedy:
    return JudgedRemedy(item["action"], item.get("component") or "", item.get("cause") or "",
                        item.get("mechanism") or "")


def why_wrong(contract: Contract, judged: JudgedRemedy) -> str:
    """Say why a remedy that is applied without a person is the wrong one; empty where it is right, or changes nothing.

    It is wrong if one of these holds:

    - The drill's ``never`` names its action. Whoever wrote the drill knew what it would do to the platform, and no
      evidence makes it better.
    - It is meant for a cause that the drill does not have. It may do no harm, but it is a change without a reason.
    - Neither does the drill expect its action, nor did the drill's record apply it with success to that component.
      A remedy that nobody foresaw is counted as wrong, because nobody has said that it helps.
    - It is the expected action at another place: of a component that neither the drill's targets nor its affected
      components name, where it names any.
      ``restore_configuration`` is held against the objects that it restores, whichever component is blamed.
    - It is the expected action and does something else. ``restore_database`` reboots for one mechanism and adds storage
      for another.

    What a drill's ``never`` lists because of its mode alone (``Contract.held``) is not held against a remedy. One for
    the right cause that the drill allows, and that its record tried in vain, is told apart (``is_in_vain``).
    """
    if not judged.changes:
        return ""
    if contract.causes and judged.cause not in contract.causes:
        return "for another cause"
    if (judged.action, judged.component) in contract.held:
        return ""
    if judged.action in contract.never:
        return "never"
    if judged.action == _RESTORES and judged.objects and contract.restored:
        return "" if judged.objects & contract.restored else "elsewhere"
    if (judged.action, judged.component, judged.kind) in contract.helped | contract.in_vain:
        return ""
    kinds = {kind for action, _, kind in contract.helped if action == judged.action}
    if kinds and judged.kind not in kinds:
        return "does something else"
    if judged.action not in contract.actions:
        return "elsewhere" if kinds else "not foreseen"
    return "" if _in_place(contract, judged) else "elsewhere"


def is_in_vain(contract: Contract, judged: JudgedRemedy) -> bool:
    """Whether a remedy is one that the drill's record tried as well, without success."""
    made = (judged.action, judged.component, judged.kind)
    return made in contract.in_vain and made not in contract.helped


def _in_place(contract: Contract, judged: JudgedRemedy) -> bool:
    named: Collection[str] = contract.targets if judged.action in _ON_WORKLOADS else ()
    places = named or contract.affected or {component for action, component, _ in contract.helped
                                            if action == judged.action}
    return not places or judged.component in places
