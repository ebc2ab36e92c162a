"""More requests come than the component can serve."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.clients import Clients
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.limits import Limits
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, killed, load, pods, retries
from responder.plan.times import shortest_step
from responder.plan.wording import count, share


def improvements(case: Case) -> Iterator[Advice]:
    """Pods come with the load; and where one client sends it, that client is slowed down."""
    floods = [found for finding in case.evidence.looks(Clients) if (found := load.flood(finding))]
    seen = said(case.seen("error_rate", "clients", most=1), _height(case))
    if floods:
        most = max(floods, key=lambda found: found.share)
        yield Advice(
            "limit-clients", "prevention", "One client could take the capacity of all",
            f"one client ({most.client}) sent {share(most.share)} of the requests, usual is {share(most.usual)}"
            f"; {seen}",
            f"entry {case.service.entry}, rate limit",
            "limit the requests of each client at the entry (an AWS WAF rate-based rule, or the gateway's own)",
            "SRE", Effort.SETTING, "a test client above the limit gets 429, and others do not", case.trouble.whole)
    scaled = [remedy.summary for remedy in case.remedies if remedy.action == "scale_up" and remedy.summary]
    autoscalers = [scaler for finding in case.evidence.of(Limits) for scaler in finding.detail.autoscalers
                   if scaler.target == case.deployment(case.component)]
    name = f"HorizontalPodAutoscaler {autoscalers[0].name}" if autoscalers else f"{case.workload}, autoscaler"
    yield Advice(
        "scale-with-load", "prevention", f"{case.component} did not grow with the load",
        said(seen or case.seen(), *scaled[-2:]), name,
        ("raise its maximum" if autoscalers else "give it an autoscaler") + " so that it may reach the pods that this "
        "load needed, with room for the minute that a new pod takes", case.developers, Effort.SETTING,
        f"a load test of the height of this incident passes without a remedy, and `{case.kubectl} get hpa` shows more "
        "pods than before it", case.trouble.whole)


def _height(case: Case) -> str:
    """Return the requests a second at the height beside the usual ones; empty where they were not measured."""
    looks = [finding for finding in case.evidence.looks(ErrorRate, case.component) if finding.detail.series]
    told = [(max(bucket.requests for bucket in finding.detail.series) / period, finding.detail.usual_per_second)
            for finding in looks if (period := shortest_step((bucket.start for bucket in finding.detail.series), 0.0))]
    if not told:
        return ""
    highest, usual = max(told)
    return f"{count(highest)} requests a second came to {case.component} at the height" + (
        f", {count(usual)} are usual" if usual >= 1 else "")


MECHANISM = Mechanism(
    id="more_traffic",
    cause=OVERLOAD,
    title="more traffic than can be served",
    subject="more traffic than {component} could serve",
    remedies=("scale_up",),
    weights={
        load.load_above_baseline: 2.5,
        load.one_client_floods: 1.0,
        killed.probe_waits_in_vain: 0.7,
        load.load_is_usual: -3.0,
        retries.load_is_retries: -3.0,
        calls.database_calls_fail: -2.0,
        changes.replicas_reduced: -1.0,
        changes.cpu_limit_reduced: -1.0,
        retries.attempts_multiply: -1.5,
        retries.surge_is_over: -1.0,
        pods.pods_not_ready: -0.5,
        pods.others_not_ready: -0.5,
    },
    improvements=improvements,
)
