"""The plan's "Identify improvement opportunities": each computed from a fact of this incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from responder.model.change import Change
from responder.model.evidence import Evidence, Series, Status
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.pods import Pods
from responder.model.facts import Answered, ApprovalAsked
from responder.model.incident import Cause, Entry, Incident, IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.review.alarm import late_alarm, quiet
from responder.plan.review.contents import Improvement, PastIncident
from responder.plan.times import may_have_caused, shortest_step
from responder.plan.wording import count, duration, words

_BY_HAND = frozenset({"kubectl-edit", "kubectl-patch", "kubectl-set", "kubectl-scale", "kubectl", "unknown"})
"""Field managers that bear no pipeline's mark."""
ANSWERED: frozenset[Status] = frozenset({"ok", "partial", "empty"})
"""Statuses of a source that could be asked, whether or not there was anything."""


def improvements(record: IncidentRecord, evidence: Evidence, series: Series, weeks: Series,
                 history: Sequence[PastIncident] = ()) -> tuple[Improvement, ...]:
    """Return what this incident shows that could be better, each once.

    ``series`` is the entry's around the incident, ``weeks`` the same in coarser periods over the weeks before it;
    either may be empty. ``history`` are the incidents before: an alarm that would have told of them is not false.
    """
    incident = record.incident
    found = (*late_alarm(incident, series, quiet(weeks, history)), *_sources(evidence), *_waits(record),
             *_remedies(record.remedies), *_by_hand(incident, evidence), *_cause(record, evidence),
             *_single_points(evidence))
    seen: dict[str, Improvement] = {}
    for improvement in found:
        seen.setdefault(improvement.what, improvement)
    return tuple(seen.values())


# --- how it was handled -----------------------------------------------------------------------------------------------


def _sources(evidence: Evidence) -> Iterator[Improvement]:
    failed: dict[str, set[str]] = defaultdict(set)
    for finding in evidence.every:
        if finding.status not in ANSWERED:
            failed[finding.source].add(finding.status)
    for source, statuses in sorted(failed.items()):
        yield Improvement(
            f"Not every answer of {source} could be used", f"It was {', '.join(sorted(statuses))} when it was asked",
            f"see that {source} answers during an outage", "SRE", f"the drill of this failure shows {source} as ok")


def _waits(record: IncidentRecord) -> Iterator[Improvement]:
    """How long people were waited for: from the question to the answer, or to the decision without one."""
    for asked, question in record.facts(ApprovalAsked):
        began = epoch(asked.at) or 0.0
        later = [entry for entry in record.timeline if _ends_wait(entry) and (epoch(entry.at) or 0.0) >= began]
        ended = min(later, key=lambda entry: entry.at, default=None)
        if ended is not None:
            took = duration((epoch(ended.at) or began) - began)
            yield Improvement(
                "A step waited for people", f"{question.summary}: {took} until {ended.what}",
                "decide whether this remedy may be applied without approval for this cause, or ask more people at once",
                "SRE", "the policy says so, and the next such remedy does not wait")


def _ends_wait(entry: Entry) -> bool:
    answer = entry.stated(Answered)
    return answer.decided if answer else entry.kind == "decision"


def _remedies(remedies: Iterable[Remedy]) -> Iterator[Improvement]:
    for remedy in remedies:
        name = words(remedy.action)
        match remedy.status:
            case RemedyStatus.REFUSED | RemedyStatus.OBSERVED:
                yield Improvement(
                    f"{name} was not carried out", f"{words(remedy.guardrail or remedy.status)}: {remedy.reason}",
                    "decide whether this guardrail should stand for this cause", "SRE",
                    "the configuration says so, with the reason")
            case RemedyStatus.FAILED | RemedyStatus.REVERTED:
                yield Improvement(
                    f"{name} did not help", remedy.reason or "the symptom stayed",
                    "find out why it was chosen, and add the case to the drills", "SRE",
                    "a drill of this failure is resolved by the first remedy")
            case RemedyStatus.REJECTED:
                yield Improvement(
                    f"{name} was rejected, or nobody answered", remedy.reason,
                    "write down what the responder did not know", "SRE",
                    "the evidence that was missing is a source")


def _by_hand(incident: Incident, evidence: Evidence) -> Iterator[Improvement]:
    for change in changes_by_hand(incident, evidence):
        yield Improvement(
            "A change went out by hand",
            f"{change.kind} {change.name} was {change.what} by {change.by}, with no pipeline's mark of a review, "
            "shortly before the symptom",
            "bring such changes in by the pipeline, with a review", "developers",
            "the cluster refuses changes by hand to this object")


def changes_by_hand(incident: Incident, evidence: Evidence) -> Iterator[Change]:
    onset = epoch(incident.onset)
    for finding in evidence.looks(Changes):
        for change in finding.detail.changes:
            if change.by in _BY_HAND and may_have_caused(onset, change.latest):
                yield change


# --- the cause --------------------------------------------------------------------------------------------------------


def _cause(record: IncidentRecord, evidence: Evidence) -> Iterator[Improvement]:
    cause = record.incident.cause
    if cause is None:
        return
    developers = f"developers of {cause.component or 'the component'}"
    match cause.id:
        case "code_bug":
            yield Improvement(
                "A change failed in production", cause.summary,
                "release to a few pods first, and let the error rate decide", developers,
                "the next bad release of a drill reaches no more than one pod")
        case "overload":
            highest = max((_per_second(finding.detail.series) for finding in evidence.looks(ErrorRate)), default=0.0)
            yield Improvement(
                "The load was more than what was ever shown to be carried",
                f"{count(highest)} requests/s came at the height" if highest else cause.summary,
                "test the load that came, and a half more, before the next peak", developers,
                "a load test of that height passes, and the autoscaler's maximum is above it")
        case "provider_outage":
            yield from _provider(cause, record)
        case "unknown":
            yield Improvement(
                "No cause was found", cause.summary, "name what was missing, and add the source that would have told",
                "SRE", "a drill of this failure names its cause")


def _provider(cause: Cause, record: IncidentRecord) -> Iterator[Improvement]:
    switches = [remedy for remedy in record.remedies if remedy.action == "switch_provider"]
    if any(remedy.status is RemedyStatus.VERIFIED for remedy in switches):
        yield Improvement(
            "One provider carries everything until it fails", cause.summary,
            "send a share of the traffic by the second provider all the time", "developers",
            "both providers show requests in a quiet week")
    elif not switches:  # One that was planned and not verified is told among the remedies.
        refused = next((refusal.reason for refusal in record.incident.not_proposed
                        if refusal.action == "switch_provider"), "")
        yield Improvement(
            "No switch to another provider was proposed", refused or cause.summary,
            "have a second provider ready, and a flag that the responder may change", "developers",
            "the drill provider-outage ends with a switch")


def _per_second(series: Series) -> float:
    """Return the requests a second at the height."""
    period = shortest_step((bucket.start for bucket in series), 0.0)
    return max(bucket.requests for bucket in series) / period if period else 0.0


def _single_points(evidence: Evidence) -> Iterator[Improvement]:
    for pods in evidence.looks(Pods):
        if pods.detail.wanted == 1:
            yield Improvement(
                f"{pods.component} is a single pod", "Its Deployment wants one", "run at least two, on different nodes",
                f"developers of {pods.component}", "its Deployment wants two or more")
    for instance in evidence.looks(DatabaseInstance):
        if not instance.detail.multi_az:
            yield Improvement(
                "The database is in one availability zone", "RDS knows of no standby in another one",
                "make it Multi-AZ", "database administrators", "RDS says that it is Multi-AZ")
