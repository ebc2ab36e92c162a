"""How an incident was handled: what kept a remedy waiting, refused it, or made it fail; and who was not told."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from operator import attrgetter

from responder.model.evidence.limits import Limits
from responder.model.evidence.rollouts import Rollouts
from responder.model.facts import Answered, ApprovalAsked, Undelivered
from responder.model.incident import Entry
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.advice import Advice, Case, Effort
from responder.plan.decisions import Ruled
from responder.plan.remedies import phrase
from responder.plan.review.improvements.sources import Blind, because_blind
from responder.plan.wording import clock, duration, listed, words

_LONG_SECONDS = 60.0
_LONG_SHARE = 0.2
"""A wait is told of where it is longer than a minute, or than a fifth of the incident."""
_DECISION = "decision"


def advice(case: Case, systems: Sequence[Blind]) -> Iterator[Advice]:
    """Yield what the course of the incident shows; ``case`` is that of the named cause."""
    yield from _approvals(case)
    for remedy in case.record.remedies:
        if remedy.status is RemedyStatus.OBSERVED:
            yield _observed(case, remedy)
        elif remedy.status is RemedyStatus.REFUSED and not because_blind(remedy, systems):
            yield from _refused(case, remedy)
        elif remedy.status in (RemedyStatus.FAILED, RemedyStatus.REVERTED) and not remedy.insufficient:
            yield _did_not_help(case, remedy)
    yield from _came_back(case)
    yield from _untold(case)


# --- people were asked ------------------------------------------------------------------------------------------------


def _approvals(case: Case) -> Iterator[Advice]:
    """Yield a wait for an approval that was long, or in vain.

    Saved would have been: from the question to the answer; where nobody answered, all that came after the question.
    """
    for asked, question in case.record.facts(ApprovalAsked):
        began = epoch(asked.at)
        ended = _answer(case, asked)
        remedy = next((one for one in case.record.remedies if one.summary == question.summary), None)
        if remedy is None or ended is None or began is None:
            continue
        took = (epoch(ended.at) or began) - began
        told = f"{question.summary}: asked at {clock(began)}"
        if remedy.status is RemedyStatus.REJECTED and _nobody(case, remedy):
            yield _question(case, remedy, f"{told}, and nobody decided by {clock(ended.at)}",
                            f"Nobody answered in time whether the {_name(remedy.action)} may be done", began, None)
        elif remedy.status is RemedyStatus.REJECTED:
            yield Advice(
                f"rejected-{remedy.action}", "recovery", f"A person rejected the {_name(remedy.action)}",
                f"{told}; {remedy.reason}", remedy.target,
                "write down what the person knew and the responder did not; where it can be measured, add it as a "
                "source", "SRE", Effort.QUESTION, "the notes (review.md) of this report say why it was rejected")
        elif _long(case, took):
            yield _question(case, remedy, f"{told}, answered at {clock(ended.at)}, {duration(took)} later",
                            f"The {_name(remedy.action)} waited for a person", began, epoch(ended.at))


def _answer(case: Case, asked: Entry) -> Entry | None:
    """Return the entry that ended a question: its answer, or the decision without one."""
    return next((entry for entry in sorted(case.record.timeline, key=attrgetter("at"))
                 if entry.at >= asked.at and entry is not asked and _ends(entry)), None)


def _ends(entry: Entry) -> bool:
    answer = entry.stated(Answered)
    return answer.decided if answer else entry.kind == _DECISION


def _long(case: Case, seconds: float) -> bool:
    whole = sum(window.seconds for window in case.trouble.whole)
    return seconds > _LONG_SECONDS or bool(whole and seconds > _LONG_SHARE * whole)


def _nobody(case: Case, remedy: Remedy) -> bool:
    return any(ruled.situation.answer == "none" and (ruled.proposal.action, ruled.proposal.target) == (
        remedy.action, remedy.target) for _, ruled in case.record.facts(Ruled))


def _question(case: Case, remedy: Remedy, evidence: str, what: str, began: float, ended: float | None) -> Advice:
    by_mode = case.service.mode == "approve"
    return Advice(
        f"approval-{remedy.action}", "recovery", what, evidence,
        "configuration, mode" if by_mode else f"configuration, policy.{remedy.action}",
        ("set the mode to auto" if by_mode else f"set policy.{remedy.action} to auto")
        + " where the team would always say yes to it; else ask more people at once (approval.roles) and on a channel "
        "that wakes them", "SRE", Effort.SETTING,
        ("the configuration has mode: auto" if by_mode else f"the configuration has {remedy.action}: auto")
        + ", or a test question at night is answered within five minutes",
        case.trouble.between(began, ended) if ended else case.trouble.after(began))


def _name(action: str) -> str:
    return "rollback" if action == "rollback" else phrase(action)


def _deed(remedy: Remedy) -> str:
    return remedy.summary or f"carry out the {_name(remedy.action)}"


# --- the guardrails ---------------------------------------------------------------------------------------------------


def _observed(case: Case, remedy: Remedy) -> Advice:
    """Return that a remedy was only worked out. Saved would have been: from the plan on."""
    return Advice(
        f"mode-{remedy.action}", "recovery", "The mode observe kept the responder from acting",
        f"it would {_deed(remedy)}, and knew so at {clock(remedy.planned_at)}", "configuration, mode",
        "if you would have done the same, set the mode to approve, and to auto for what you always approve", "SRE",
        Effort.SETTING, "the configuration has mode: approve or mode: auto",
        case.trouble.after(epoch(remedy.planned_at)))


_SETTINGS = {
    "freeze": ("configuration, guardrails.freezes", "decide whether the freeze should allow it (allows)"),
    "minimum_confidence": ("configuration, guardrails.minimum_confidence",
                           "see what evidence was missing, and whether a source can give it"),
    "minimum_sources": ("configuration, guardrails.minimum_sources",
                        "see which second source could have seen it, and configure it"),
    "remedies_per_incident": ("configuration, guardrails.remedies_per_incident",
                              "see why the remedies before it were not enough, before the limit is raised"),
    "remedies_per_hour": ("configuration, guardrails.remedies_per_hour",
                          "see what made so many remedies necessary, before the limit is raised"),
    "cooldown": ("configuration, guardrails.cooldown_seconds",
                 "see why once was not enough, before the time is made shorter"),
    "lease": ("the incidents that were open together", "see whether they were one, and should have been joined"),
    "neighbour": ("the incident that applied it for all", "see whether this service recovered with the others")}
"""A guardrail to what sets it, and what is to be decided."""


def _refused(case: Case, remedy: Remedy) -> Iterator[Advice]:
    """Yield what refused a remedy that nothing took the place of. Saved would have been: from the plan on."""
    if any(other.status is RemedyStatus.VERIFIED and (other.action, other.component) == (
            remedy.action, remedy.component) for other in case.record.remedies):
        return
    told = f"{_deed(remedy)}: refused at {clock(remedy.planned_at)}, for {remedy.reason}"
    saves = case.trouble.after(epoch(remedy.planned_at))
    what = f"The {_name(remedy.action)} was refused"
    if remedy.guardrail == "kill_switch":
        yield Advice(
            "kill-switch", "recovery", "The kill switch stopped a remedy", told,
            f"SSM parameter {case.service.kill_switch}", "find out by CloudTrail who set it and why, say in the "
            "runbook who may and for how long, and set an alarm where it stays on for a day", "SRE", Effort.SETTING,
            f"`aws ssm get-parameter --name {shlex.quote(case.service.kill_switch)}` shows released, and the alarm "
            "exists", saves)
    elif remedy.guardrail == "precondition":
        quotas = [quota.name for finding in case.evidence.of(Limits) for quota in finding.detail.quotas]
        named = [quota for quota in dict.fromkeys(quotas) if quota in remedy.reason]
        if named:
            yield Advice(
                "quota-room", "recovery", "A quota left no room for more pods", told, f"ResourceQuota {named[0]}",
                f"raise it so that {case.deployment(remedy.component)} may grow to what its autoscaler allows, and "
                "set an alarm at nine tenths of it", "SRE", Effort.SETTING,
                f"`{case.kubectl} describe resourcequota {shlex.quote(named[0])}` shows room for the pods of this "
                "incident", saves)
        elif remedy.action == "scale_up":
            yield Advice(
                "room-to-scale", "recovery", what, told, remedy.target, "see to it that there is room for it: nodes, "
                "quota, the autoscaler's maximum", "SRE", Effort.CHECK,
                "a load test of the height of this incident ends with as many pods as it planned", saves)
    elif remedy.guardrail == "policy":
        yield policy_off(case, remedy.action, told, epoch(remedy.planned_at))
    elif remedy.guardrail in _SETTINGS:
        name, measure = _SETTINGS[remedy.guardrail]
        yield Advice(
            f"guardrail-{remedy.guardrail}-{remedy.action}", "recovery", what, told, name, measure, "SRE",
            Effort.QUESTION, f"`make replay INCIDENT={case.record.incident.id}` shows the decision that you want, or "
            "the notes (review.md) say why it stands", saves)


def policy_off(case: Case, action: str, evidence: str, since: float | None) -> Advice:
    """Return that the policy kept a remedy back. Saved would have been: all after the moment that it was known."""
    return Advice(
        f"policy-{action}", "recovery", f"The policy has no {_name(action)}", evidence,
        f"configuration, policy.{action}", f"set policy.{action} to approve: then a person decides within minutes, "
        "and has the diff before them", "SRE", Effort.SETTING,
        f"the configuration has {action}: approve or {action}: auto", case.trouble.after(since))


# --- afterwards -------------------------------------------------------------------------------------------------------


def _did_not_help(case: Case, remedy: Remedy) -> Advice:
    """Return that a remedy was in vain. Saved would have been: until the next one was applied, or people were called.
    """
    applied = epoch(remedy.applied_at)
    later = sorted(moment for other in case.record.remedies if other.component == remedy.component
                   and not other.audience and (moment := epoch(other.applied_at)) and moment > (applied or 0.0))
    until = later[0] if later else epoch(case.record.incident.escalated_at)
    helped = next((other for other in case.record.remedies if other.status is RemedyStatus.VERIFIED
                   and other.component == remedy.component and not other.audience), None)
    instead = f"; what helped {remedy.component}: {helped.summary}" if helped else ""
    return Advice(
        f"failed-{remedy.action}", "recovery", f"The {_name(remedy.action)} did not help {remedy.component}",
        f"{remedy.summary}, applied at {clock(remedy.applied_at)}: {remedy.reason or 'the symptom stayed'}{instead}",
        remedy.target, f"run `make replay INCIDENT={case.record.incident.id}`, and find what evidence would have told "
        "that it cannot help", "SRE", Effort.CHECK, "the replay of this incident proposes another remedy first",
        case.trouble.between(applied, until))


def _came_back(case: Case) -> Iterator[Advice]:
    """Yield that what a remedy had ended was there again. Saved would have been: all since it came back."""
    incident = case.record.incident
    back = incident.last_reopened_at
    if incident.recovered_at and incident.recovered_at <= back:
        return  # It was well when it was opened again, and stayed so: the signal was late.
    for remedy in case.record.remedies:
        if not back or remedy.status is not RemedyStatus.VERIFIED or not remedy.verified_at or (
                remedy.audience or remedy.verified_at >= back):
            continue
        owner = next((finding.detail.owner for finding in case.evidence.of(Rollouts, remedy.component)
                      if finding.detail.owner), "")
        yield Advice(
            "hold-what-helped", "prevention", f"It came back after the {_name(remedy.action)}",
            f"{remedy.summary}: verified at {clock(remedy.verified_at)}, and the incident was opened again at "
            f"{clock(back)}", remedy.target,
            (f"find what brought it back, and stop it there: pause {owner or 'the pipeline'} for this Deployment as "
             "soon as the responder rolls it back" if remedy.action == "rollback" else
             "find what brought it back, and write it down before the next one"),
            f"developers of {remedy.component}" if remedy.action == "rollback" else "SRE", Effort.CHECK,
            "after a rollback in a test the version does not come back within the hour" if remedy.action == "rollback"
            else "the notes (review.md) of this report name it", case.trouble.after(epoch(back)))
        return


_CHANNELS = {"pagerduty": "PagerDuty", "slack": "Slack", "statuspage": "Statuspage", "sns": "SNS"}


def _untold(case: Case) -> Iterator[Advice]:
    """Yield the channels by which nobody could be told."""
    failed: dict[str, set[str]] = {}
    for _, fact in case.record.facts(Undelivered):
        if fact.failed != "all channels":
            failed.setdefault(fact.failed, set()).add(words(fact.status))
    service = case.service
    secrets = {"pagerduty": service.pagerduty and service.pagerduty.secret, "slack": service.slack
               and service.slack.secret, "statuspage": service.statuspage and service.statuspage.secret}
    for channel, statuses in sorted(failed.items()):
        name, why = _CHANNELS.get(channel, channel), listed(sorted(filter(None, statuses)))
        secret = secrets.get(channel)
        yield Advice(
            f"channel-{channel}", "recovery", f"{name} took no message",
            f"{name} could not be used to tell people" + (f" ({why})" if why else ""),
            f"{name}, secret {secret}" if secret else name, "check its credentials and the way to it, and have "
            "a second channel that wakes people", "SRE", Effort.ACCESS, f"a test message by {name} arrives")
