"""A namespace is being deleted: nothing new is let in, and what is there goes.

Kubernetes' page "Namespaces"; the admission plugin NamespaceLifecycle refuses what is created meanwhile.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.refusals import Refusal, refusals

_SAID = re.compile(r"because it is being terminated")


def find(state: State) -> Iterator[Found]:
    """Yield namespaces that are said to go, or are marked so."""
    told: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals(state):
        if _SAID.search(refusal.message):
            told[refusal.top.namespace].append(refusal)
    for meta in state.others:
        if meta.ref.kind == "Namespace" and meta.deleting:
            told.setdefault(meta.ref.name, [])
    for name, hit in sorted(told.items()):
        apps = {one.top.name for one in hit} or {one.ref.name for one in state.apps if one.ref.namespace == name}
        last = max(hit, key=lambda one: (one.since, one.message, one.top), default=None)
        yield Found(
            f"namespace/{name}", f"namespace {name} is being deleted: nothing new is let in", "stops",
            "said" if last else "seen", tuple(apps), last.message if last else "metadata.deletionTimestamp is set",
            "let the deletion end, then create the namespace and what was in it anew", last.since if last else 0.0)


CHECK = Check(id="namespace_terminating", family="admission", sign="admission", find=find)
