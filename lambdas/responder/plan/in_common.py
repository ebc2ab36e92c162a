"""What several components that are slow at once have in common: a caller that starves, or one that gets more requests.

Each function moves shares of an outage, by component and metric, to where it began, in place.
"""

from __future__ import annotations

from responder.plan.deviation import SLOW, SURGE
from responder.plan.measured import Measured, State


def to_callers_that_starve(measured: Measured, shares: dict[State, float]) -> None:
    """One that is slow by itself, and at the same time sees several others slow, is what they have in common."""
    for name in sorted(measured.calls):
        slow = [called for called in measured.calls[name]
                if shares.get((called, SLOW), 0.0) > 0 and measured.unusual(called, SLOW)]
        if len(slow) > 1 and _slower_than_its_calls(measured, name):
            for called in slow:
                shares[name, SLOW] = shares.get((name, SLOW), 0.0) + shares.pop((called, SLOW))


def _slower_than_its_calls(measured: Measured, name: str) -> bool:
    own = measured.change(name, SLOW)
    changes = [(called, measured.change(called, SLOW)) for called in measured.calls[name]]
    whole = sum(max(0.0, change.by) * measured.per_request(name, called)[0] for called, change in changes if change)
    return own is not None and own.by - whole >= measured.settings.sure * own.spread


def to_where_load_begins(measured: Measured, shares: dict[State, float]) -> None:
    """Blame slowness under more requests than usual on the highest component that has too many."""
    for name in sorted(name for name, metric in shares if metric == SLOW):
        seen, top = {name}, name
        while measured.unusual(top, SURGE):
            above = [caller for caller in measured.callers[top]
                     if caller not in seen and caller not in measured.views and measured.unusual(caller, SURGE)]
            if not above:
                break
            top = max(above, key=lambda caller: (measured.usual_requests(caller), caller))
            seen.add(top)
        if top != name:
            shares[top, SLOW] = shares.get((top, SLOW), 0.0) + shares.pop((name, SLOW))
