"""What holds for any incident besides its handling: false alarms, unnamed causes, changes by hand, single points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from responder.model.change import PARAMETER_GROUP, Change
from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.pods import Pods
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch
from responder.plan.advice import Advice, Case, Effort, thing
from responder.plan.review.contents import PastIncident
from responder.plan.times import may_have_caused
from responder.plan.wording import duration, listed, plural, share, times, words

_BY_HAND = frozenset({"kubectl-edit", "kubectl-patch", "kubectl-set", "kubectl-scale", "kubectl", "unknown"})
"""Field managers that bear no pipeline's mark."""
_WEEK_SECONDS = 7 * 86_400.0
_MANY_A_WEEK, _MANY_AT_ONCE = 3, 10
"""So many false alarms are worth a look at the alarm: fewer wake nobody, for the sources are asked first."""


def changes_by_hand(incident: Incident, evidence: Evidence) -> Iterator[Change]:
    """Yield the changes shortly before the symptom that bear no pipeline's mark."""
    onset = epoch(incident.onset)
    for finding in evidence.looks(Changes):
        for change in finding.detail.changes:
            if change.by in _BY_HAND and may_have_caused(onset, change.latest):
                yield change


def by_hand(case: Case, at_fault: Sequence[Change]) -> Iterator[Advice]:
    """Yield the changes that went out by hand; what brought the incident would have been refused, and so saved it."""
    for change in changes_by_hand(case.record.incident, case.evidence):
        kind = "rds parameter group" if change.kind == PARAMETER_GROUP else change.kind.lower()
        yield Advice(
            "no-change-by-hand", "prevention", "A change went out by hand",
            f"{case.told(change)}, by {change.by}, with no pipeline's mark of a review", thing(change),
            "bring such changes in by the pipeline, with a review, and take the right to make them from people's "
            "roles", f"developers of {case.component or case.record.incident.service}", Effort.ACCESS,
            f"`{case.kubectl} auth can-i patch {kind}` says no for people's roles",
            case.trouble.whole if change in at_fault else ())


def false_alarm(record: IncidentRecord, history: Sequence[PastIncident]) -> Iterator[Advice]:
    """Yield that an alarm goes off for nothing, where it does so often; once is what the sources are asked for."""
    opened = epoch(record.incident.opened_at) or 0.0
    rang = Counter(signal.name for signal in record.signals if signal.kind == "alarm")
    lately = sum(past.outcome == "false_alarm" and 0 < opened - (epoch(past.opened_at) or 0.0) < _WEEK_SECONDS
                 for past in history)
    for name, number in rang.most_common(1):
        if number < _MANY_AT_ONCE and lately + 1 < _MANY_A_WEEK:
            return
        told = [epoch(signal.at) or opened for signal in record.signals if signal.name == name]
        within = f" within {duration(max(told) - min(told))}" if max(told) > min(told) else ""
        often = f"; it was false alarm number {lately + 1} within a week" if lately else ""
        yield Advice(
            "calm-alarm", "detection", "An alarm goes off for nothing",
            f"{name} went off {times(number)}{within}, and no source that answered saw a failure{often}",
            f"CloudWatch alarm {name}", "let it wait for two periods of three (alarms.evaluation_periods, "
            "alarms.datapoints_to_alarm), and see what makes it change its state so often", "SRE", Effort.SETTING,
            "it is quiet in the drill false-alarm, and goes off in the drill bad-release")


def unnamed(record: IncidentRecord, blind: Sequence[str], case: Case) -> Iterator[Advice]:
    """Yield that no cause was named; ``blind`` are the sources that did not answer, whose items say it already."""
    incident = record.incident
    if incident.cause is None or incident.cause.id != "unknown":
        return
    first = next(iter(incident.ranking), None)
    if first is None or not first.confidence:
        if not blind:
            yield _unnamed(case, "nothing that was seen points at a cause")
        return
    likeliest = f"{words(first.cause)} ({words(first.mechanism)}) of {first.component}"
    yield _unnamed(case, f"the likeliest, {likeliest}, came to {share(first.confidence)}, and "
                         f"{share(case.service.guardrails.minimum_confidence)} are needed"
                         + (f"; {listed(blind)} did not answer" if blind else ""))


def _unnamed(case: Case, why: str) -> Advice:
    incident = case.record.incident
    return Advice(
        "name-cause", "recovery", "No cause was named", why, f"evidence on {case.component or incident.service}",
        "find out what it was, and add the source or the probe that would have told", "SRE", Effort.CHECK,
        f"`make replay INCIDENT={incident.id}` with what it would have said names the cause",
        case.trouble.after(epoch(incident.diagnosed_at)))


def single_points(case: Case, in_database: bool) -> Iterator[Advice]:
    """Yield what there is only one of, where it is what failed."""
    looks = [finding.detail for finding in case.evidence.looks(Pods, case.component)]
    if looks and all(pods.wanted == 1 for pods in looks) and not any(
            change.touches("replicas") or change.kind == "HorizontalPodAutoscaler" for change in case.changes):
        yield Advice(
            "second-pod", "prevention", f"{case.component} is a single pod",
            f"{case.workload} wants {plural(1, 'pod')}", f"{case.workload}, replicas",
            "run at least two, on different nodes", case.developers, Effort.SETTING,
            f"`{case.kubectl} get {case.target(case.component)}` shows two or more")
    if in_database and any(not finding.detail.multi_az and not finding.detail.cluster
                           for finding in case.evidence.looks(DatabaseInstance)):
        yield Advice(
            "multi-az", "recovery", "The database is in one availability zone",
            "RDS knows of no standby in another one", case.database, "make it Multi-AZ", "database administrators",
            Effort.CHECK, f"`aws rds describe-db-instances --db-instance-identifier {case.instance}` shows MultiAZ "
            "true")
