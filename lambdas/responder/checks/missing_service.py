"""A Service that others call is not there.

Kubernetes' page "DNS for Services and Pods". Its callers are told its name in variables, or say that they cannot find
it; where one caller alone is wrong about a name, that caller is told instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.misaddressed import Wrong, is_gateway, written, wrong
from responder.state.resolving import unresolved
from responder.state.sayings import serves_nobody


def find(state: State) -> Iterator[Found]:
    """Yield Services that are named and not there, with who names them."""
    named: dict[Ref, list[Wrong]] = defaultdict(list)
    for one in wrong(state):
        if one.fault == "missing" and one.at_service and not is_gateway(state, one.given.owner):
            named[one.given.target.ref].append(one)
    said = {name.ref: name for name in unresolved(state) if name.missing}
    for ref in sorted({*named, *said}):
        callers = {one.given.owner.name for one in named[ref]} | ({one.name for one in said[ref].callers}
                                                                 if ref in said else set())
        workload = any(one.ref.name == ref.name and one.ref.namespace == ref.namespace for one in state.apps)
        if not (ref in said or workload or any(serves_nobody(state, one.given.owner) for one in named[ref])):
            continue  # All that call it serve: the name is that of a host outside.
        yield Found(
            str(ref), f"{', '.join(sorted(callers))} call Service {ref.name}, which is not there", "stops",
            "said" if ref in said else "seen", (ref.name,) if workload else tuple(callers),
            said[ref].text if ref in said else written(named[ref][0]),
            f"create Service {ref.name} in namespace {ref.namespace}, or correct its name where it is called")


CHECK = Check(id="missing_service", family="routing", sign="route", find=find, follows=(
    "configured_object_gone", "service_env_var_address_mismatch", "namespace_service_quota_exceeded"))
