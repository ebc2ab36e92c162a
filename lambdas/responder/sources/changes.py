"""Recent configuration changes: the live objects against the change ledger's last look, and what the ledger recorded.

So a change of ten seconds ago is seen, whenever the ledger looked last. What the responder itself changed is left out.
"""

from __future__ import annotations

import os
import time

from responder.clients import kubernetes, watched
from responder.clients.failure import CallFailed
from responder.model.finding import Finding
from responder.plan.changes import OWN_MANAGER, Change, difference
from responder.records.ledger import GAP_SECONDS, Ledger
from responder.records.table import Records
from responder.sources import Question, Source
from responder.sources.kubernetes import SOURCE as KUBERNETES

_BEFORE_SECONDS = 3600.0
_MOST = 100


def ask(question: Question) -> list[Finding]:
    """Return ``changes``: value is their number since an hour before the window; detail has ``changes``.

    Each is a ``Change`` of ``plan/changes.py`` as JSON. Without a ledger's look nothing can be compared: ``empty``.
    """
    service = question.service
    ledger = Ledger(Records(os.environ["TABLE"]), service.service)
    since = question.window.start - _BEFORE_SECONDS
    last, before = ledger.last_look()
    query = f"kubectl -n {service.cluster.namespace} get deploy,cm,svc,netpol,hpa,quota,pdb,no -o yaml"
    if last is None:
        return [Finding(SOURCE.name, "changes", "empty", window=question.window, query=query,
                        note="the change ledger has not looked yet: what changed is not known")]
    recorded = ledger.changes(since)
    notes = []
    live: list[Change] = []
    try:
        api = kubernetes.connect(service.cluster.name, question.deadline)
        objects, failed = watched.look(api, service.cluster.namespace)
        kinds = {text.split(":")[0] for text in failed}
        if before and not objects:
            raise CallFailed("empty", f"the cluster shows none of the {len(before)} objects that were there, nodes "
                                      "included: that is no change, but an answer that cannot be so")
        live = difference({key: item for key, item in before.items() if item["kind"] not in kinds}, objects, last,
                          time.time())
        notes += failed
    except CallFailed as error:
        if not recorded:
            raise
        notes.append(f"the live objects could not be read: {error.note}")
    age = question.window.end - last
    if age > GAP_SECONDS:
        notes.append(f"the ledger looked last {age:.0f} s ago: when things changed since is known less well")
    found = [change for change in (*recorded, *live) if change.by != OWN_MANAGER]
    found.sort(key=lambda change: (change.latest, change.kind, change.name))
    return [Finding(SOURCE.name, "changes", "partial" if notes else "ok", window=question.window, unit="changes",
                    value=float(len(found)), query=query, note="; ".join(notes)[:500],
                    detail={"changes": [change.to_json() for change in found[-_MOST:]], "last_look": last})]


SOURCE = Source(
    name="changes",
    phases=frozenset({"diagnose"}),
    ask=ask,
    statements=KUBERNETES.statements,
    kubernetes_group=KUBERNETES.kubernetes_group,
    reads="LEDGER#",
)
