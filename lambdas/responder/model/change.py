"""A change of one object of the cluster, or of the database's parameter group, as the change ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal

from responder.model.codec import Json, Malformed
from responder.model.frozen import dataclass
from responder.model.redact import NOT_SHOWN, decision, harmless
from responder.model.shown import untold

OWN_MANAGER = "incident-responder"
"""The field manager that remedies write under, as anybody may."""
PARAMETER_GROUP = "DBParameterGroup"
"""The kind of a database's parameter group; of whom wrote it nothing is known."""
CLUSTER_GROUP = "cluster-pg:"
"""How the name of a parameter group of a DB cluster begins, as in its ARN."""
AT_REBOOT = " (at the next reboot)"
"""Ends the value of a parameter that waits for a reboot, or came into effect with one."""
MISSING = "(nothing)"
"""Stands for a field that is not there, where a text is shown."""
_UNKNOWN = f" by {OWN_MANAGER}, but no remedy of ours is on record: somebody wrote under its name"


class Absent(Enum):
    """The type of ``ABSENT``."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""The field is not there; None is a value."""


@dataclass(frozen=True)
class FieldChange:
    """One field in which two states of an object differ."""

    path: tuple[str | int, ...]
    """The keys that lead to it; of a list whose items have names, the item's name."""
    before: Json = ABSENT
    after: Json = ABSENT

    @classmethod
    def from_wire(cls, value: Any, place: str) -> FieldChange:
        """Return what ``to_wire`` wrote; a side without the field lacks its key. Raises Malformed."""
        if not isinstance(value, Mapping) or not isinstance(value.get("path"), list | tuple):
            raise Malformed(place, "{path: [keys], before, after}", value)
        if unknown := value.keys() - {"path", "before", "after"}:
            raise Malformed(place, "path, before and after alone", sorted(unknown))
        return cls(tuple(value["path"]), value.get("before", ABSENT), value.get("after", ABSENT))

    def to_wire(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        sides = {"before": self.before, "after": self.after}
        return {"path": list(self.path), **{side: value for side, value in sides.items() if value is not ABSENT}}


@dataclass(frozen=True)
class Change:
    """One object's change; times are seconds since 1970 (UTC)."""

    kind: str
    """Kubernetes' kind: ``Deployment``, ``ConfigMap``, …; or ``DBParameterGroup``."""
    name: str
    what: Literal["created", "changed", "deleted"]
    earliest: float
    latest: float
    """It happened between these two; they are the same where the object itself says when."""
    by: str = ""
    """The field manager that wrote it: a tool, not a person."""
    fields: tuple[FieldChange, ...] = ()
    """At most 40, of a parameter group all."""
    namespace: str = ""
    readers: tuple[str, ...] = ()
    """For a ConfigMap: the Deployments whose pods mount it or take variables from it. It may be empty although a
    program reads the ConfigMap by the API."""

    def sentence(self, allowed: Sequence[str] = ()) -> str:
        """Say what changed, in a few words; a value only where it is harmless or ``allowed`` (``model/redact.py``).

        A change that still claims to be the responder's own is not: see ``plan/own.py``.
        """
        unknown = _UNKNOWN if self.by == OWN_MANAGER else ""
        if self.what != "changed":
            return f"{self.kind} {self.name} was {self.what}{unknown}"
        told = "; ".join(self._told(field, allowed) for field in self.fields[:3])
        more = f" and {len(self.fields) - 3} more" if len(self.fields) > 3 else ""
        return f"{self.kind} {self.name} changed ({told}{more}){unknown}"

    def _told(self, field: FieldChange, allowed: Sequence[str]) -> str:
        name = ".".join(str(part) for part in field.path)
        if untold(*(MISSING if side is ABSENT else side for side in (field.before, field.after))):
            return f"{name}: whether it changed cannot be told"
        sides = [self._side(field, side, allowed) for side in (field.before, field.after)]
        return f"{name} changed {NOT_SHOWN}" if sides == [NOT_SHOWN] * 2 else f"{name}: {sides[0]} became {sides[1]}"

    def _side(self, field: FieldChange, value: Json, allowed: Sequence[str]) -> str:
        if value is ABSENT:
            return MISSING
        if self.kind == PARAMETER_GROUP and field.path:
            shows = decision(str(field.path[-1]), value.removesuffix(AT_REBOOT) if isinstance(value, str) else value)
        else:
            shows = harmless(list(field.path), value, allowed)
        return _short(value) if shows else NOT_SHOWN

    def touches(self, *prefix: str) -> bool:
        """Whether a changed field lies below a path, or above it."""
        return any(_overlap([str(part) for part in field.path], prefix) for field in self.fields)


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _overlap(path: Sequence[str], prefix: Sequence[str]) -> bool:
    return all(a == b for a, b in zip(path, prefix, strict=False))
