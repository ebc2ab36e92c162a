"""A Service of type ExternalName names what no resolver can answer for.

Kubernetes' page "Service": the name is returned as a CNAME; an IP address is read as a name made of digits, and a name
of the cluster's own that is not there resolves to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.addresses import target

_ADDRESS = re.compile(r"^\d{1,3}(?:\.\d{1,3}){3}$")


def find(state: State) -> Iterator[Found]:
    """Yield Services that stand for a name that cannot be resolved."""
    for service in state.services:
        name, ref = service.external_name, service.ref
        if service.kind != "ExternalName":
            continue
        to = target(state, ref.namespace, name)
        gone = to is not None and name.rstrip(".").endswith((".svc", ".svc.cluster.local")) and to.service is None and (
            state.lists("Service", to.ref.namespace))
        why = "an IP address, which is read as a name" if _ADDRESS.match(name) else (
            "empty" if not name else "a Service that is not there" if gone else "")
        if why:
            yield Found(str(ref), f"Service {ref.name} stands for {name or 'no name'}: that is {why}", "stops", "seen",
                        (ref.name,), f"externalName: {name}", f"give Service {ref.name} a name that resolves")


CHECK = Check(id="external_name_unresolvable", family="routing", sign="route", find=find)
