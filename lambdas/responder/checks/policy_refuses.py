"""A policy of the API server's own refuses a workload's pods.

Kubernetes' pages "Validating Admission Policy" and "Admission Control in Kubernetes" (ImagePolicyWebhook,
PodNodeSelector, DenyServiceExternalIPs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.refusals import refusals
from responder.state.trouble import hurt

_SAID = re.compile(
    r"ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']+' denied request|"
    r"image policy webhook backend denied one or more images|one or more images rejected by webhook backend|"
    r"pod node label selector conflicts with its namespace node label selector|"
    r"pod tolerations [^:]*(?:conflict with its namespace tolerations|not in the whitelist)")


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods a policy refuses."""
    for refusal in refusals(state):
        said = _SAID.search(refusal.message)
        if said is not None:
            name = f"policy {said['policy']}" if said["policy"] else "a policy of the API server"
            yield Found(str(refusal.top), f"{name} refuses the pods of {refusal.top}", hurt(state, refusal.top), "said",
                        (refusal.top.name,), refusal.message, "change what the policy objects to, or the policy",
                        refusal.since)


CHECK = Check(id="policy_refuses", family="admission", sign="admission", find=find)
