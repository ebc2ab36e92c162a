"""A container's command is not there, may not be run, or is of another machine: the container does not start.

Kubernetes' page "Define a Command and Arguments for a Container"; exit codes by POSIX: 127 not found, 126 not
executable. The words are the OCI runtime's (runc, crun) and the kernel's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.starting import code, containers, sayings
from responder.state.trouble import hurt, waiting_pods

_SAID = re.compile(
    r'exec: \\?"(?P<command>[^"\\]+)\\?":? (?P<why>executable file not found|stat [^:]+: no such file or directory|'
    r"no such file or directory|permission denied|is a directory|not a directory)|"
    r"exec (?P<path>/\S+): (?P<what>exec format error|no such file or directory|permission denied)|"
    r"executable file `(?P<crun>[^`]+)` not found|(?P<format>exec format error)|"
    r"exec user process caused:? \\?\"?(?P<user>[\w ]+)")
_OTHERS = re.compile(r"\w+ probe |\S*PostStartHook|\S*PreStopHook|Exec lifecycle hook")
"""What runs in a container that has started."""
_CODES = {126: "may not be executed", 127: "is not found"}
_MEND = "mend the command or the arguments, or use an image that has the command for the nodes' architecture"


def find(state: State) -> Iterator[Found]:
    """Yield workloads by what the runtime says; else by the exit code of a container that does not run."""
    told: set[Ref] = set()
    for said in sayings(state):
        match = _SAID.search(said.text)
        if match is not None and said.app not in told and said.by == "kubelet" and not _OTHERS.match(said.text):
            told.add(said.app)
            command = match["command"] or match["path"] or match["crun"] or ""
            yield Found(str(said.app), f"the command {command or 'of a container'} of {said.app} cannot be run",
                        hurt(state, said.app), "said", (said.app.name,), said.text, _MEND, said.since)
    for pod in waiting_pods(state):
        app = state.owner(pod)
        ends = [(one, code(status)) for one, status in containers(pod) if code(status) in _CODES]
        if ends and app not in told:
            told.add(app)
            one, exit_code = ends[0]
            yield Found(str(app), f"what container {one.name} of {app} runs {_CODES[exit_code or 127]}",
                        hurt(state, app), "seen", (app.name,), f"container {one.name} ended with exit code {exit_code}",
                        _MEND, pod.meta.created)


CHECK = Check(id="bad_command", family="startup", sign="definition", find=find)
