"""Recent configuration changes: the live objects against the change ledger's last snapshot, and what it recorded.

The objects are those of the cluster's namespace, the nodes, and the database's parameter group.

So a change of ten seconds ago is seen, whenever the last snapshot was made. Changes under the responder's
name are included; the plan tells its own changes by the remedies on record (``plan/own.py``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from responder.clients import kubernetes, marks, parameter_groups, watched
from responder.clients.failure import CallFailed
from responder.model.change import CLUSTER_GROUP, Change
from responder.model.evidence import Finding
from responder.model.evidence.changes import Changes
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.model.watched import Snapshot, Watched
from responder.model.writers import by_controller
from responder.plan import wording
from responder.plan.changes import difference, newest, without_restored
from responder.records.ledger import GAP_SECONDS, KEPT_DAYS, Ledger
from responder.records.table import Records
from responder.sources import (
    DAY_SECONDS,
    KUBERNETES_API,
    KUBERNETES_LIMIT,
    Budget,
    Query,
    Source,
    Statement,
    of_cluster,
)
from responder.sources.kubernetes import SOURCE as KUBERNETES

_BEFORE_SECONDS = 3600.0
_MOST = 100
_MOST_BYTES = 240_000
"""All of them together: with what the finding has besides, they have room as one item of the table."""
_MOST_REGULATED, _REGULATED_BYTES = 10, 10_000
"""What controllers made is told and not weighed."""
_RDS_SECONDS = 3


@dataclass(frozen=True)
class _Live:
    """The watched objects as they are now."""

    objects: dict[str, Watched]
    unread: dict[str, str]
    """Kinds that could not be read, and why: they have not vanished."""


def collect(query: Query) -> list[Finding[Changes]]:
    """Return ``Changes`` since an hour before the window; ``empty`` without a snapshot to compare with."""
    service = query.service
    ledger = Ledger(Records(os.environ["TABLE"]), service.service)
    if query.past:
        return [_then(query, ledger)]
    last, before = ledger.last_snapshot()
    if last is None:
        return [Finding(source=SOURCE.name, detail=Changes(), status="empty", window=query.window,
                        query=_command(service),
                        note="the change ledger has not looked yet: what changed is not known")]
    recorded = ledger.changes(query.window.start - _BEFORE_SECONDS)
    live = _live(query, before, bool(recorded))
    notes = [f"{kind}: {reason}" for kind, reason in live.unread.items()]
    lacks = sorted(live.unread)
    age = query.window.end - last
    if age > GAP_SECONDS:
        notes.append(f"the ledger looked last {wording.duration(age)} ago: when things changed since is known less "
                     "well")
        lacks.append("times")
    known = {key: one for key, one in before.items() if one.kind not in live.unread}
    found = without_restored(sorted((*recorded, *difference(known, live.objects, last, time.time())),
                                    key=lambda change: (change.latest, change.kind, change.name)))
    return [_told(query, found, last, notes, lacks)]


def _told(query: Query, found: Sequence[Change], last: float, notes: Sequence[str],
          lacks: Sequence[str]) -> Finding[Changes]:
    """Return the finding of all changes, oldest first."""
    regulated = [change for change in found if by_controller(change)]
    found = [change for change in found if not by_controller(change)]
    shown = newest(found, marks.key(), _MOST, _MOST_BYTES)
    return Finding(
        source=SOURCE.name, status="partial" if notes else "ok", window=query.window, unit="changes",
        left_out=len(found) - len(shown) or None,
        value=float(len(found)), query=_command(query.service), note="; ".join(notes)[:500],
        detail=Changes(shown, last, tuple(lacks), newest(regulated, marks.key(), _MOST_REGULATED, _REGULATED_BYTES)))


def _then(query: Query, ledger: Ledger) -> Finding[Changes]:
    """Return what the ledger recorded until a past time; ``empty`` where it was not there yet, or has forgotten it.

    It looks each minute, so a change of the last minute was not in it then; whoever asked then saw it in the cluster.
    """
    until, began, last = query.window.end, ledger.since(), ledger.last_at()
    if last is None or began is None or began > until or last < query.window.start or (
            query.age_seconds > KEPT_DAYS * DAY_SECONDS):
        return Finding(
            source=SOURCE.name, detail=Changes(), status="empty", window=query.window, query=_command(query.service),
            note=f"what changed is not known: the change ledger keeps {KEPT_DAYS} days, and is known to have looked "
                 + (f"from {wording.stamp(began)} to {wording.stamp(last)} UTC" if last and began else "at no time"))
    found = without_restored(sorted(ledger.changes(query.window.start - _BEFORE_SECONDS, until),
                                    key=lambda change: (change.latest, change.kind, change.name)))
    return _told(query, found, min(last, until), (), ())


def _live(query: Query, before: Snapshot, recorded: bool) -> _Live:
    """Return what can be read; raises CallFailed where that is nothing and nothing is ``recorded``."""
    # RDS and the cluster are asked side by side, so that what one of them knows is told where the other is silent.
    pool = ThreadPoolExecutor(1)
    # The thread has to ask in the same account.
    asked = pool.submit(copy_context().run, parameter_groups.snapshot, query.service.database, _RDS_SECONDS)
    try:
        objects, unread = _cluster(query, before)
    except CallFailed as error:
        if not recorded and not asked.result()[0]:
            raise
        objects, unread = {}, dict.fromkeys(watched.KINDS, error.note)
    finally:
        pool.shutdown(wait=False)
    group, failed = asked.result()
    return _Live(objects | group, unread | failed)


def _cluster(query: Query, before: Snapshot) -> tuple[dict[str, Watched], dict[str, str]]:
    api = kubernetes.connect(query.service.cluster.name, query.deadline)
    objects, unread = watched.snapshot(api, query.service.cluster.namespace, before)
    watched.check_plausible(before, objects)
    return objects, unread


def _command(service: Service) -> str:
    """Return what was asked, as a person could ask it again."""
    command = f"kubectl -n {service.cluster.namespace} get deploy,sts,ds,cm,svc,netpol,hpa,quota,pdb,no -o yaml"
    for group in parameter_groups.configured(service.database):
        of = "cluster-" if parameter_groups.is_cluster(group) else ""
        command += (f"; aws rds describe-db-{of}parameters --source user --db-{of}parameter-group-name "
                    f"{group.removeprefix(CLUSTER_GROUP)}")
    return command


def _statements(service: Service) -> tuple[Statement, ...]:
    return (*KUBERNETES.statements(service), *(
        Statement(actions, (arn,)) for actions, arn in parameter_groups.rights(service.database, "Describe")))


SOURCE = Source(
    name="changes",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=_statements,
    kubernetes_group=KUBERNETES.kubernetes_group,
    reads="LEDGER#",
    budget=Budget(KUBERNETES_API, 40, 1.0, KUBERNETES_LIMIT, scope=of_cluster,
                  a_look=lambda query: 14 * len(query.service.namespaces)),
)
