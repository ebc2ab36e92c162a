"""Where the failures are: on one node, or in one pod, more than chance lets them."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import places, wording
from responder.plan.signals import Context, Signal, signal


@signal("Where: pods that are alike fail alike wherever they are; the twins of those that fail run the same version "
        "with the same settings and call the same others. What the failing ones share is their node. That two "
        "components, or two pods, show it at once is no chance.")
def failures_on_one_node(component: str, node: str, share: float, others: float, also: str) -> str:
    beside = f", as pods of {also} there do" if also else ""
    return (f"pods of {component} on {node} fail more than the others ({wording.share(share)} against "
            f"{wording.share(others)}){beside}")


@signal("Where: the other pods run the same version and settings on the same nodes and are well; what is wrong is in "
        "this one process. A new one in its place is as likely to be well as the others.")
def failures_in_one_pod(component: str, pod: str, share: float, others: float) -> str:
    return (f"pod {pod} of {component} fails more than the others ({wording.share(share)} against "
            f"{wording.share(others)})")


@signal("Where: containers of several components end on one node and not elsewhere; each by itself might have a "
        "reason of its own.")
def restarts_on_one_node(node: str, count: int, whole: int) -> str:
    return f"{wording.count(count)} of {wording.count(whole)} restarts were on {node}"


def read(context: Context) -> Iterator[Signal]:
    """Yield the node or the pod that explains the component's failures, as each source sees it."""
    evidence, component = context.evidence, context.component
    for odd in places.nodes(evidence, component):
        place = odd.place
        yield failures_on_one_node.emit(odd.finding, component, place.name, place.share, place.others,
                                        wording.listed(odd.also))
    for odd in places.pods(evidence, component):
        place = odd.place
        yield failures_in_one_pod.emit(odd.finding, component, place.name, place.share, place.others)
    found = places.restarts(evidence)
    if found:
        finding, node, count, whole = found
        yield restarts_on_one_node.emit(finding, node, count, whole)
