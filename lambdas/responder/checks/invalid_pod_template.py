"""A workload's template makes no valid pod: the API server refuses each.

A template is validated less strictly than a pod, so that a Deployment may be accepted whose pods never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.refusals import refusals
from responder.state.trouble import hurt

_SAID = re.compile(r'Pod "[^"]*" is invalid: (?P<why>.*)', re.DOTALL)


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are not valid."""
    for refusal in refusals(state):
        said = _SAID.search(refusal.message)
        if said is not None:
            yield Found(str(refusal.top), f"{refusal.top} makes pods that are not valid: the API server refuses each",
                        hurt(state, refusal.top), "said", (refusal.top.name,), refusal.message,
                        f"mend the template: {said['why'][:120]}", refusal.since)


CHECK = Check(id="invalid_pod_template", family="admission", sign="admission", find=find)
