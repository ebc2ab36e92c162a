"""What changed: two states of an object, or of all watched objects, compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from responder.model.change import ABSENT, AT_REBOOT, OWN_MANAGER, PARAMETER_GROUP, Change, FieldChange
from responder.model.codec import Json, encode
from responder.model.shown import HIDDEN, differ, is_hidden, mark, untold
from responder.model.watched import Snapshot, Watched
from responder.plan.fitting import size_bytes
from responder.plan.wording import clock
from responder.plan.writings import creator, told_apart

CHANGE_BYTES = 100_000
"""The most that the values of one change take: a ConfigMap has up to 1 MiB, and an item of the table 400 kB."""
_MOST_FIELDS = 40
_MOST_PARAMETERS = 1000
_TOLERANCE_SECONDS = 5.0
"""An object's own time of its last write may lie this far outside the time between two snapshots."""

Path = tuple[str | int, ...]


def compare(before: Json, after: Json, path: Path = ()) -> Iterator[FieldChange]:
    """Yield the fields in which two plain values differ.

    Lists of objects with a ``name`` are matched by it, as strategic merge does; other lists are compared whole. Hidden
    values are compared by their marks (``model/shown.py``): where those cannot tell, there is no difference.
    """
    if is_hidden(before) or is_hidden(after):
        if differ(before, after):
            yield FieldChange(path, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key not in after:
                yield FieldChange((*path, key), before=before[key])
            elif key not in before:
                yield FieldChange((*path, key), after=after[key])
            else:
                yield from compare(before[key], after[key], (*path, key))
    elif _named(before) and _named(after):
        yield from compare(_by_name(before), _by_name(after), path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        if any(True for one, other in zip(before, after, strict=True) for _ in compare(one, other)):
            yield FieldChange(path, before, after)
    elif before != after:
        yield FieldChange(path, before, after)


def _untold(before: Json, after: Json, path: Path = ()) -> Iterator[FieldChange]:
    """Yield the fields of two plain values of which it cannot be told whether they differ."""
    if is_hidden(before) or is_hidden(after):
        if untold(before, after):
            yield FieldChange(path, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() & after.keys()):
            yield from _untold(before[key], after[key], (*path, key))
    elif _named(before) and _named(after):
        yield from _untold(_by_name(before), _by_name(after), path)


def _named(value: Json) -> bool:
    """Whether it is a list of objects that each have another ``name``."""
    return isinstance(value, list) and bool(value) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value) and len(
        _by_name(value)) == len(value)


def _by_name(items: Json) -> dict[str, Json]:
    return {item["name"]: item for item in items}


def difference(before: Snapshot, after: Snapshot, earliest: float, now: float) -> list[Change]:
    """Return what differs between two snapshots of the watched objects.

    ``earliest`` is when the first one was made, ``now`` the second, in seconds since 1970 (UTC).
    """
    found = [change for key in sorted(before.keys() | after.keys())
             for change in _difference(before.get(key), after.get(key), earliest, now)]
    objects = {**before, **after}.values()
    return [replace(change, readers=_readers(change.name, objects)) if change.kind == "ConfigMap" else change
            for change in found]


def _difference(old: Watched | None, new: Watched | None, earliest: float, now: float) -> Iterator[Change]:
    if old and new:
        yield from _changed(old, new, earliest, now)
    elif new and new.kind != PARAMETER_GROUP:
        at = min(now, max(new.created or earliest, 0.0))
        yield Change(new.kind, new.name, "created", at, at, creator(new), namespace=new.namespace)
    elif old and old.kind != PARAMETER_GROUP:
        yield Change(old.kind, old.name, "deleted", earliest, now, "", (FieldChange((), before=old.body),),
                     old.namespace)
    # A group is seen for the first time, or no longer: RDS does not say when it was made.


def _changed(old: Watched, new: Watched, earliest: float, now: float) -> Iterator[Change]:
    fields = tuple(compare(old.body, new.body))
    if not fields and new.written > old.written:
        # It was written again, and the only fields that may differ are hidden without comparable marks.
        fields = tuple(_untold(old.body, new.body))
    most = _MOST_PARAMETERS if new.kind == PARAMETER_GROUP else _MOST_FIELDS
    since = old.unread_since or earliest
    start, end = since - _TOLERANCE_SECONDS, now + _TOLERANCE_SECONDS
    for one in told_apart(new, fields, start, end) if fields else ():
        # Who wrote says when; a time from before the first snapshot is of another field.
        known = start <= one.at <= end
        yield Change(new.kind, new.name, "changed", one.at if known else since, one.at if known else now, one.by,
                     one.fields[:most], new.namespace)


def shortened(change: Change, key: bytes | None, most_bytes: int = CHANGE_BYTES) -> Change:
    """Return a change with at most so many bytes of values: the largest are hidden first, each with its mark.

    ``key`` is the deployment's, for the marks (``model/shown.py``). Which fields changed stays known.
    """
    fields = list(change.fields)
    sizes = [size_bytes(field.to_wire()) for field in fields]
    for place in sorted(range(len(fields)), key=lambda place: -sizes[place]):
        if sum(sizes) <= most_bytes:
            break
        field = fields[place]
        before, after = (side if side is ABSENT or is_hidden(side) else {HIDDEN: mark(side, key)}
                         for side in (field.before, field.after))
        fields[place] = replace(field, before=before, after=after)
        sizes[place] = size_bytes(fields[place].to_wire())
    return replace(change, fields=tuple(fields))


def newest(changes: Sequence[Change], key: bytes | None, most: int, most_bytes: int) -> tuple[Change, ...]:
    """Return the newest of some changes, oldest first, with at most so many bytes; older ones lose their values first.
    """
    kept: list[Change] = []
    room = most_bytes
    for change in reversed(changes[-most:]):
        one = shortened(change, key, min(CHANGE_BYTES, room - room // 3))
        room -= size_bytes(encode(one)) + 2
        if room < 0:
            break
        kept.append(one)
    return tuple(reversed(kept))


def made(change: Change, by: str = "") -> str:
    """Say that and when a change was made, and by whom; ``by`` is who it was, where the object itself does not say."""
    when = f"{clock(change.latest)} UTC" if change.earliest == change.latest else (
        f"between {clock(change.earliest)} and {clock(change.latest)} UTC")
    whom = by or (change.by if change.by != OWN_MANAGER else "")
    return f"{change.what} {when}" + (f" by {whom}" if whom else "")


def _readers(configmap: str, objects: Iterable[Watched]) -> tuple[str, ...]:
    return tuple(sorted(watched.name for watched in objects if configmap in watched.reads_configmaps))


def without_restored(changes: Sequence[Change]) -> list[Change]:
    """Leave out what only brings back the parameters that an earlier change took away; ``changes`` oldest first.

    A remedy that puts them back is one as well, and as nobody can see who wrote them, none is suspected for it. What
    counts is the value from before the first of the changes: what was set in between may have been as bad.
    """
    first: dict[tuple[str | int, ...], Json] = {}
    kept: list[Change] = []
    for change in changes:
        if change.kind != PARAMETER_GROUP or change.what != "changed":
            kept.append(change)
            continue
        fields = []
        for field in change.fields:
            key = (change.name, *field.path)
            if key not in first or first[key] != field.after:
                fields.append(field)
            first.setdefault(key, field.before)
        if fields:
            kept.append(replace(change, fields=tuple(fields)))
    return kept


def in_effect(field: FieldChange) -> bool:
    """Whether the change of one parameter took effect at once, and does more than write logs or count.

    One that is gone from the group was reset: at once, unless its value had waited for a reboot. Source of the names:
    PostgreSQL's chapter "Server Configuration", MySQL's "Server System Variables".
    """
    if len(field.path) < 2 or field.path[0] != "parameters" or str(field.path[1]).startswith(_QUIET):
        return False
    value = field.before if field.after is ABSENT else field.after
    return not str(value).endswith(AT_REBOOT)


_QUIET = ("log_", "track_", "rds.log", "pgaudit.", "auto_explain.", "pg_stat_statements.",
          "slow_query_log", "long_query_time", "general_log", "min_examined_row_limit", "performance_schema",
          "innodb_monitor_", "innodb_print_all_deadlocks", "innodb_status_output")
