"""The namespace's Pod Security Standard refuses a workload's pods.

Kubernetes' pages "Pod Security Admission" and "Pod Security Standards"; before 1.25 "Pod Security Policies";
OpenShift's "Managing security context constraints".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import PodSpec
from responder.state.refusals import refusals
from responder.state.trouble import hurt, wanting

_SAID = re.compile(r'violates PodSecurity "(?P<level>[^"]+)"|unable to validate against any (?:pod security policy|'
                   r'security context constraint)|PodSecurityPolicy: unable to (?:admit|validate)')
_LEVEL = "pod-security.kubernetes.io/enforce"
_MEND = "give the pods the security context that the namespace's level wants, or enforce a lower level there"


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods are refused, by what is said; else those that lack pods and break the level."""
    told: set[Ref] = set()
    for refusal in refusals(state):
        if refusal.top not in told and _SAID.search(refusal.message):
            yield Found(
                str(refusal.top), f"the pod security level of namespace {refusal.top.namespace} refuses the pods of "
                f"{refusal.top}", hurt(state, refusal.top), "said", (refusal.top.name,), refusal.message, _MEND,
                refusal.since)
        told.add(refusal.top)
    levels = {meta.ref.name: meta.labels[_LEVEL] for meta in state.others
              if meta.ref.kind == "Namespace" and _LEVEL in meta.labels}
    for workload in state.apps:
        level = levels.get(workload.ref.namespace, "")
        said = _broken(workload.template, level) if workload.ref not in told and wanting(state, workload) else ""
        if said:
            yield Found(str(workload.ref), f"{workload.ref} breaks the pod security level {level} of its namespace",
                        hurt(state, workload.ref), "seen", (workload.ref.name,), said, _MEND)


def _broken(spec: PodSpec, level: str) -> str:
    """Say what of a pod a level forbids, of what is known of it; empty: nothing."""
    if level not in ("baseline", "restricted"):
        return ""
    if spec.host_network:
        return "hostNetwork: true"
    if any(volume.kind == "hostPath" for volume in spec.volumes):
        return "a volume of kind hostPath"
    if level == "restricted" and spec.containers and not spec.non_root and not all(
            container.non_root for container in spec.containers):
        return "runAsNonRoot is not true"
    return ""


CHECK = Check(id="pod_security_refuses", family="admission", sign="admission", find=find)
