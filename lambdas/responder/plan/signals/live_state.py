"""What is wrong in the cluster as it is now, by the checks of live state: what each problem is a sign of.

These need no history: they speak also where a change is older than the ledger, or where nobody watched it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from responder.model.evidence.pods import Pods
from responder.model.evidence.problems import Problem, Problems, Sign
from responder.plan.signals import Context, Signal, SignalKind, signal

_REASON = ("State: who is in charge says so now (the API server, the scheduler, the kubelet), or two objects "
           "contradict each other. It tells what is wrong, not since when: where it fits the mechanism exactly, it "
           "outweighs that nobody saw a change, for the change may be older than the ledger.")


@signal(_REASON)
def live_quota(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_admission(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_room(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_placement(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_volume(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_image(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_registry(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_definition(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_route(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_policy(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_names(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_resolver(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_node(sentence: str) -> str:
    return sentence


@signal(_REASON)
def live_control_plane(sentence: str) -> str:
    return sentence


@signal("State: what the configuration names is not there. A workload that was never seen may have another name.")
def live_gone(sentence: str) -> str:
    return sentence


_KINDS: Mapping[Sign, SignalKind[[str]]] = {
    "quota": live_quota, "admission": live_admission, "room": live_room, "placement": live_placement,
    "volume": live_volume, "image": live_image, "registry": live_registry, "definition": live_definition,
    "route": live_route, "policy": live_policy, "names": live_names,
    "resolver": live_resolver, "node": live_node,
    "control_plane": live_control_plane, "gone": live_gone}


def read(context: Context) -> Iterator[Signal]:
    """Yield what is wrong with the component, or with what all share; guesses and mere risks are told to people only.
    """
    for finding in context.evidence.of(Problems):
        for problem in finding.detail.problems:
            kind = _KINDS.get(problem.sign) if problem.sign else None
            if kind is not None and problem.basis != "guessed" and problem.severity != "risks" and _hits(
                    problem, context):
                yield kind.emit(finding, problem.sentence)


def _hits(problem: Problem, context: Context) -> bool:
    """Whether it is the component's, or that of the other that it does not get through to, and can show so.

    What keeps pods from starting shows in pods that are missing; what routes wrongly shows where somebody is not
    reached. What hits nobody by name is what all share.
    """
    hit = {context.component, context.callee} & {*problem.apps} if problem.apps else (
        {context.component} if problem.family == "infrastructure" else set())
    if problem.family in ("admission", "scheduling", "startup"):
        return any(finding.detail.ready < finding.detail.wanted
                   for name in hit for finding in context.evidence.of(Pods, name))
    if problem.sign in ("route", "policy"):
        return bool(hit) and not context.in_itself
    return bool(hit)
