"""A workload asks the API server for what its ServiceAccount may not do.

Kubernetes' page "Using RBAC Authorization". What is not granted is refused; the one who asked logs the answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref

_SAID = re.compile(
    r'is forbidden: User \\?"(?P<user>system:serviceaccount:(?P<namespace>[^:"\\]+):(?P<name>[^"\\]+))\\?" cannot '
    r'(?P<verb>\w+) (?:resource|path) \\?"(?P<resource>[^"\\]+)\\?"')


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose requests to the API server are refused, by what they log; their ServiceAccount tells who
    they are where the log does not.
    """
    told: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for line in state.lines:
        said = _SAID.search(line.text)
        if said is None:
            continue
        own = [one.ref for one in state.apps if one.ref.name == line.component]
        users = own or [one.ref for one in state.apps if one.ref.namespace == said["namespace"]
                        and one.template.service_account == said["name"]]
        at_fault = users or [Ref("ServiceAccount", said["namespace"], said["name"])]
        for ref in at_fault:
            told[str(ref)].append((f"{said['verb']} {said['resource']}", line.text,
                                   tuple(one.name for one in users) or ((line.component,) if line.component else ())))
    for name, all_said in sorted(told.items()):
        what = ", ".join(sorted({what for what, *_ in all_said}))
        yield Found(name, f"{name} may not {what}: its ServiceAccount has no such right", "lessens", "said",
                    tuple(app for *_, apps in all_said for app in apps), min(said for _, said, _ in all_said),
                    f"bind a Role to its ServiceAccount that lets it {what}, or restore the binding that it had")


CHECK = Check(id="rbac_forbids", family="admission", find=find)
