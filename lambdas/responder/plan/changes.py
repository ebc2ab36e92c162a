"""What changed: two states of an object compared, and which changes came just before a symptom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from responder.model.redact import NOT_SHOWN, decision, harmless
from responder.model.shown import differ, is_hidden, untold

MISSING = "(nothing)"
"""Stands for a field that is not there, where a text is shown."""
OWN_MANAGER = "incident-responder"
"""The field manager that remedies write under, as anybody may."""
_UNKNOWN = f" by {OWN_MANAGER}, but no remedy of ours is on record: somebody wrote under its name"
PARAMETER_GROUP = "DBParameterGroup"
"""The kind of a database's parameter group; of whom wrote it nothing is known."""
AT_REBOOT = " (at the next reboot)"
"""Ends the value of a parameter that waits for a reboot, or came into effect with one."""
_MOST_FIELDS = {PARAMETER_GROUP: 1000}


@dataclass(frozen=True)
class Change:
    """One object's change; times are seconds since 1970 (UTC)."""

    kind: str
    """Kubernetes' kind: ``Deployment``, ``ConfigMap``, …; or ``DBParameterGroup``."""
    name: str
    what: str
    """``created``, ``changed`` or ``deleted``."""
    earliest: float
    latest: float
    """It happened between these two; they are the same where the object itself says when."""
    by: str = ""
    """The field manager that wrote it: a tool, not a person."""
    fields: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    """[{path: [keys], before, after}], at most 40, of a parameter group all; a side without the field lacks its key."""
    namespace: str = ""
    readers: tuple[str, ...] = ()
    """Of a ConfigMap: the Deployments whose pods mount it or take variables from it. None may be: a program can read it
    by the API."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self) | {"fields": list(self.fields), "readers": list(self.readers)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        """Return what ``to_json`` wrote."""
        known = {key: value[key] for key in cls.__dataclass_fields__ if key in value}
        return cls(**known | {name: tuple(value.get(name) or ()) for name in ("fields", "readers")})

    def sentence(self, allowed: Sequence[str] = ()) -> str:
        """Say what changed, in a few words; a value only where it is harmless or ``allowed`` (``model/redact.py``).

        A change that still claims to be the responder's own is not: see ``plan/own.py``.
        """
        unknown = _UNKNOWN if self.by == OWN_MANAGER else ""
        if self.what != "changed":
            return f"{self.kind} {self.name} was {self.what}{unknown}"
        told = "; ".join(self._told(item, allowed) for item in self.fields[:3])
        more = f" and {len(self.fields) - 3} more" if len(self.fields) > 3 else ""
        return f"{self.kind} {self.name} changed ({told}{more}){unknown}"

    def _told(self, item: Mapping[str, Any], allowed: Sequence[str]) -> str:
        name = ".".join(str(part) for part in item["path"])
        if untold(item.get("before", MISSING), item.get("after", MISSING)):
            return f"{name}: whether it changed cannot be told"
        sides = [self._side(item, side, allowed) if side in item else MISSING for side in ("before", "after")]
        return f"{name} changed {NOT_SHOWN}" if sides == [NOT_SHOWN] * 2 else f"{name}: {sides[0]} became {sides[1]}"

    def _side(self, item: Mapping[str, Any], side: str, allowed: Sequence[str]) -> str:
        path, value = item["path"], item[side]
        if self.kind == PARAMETER_GROUP and path:
            shows = decision(str(path[-1]), value.removesuffix(AT_REBOOT) if isinstance(value, str) else value)
        else:
            shows = harmless(path, value, allowed)
        return _short(value) if shows else NOT_SHOWN

    def touches(self, *prefix: str) -> bool:
        """Whether a changed field lies below a path, or above it."""
        return any(_overlap([str(part) for part in item["path"]], prefix) for item in self.fields)


def compare(before: Any, after: Any, path: tuple[Any, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield the fields in which two plain values differ.

    Lists of objects with a ``name`` are matched by it, as strategic merge does; other lists are compared whole. Of
    hidden values the marks are compared (``model/shown.py``): where those cannot tell, there is no difference.
    """
    if is_hidden(before) or is_hidden(after):
        if differ(before, after):
            yield {"path": list(path), "before": before, "after": after}
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key not in after:
                yield {"path": [*path, key], "before": before[key]}
            elif key not in before:
                yield {"path": [*path, key], "after": after[key]}
            else:
                yield from compare(before[key], after[key], (*path, key))
    elif _named(before) and _named(after):
        yield from compare({item["name"]: item for item in before}, {item["name"]: item for item in after}, path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        if any(True for one, other in zip(before, after, strict=True) for _ in compare(one, other)):
            yield {"path": list(path), "before": before, "after": after}
    elif before != after:
        yield {"path": list(path), "before": before, "after": after}


def untold_fields(before: Any, after: Any, path: tuple[Any, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield the fields of two plain values of which it cannot be told whether they differ."""
    if is_hidden(before) or is_hidden(after):
        if untold(before, after):
            yield {"path": list(path), "before": before, "after": after}
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() & after.keys()):
            yield from untold_fields(before[key], after[key], (*path, key))
    elif _named(before) and _named(after):
        yield from untold_fields({item["name"]: item for item in before}, {item["name"]: item for item in after}, path)


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value) and len(
        {item["name"] for item in value}) == len(value)


def difference(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]],
               earliest: float, now: float) -> list[Change]:
    """Return what differs between two looks at the watched objects, each ``{key: watched object}``.

    ``earliest`` is when the first look was, ``now`` the second; see ``clients/watched.py`` for the objects.
    """
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if (new or old or {}).get("kind") == PARAMETER_GROUP and (old is None or new is None):
            continue  # looked at for the first time, or no longer: RDS says nothing of when it was made
        if old is None and new is not None:
            at = min(now, max(float(new.get("created") or earliest), 0.0))
            found.append(Change(new["kind"], new["name"], "created", at, at, new.get("by", ""),
                                namespace=new.get("namespace", "")))
        elif new is None and old is not None:
            found.append(Change(old["kind"], old["name"], "deleted", earliest, now, "",
                                ({"path": [], "before": old["body"]},), old.get("namespace", "")))
        elif old is not None and new is not None:
            fields = tuple(compare(old["body"], new["body"]))
            if not fields and float(new.get("written") or 0.0) > float(old.get("written") or 0.0):
                # It was written again, and the only fields that may differ are hidden without comparable marks.
                fields = tuple(untold_fields(old["body"], new["body"]))
            if not fields:
                continue
            fields = fields[:_MOST_FIELDS.get(new["kind"], 40)]
            # An object says when it was last written; a time from before the first look is of another field.
            at, since = float(new.get("written") or 0.0), float(old.get("unread_since") or earliest)
            known = since - 5 <= at <= now + 5
            found.append(Change(new["kind"], new["name"], "changed", at if known else since, at if known else now,
                                new.get("by", ""), fields, new.get("namespace", "")))
    objects = {**before, **after}.values()
    return [replace(change, readers=tuple(sorted(
        item["name"] for item in objects if item["kind"] == "Deployment" and change.name in configmaps(item["body"]))))
        if change.kind == "ConfigMap" else change for change in found]


def without_restored(changes: Sequence[Change]) -> list[Change]:
    """Leave out what only brings back the parameters that an earlier change took away; ``changes`` oldest first.

    A remedy that puts them back is one as well, and as nobody can see who wrote them, none is suspected for it. What
    counts is the value from before the first of the changes: what was set in between may have been as bad.
    """
    first: dict[tuple[Any, ...], Any] = {}
    kept: list[Change] = []
    for change in changes:
        if change.kind != PARAMETER_GROUP or change.what != "changed":
            kept.append(change)
            continue
        fields = []
        for item in change.fields:
            key = (change.name, *item["path"])
            if key not in first or first[key] != item.get("after", MISSING):
                fields.append(item)
            first.setdefault(key, item.get("before", MISSING))
        if fields:
            kept.append(replace(change, fields=tuple(fields)))
    return kept


def in_effect(item: Mapping[str, Any]) -> bool:
    """Whether the change of one parameter took effect at once, and does more than write logs or count.

    One that is gone from the group was reset: at once, unless what it had waited for a reboot. Source of the names:
    PostgreSQL's chapter "Server Configuration".
    """
    return len(item["path"]) > 1 and item["path"][0] == "parameters" and not str(item["path"][1]).startswith(
        _QUIET) and not str(item.get("after", item.get("before", ""))).endswith(AT_REBOOT)


_QUIET = ("log_", "track_", "rds.log", "pgaudit.", "auto_explain.", "pg_stat_statements.")


def configmaps(deployment: Mapping[str, Any]) -> set[str]:
    """Return the names of the ConfigMaps that a Deployment's pods mount or take variables from.

    Format: the Kubernetes API reference (PodSpec v1: volumes, and env and envFrom of containers).
    """
    spec = (deployment.get("template") or {}).get("spec") or {}
    found = set()
    for volume in spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found |= {(source.get("configMap") or {}).get("name") for source in sources}
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        found |= {(item.get("configMapRef") or {}).get("name") for item in container.get("envFrom") or []}
        found |= {((item.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name")
                  for item in container.get("env") or []}
    return {name for name in found if name}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _overlap(path: Sequence[str], prefix: Sequence[str]) -> bool:
    return all(a == b for a, b in zip(path, prefix, strict=False))
