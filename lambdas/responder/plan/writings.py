"""Who wrote which field of an object: each changed field is told to its own manager, not to the object's newest writer.

Kubernetes keeps for each manager the fields that it owns and when it last changed one of them ("Server-Side Apply",
"Field management"; ``ManagedFieldsEntry`` in the API reference). A field that is gone is owned by nobody; then it was
one of those that wrote in that time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from responder.model.change import ABSENT, FieldChange
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.watched import Watched, Writing
from responder.model.writers import Role, writer

Path = Sequence[str | int]


@dataclass(frozen=True)
class Written:
    """Fields that one manager changed."""

    by: str
    """Empty: nobody says who it was."""
    at: float
    """Seconds since 1970 (UTC); 0: not known."""
    fields: tuple[FieldChange, ...]


def told_apart(new: Watched, fields: Iterable[FieldChange], since: float, now: float) -> Iterator[Written]:
    """Yield changed fields of an object by who changed them, between two times in seconds since 1970 (UTC).

    Where the object does not say who owns what, all of them are its newest writer's.
    """
    if not new.writings:
        yield Written(new.by, new.written, tuple(fields))
        return
    found: dict[tuple[str, float], list[FieldChange]] = {}
    for field in fields:
        one = _author(new.writings, field, since, now)
        found.setdefault((one.by, one.at) if one else ("", 0.0), []).append(field)
    for (by, at), own in found.items():
        yield Written(by, at, tuple(own))


def creator(new: Watched) -> str:
    """Return who created an object: who has not written since it was there, else the first to have written."""
    return min(new.writings, key=lambda one: one.at).by if new.writings else new.by


def _author(writings: Sequence[Writing], field: FieldChange, since: float, now: float) -> Writing | None:
    """Return who changed a field; None: none of those who own anything did."""
    lately = [one for one in writings if since <= one.at <= now]
    if field.after is not ABSENT:
        # Whoever sets the same value owns it as well (Apply), so the newest of them it was.
        owners = [one for one in writings if owned(one.fields, field.path)]
        newest = max(owners, key=lambda one: one.at, default=None)
        # Before Kubernetes 1.22 a scale subresource left no trace: who owned the field before seems to own it still.
        return newest if newest in lately or (newest and writer(newest.by).role is Role.CONTROLLER) else None
    # A scale subresource has no other field than the number of pods.
    able = [one for one in lately if one.subresource != "scale" or field.path[-1:] == ("replicas",)]
    return max(able, key=lambda one: (_depth(one.fields, field.path), one.at), default=None)


def owned(fields: Json, path: Path) -> bool:
    """Whether a manager owns a field, a part of it, or the whole that it is in, by its ``fieldsV1``."""
    for part in path:
        if not isinstance(fields, Mapping):
            return False
        if not fields.keys() - {"."}:
            return bool(path) and "." not in fields  # The whole is one value: its parts have no owners of their own.
        below = _below(fields, part)
        if below is None:
            return False
        fields = below
    return True


def _depth(fields: Json, path: Path) -> int:
    """Return how far towards a field a manager owns anything."""
    for depth, part in enumerate(path):
        fields = _below(fields, part)
        if fields is None:
            return depth
    return len(path)


def _below(fields: Json, part: str | int) -> Json:
    """Return what a manager owns below a key, or below the item of a list that has this name; None: nothing."""
    if not isinstance(fields, Mapping):
        return None
    found = fields.get(f"f:{part}")
    if found is not None:
        return found
    items = {name: item for name, item in fields.items() if name.startswith("k:")}
    named = next((item for name, item in items.items() if part in _values(name)), None)
    if named is not None or not items or any("name" in _keys(name) for name in items):
        return named
    # The items are told apart by something else than their names, such as a port's number: any of them may be it.
    return {key: item for whole in items.values() if isinstance(whole, Mapping) for key, item in whole.items()}


def _values(key: str) -> list[Json]:
    return list(_keyed(key).values())


def _keys(key: str) -> list[str]:
    return list(_keyed(key))


def _keyed(key: str) -> dict[str, Json]:
    try:
        found = json.loads(key[2:])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
