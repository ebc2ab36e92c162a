"""Whether names cannot be resolved by everybody, so that it is the cluster's own resolver that does not keep up."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.plan import places, wording
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.plan.signals import Context, Signal, signal

_FEWEST = 10
"""Fewer lookups that fail are found at any time."""


@signal("Where: components that call different others fail at their names alike, and no node stands out; what they "
        "share is the cluster's resolver. A zone of one name would fail its callers alone.")
def lookups_fail_everywhere(components: str) -> str:
    return f"names cannot be resolved by {components} alike, whatever they call"


def read(context: Context) -> Iterator[Signal]:
    """Yield whether several components fail at names, the one that fails among them, on no node in particular."""
    if not context.mostly(ErrorKind.DNS) or any(True for _ in places.nodes(context.evidence, context.component)):
        return
    for found in _failing(context.evidence).values():
        names = sorted(name for name, (count, _) in found.items() if count >= _FEWEST)
        if context.component in names and len(names) > 1:
            yield lookups_fail_everywhere.emit(found[names[0]][1], wording.listed(names))


def _failing(evidence: Evidence) -> dict[str, dict[str, tuple[float, Finding[Calls] | Finding[ErrorSignatures]]]]:
    """Return per source the components with the number of their lookups that failed, more than is usual."""
    found: dict[str, dict[str, tuple[float, Finding[Calls] | Finding[ErrorSignatures]]]] = {}
    for calls in evidence.of(Calls):
        count = sum(number for callee in calls.detail.callees.values() for text, number in callee.kinds.items()
                    if kind_of(text) is ErrorKind.DNS)
        found.setdefault(calls.source, {})[calls.component] = (count, calls)
    for lines in evidence.of(ErrorSignatures):
        of_source = found.setdefault(lines.source, {})
        for one in lines.detail.signatures:
            if kind_of(one.whole) is ErrorKind.DNS:
                before = of_source.get(one.component)
                of_source[one.component] = ((before[0] if before else 0.0) + one.count - one.usual, lines)
    return found
