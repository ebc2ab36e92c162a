"""Recent configuration changes: the live objects against the change ledger's last look, and what the ledger recorded.

The objects are those of the cluster's namespace, the nodes, and the database's parameter group.

So a change of ten seconds ago is seen, whenever the ledger looked last. Who wrote under the responder's name is shown
as well: which changes are really its own the plan knows, by the remedies on record (``plan/own.py``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from responder.clients import kubernetes, parameter_groups, watched
from responder.clients.failure import CallFailed
from responder.model import evidence
from responder.model.finding import Finding, typed
from responder.plan.changes import PARAMETER_GROUP, difference, without_restored
from responder.records.ledger import GAP_SECONDS, Ledger
from responder.records.table import Records
from responder.sources import Query, Source
from responder.sources.kubernetes import SOURCE as KUBERNETES

_BEFORE_SECONDS = 3600.0
_MOST = 100
_RDS_SECONDS = 3


def collect(query: Query) -> Sequence[evidence.Finding[evidence.Detail]]:
    """Return ``changes``: value is their number since an hour before the window; detail has ``changes``.

    Each is a ``Change`` of ``plan/changes.py`` as JSON. Detail ``lacks`` are the kinds whose changes are not known, and
    ``times`` where all are known and when is not. Without a ledger's look nothing can be compared: ``empty``.
    """
    service = query.service
    ledger = Ledger(Records(os.environ["TABLE"]), service.service)
    since = query.window.start - _BEFORE_SECONDS
    last, before = ledger.last_look()
    command = f"kubectl -n {service.cluster.namespace} get deploy,cm,svc,netpol,hpa,quota,pdb,no -o yaml"
    if service.database and service.database.parameter_group:
        command += ("; aws rds describe-db-parameters --source user --db-parameter-group-name "
                  f"{service.database.parameter_group}")
    if last is None:
        return typed([Finding(SOURCE.name, "changes", "empty", window=query.window, query=command,
                              note="the change ledger has not looked yet: what changed is not known")]).every
    recorded = ledger.changes(since)
    # RDS and the cluster are asked side by side, so that what one of them knows is told where the other is silent.
    pool = ThreadPoolExecutor(1)
    asked = pool.submit(parameter_groups.look, service.database, _RDS_SECONDS)
    notes: list[str] = []
    silent: set[str] = set()
    seen: dict[str, dict[str, Any]] = {}
    try:
        seen, notes = _cluster(query, before)
        silent = {text.split(":")[0] for text in notes}
    except CallFailed as error:
        if not recorded and not asked.result()[0]:
            raise
        notes = [f"the live objects could not be read: {error.note}"]
        silent = set(watched.KINDS)
    finally:
        pool.shutdown(wait=False)
    age = query.window.end - last
    if age > GAP_SECONDS:
        notes.append(f"the ledger looked last {age:.0f} s ago: when things changed since is known less well")
    parameters, unread = asked.result()
    lacks = sorted(silent) or ["times"] if notes else [PARAMETER_GROUP] if unread else []
    silent |= {PARAMETER_GROUP} if unread else set()
    live = difference({key: item for key, item in before.items() if item["kind"] not in silent}, seen | parameters,
                      last, time.time())
    notes += unread
    found = sorted((*recorded, *live), key=lambda change: (change.latest, change.kind, change.name))
    found = without_restored(found)
    return typed([Finding(
        SOURCE.name, "changes", "partial" if notes else "ok", window=query.window, unit="changes",
        value=float(len(found)), query=command, note="; ".join(notes)[:500],
        detail={"changes": [change.to_json() for change in found[-_MOST:]], "last_look": last,
                "lacks": lacks})]).every


def _cluster(query: Query, before: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]],
                                                                                  list[str]]:
    """Return the cluster's objects, and which kinds could not be read; raises CallFailed."""
    api = kubernetes.connect(query.service.cluster.name, query.deadline)
    objects, failed = watched.look(api, query.service.cluster.namespace)
    watched.believe(before, objects)
    return objects, failed


SOURCE = Source(
    name="changes",
    phases=frozenset({"diagnose"}),
    collect=collect,
    statements=lambda service: (*KUBERNETES.statements(service), *parameter_groups.statements(service)),
    kubernetes_group=KUBERNETES.kubernetes_group,
    reads="LEDGER#",
)
