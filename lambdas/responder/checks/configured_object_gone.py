"""What the configuration names is not there: a workload, a Service, a claim, a binding.

It is the plainest evidence there is: nobody has to guess what is meant to be there.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State


def find(state: State) -> Iterator[Found]:
    """Yield what is named and gone; the apps that it hits are those of its name, and of a Service's callers none."""
    for ref in sorted(set(state.gone)):
        space = f" of namespace {ref.namespace}" if ref.namespace else ""
        yield Found(str(ref), f"{ref}{space} is named by the configuration and is not there", "stops", "seen",
                    (ref.name,) if ref.kind in ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "Service") else (),
                    "not found", f"create {ref} again, as it was")


CHECK = Check(id="configured_object_gone", family="runtime", sign="gone", find=find)
