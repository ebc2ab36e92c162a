"""How severe an incident was, by the configuration's rules, and what its failed requests cost."""

from __future__ import annotations

from responder.model.moment import epoch
from responder.model.service import SeverityRule
from responder.plan.review.story import Story
from responder.plan.review.told import Cost, Severity
from responder.plan.wording import amount, duration, full_sentence, share

_SLOW_SHARE = 0.05
"""Answers are slow by their 95th percentile: then a twentieth of the requests at least took longer than the limit."""


def cost(story: Story) -> Cost:
    """Return what the requests that failed or did not come mean, where it is known what it takes to say it."""
    objective, payment = story.reports.objective, story.reports.payment
    failed = story.impact.failed_requests
    if failed is None:
        return Cost(None, None, None, "")
    lost = failed + story.impact.missing_requests
    budget = lost / objective.budget if objective and objective.budget else None
    return Cost(budget, objective.days if objective else None,
                lost * payment.average if payment else None, payment.currency if payment else "")


def severity(story: Story, costs: Cost) -> Severity:
    """Return the severity, by the first rule that the incident reaches all limits of."""
    if story.false_alarm:
        return Severity(0, "Nothing was wrong.")
    rules = story.reports.severities
    for level, ways in ((1, rules.sev1), (2, rules.sev2), (3, rules.sev3)):
        reached = next((rule for rule in ways if _reached(story, costs, rule)), None)
        if reached is not None:
            return Severity(level, _because(story, reached))
    return Severity(4, "No rule of a higher severity was reached.")


def _reached(story: Story, costs: Cost, rule: SeverityRule) -> bool:
    return (_affected_share(story) >= rule.affected_share and (_seconds(story) or 0.0) >= 60.0 * rule.minutes
            and (not rule.at_entry or _at_entry(story)) and (costs.money or 0.0) >= rule.money)


def _affected_share(story: Story) -> float:
    """Return the share of requests that were affected, at least; 0 where nothing is known."""
    impact, kind = story.impact, story.incident.kind
    failed = (impact.worst_error_rate if impact.affected_share is None else impact.affected_share) or 0.0
    if kind == "loss_of_connectivity":
        return 1.0
    return max(failed, _SLOW_SHARE) if kind == "degraded_latency" else failed


def _seconds(story: Story) -> float | None:
    """Return how long it lasted, or has lasted as far as the record goes."""
    if story.impact.seconds is not None:
        return story.impact.seconds
    began = epoch(story.incident.onset)
    last = max((moment for entry in story.record.timeline if (moment := epoch(entry.at))), default=None)
    return last - began if began and last and last > began else None


def _at_entry(story: Story) -> bool:
    """Whether the component that customers reach first was at fault or suffered; where it is not known, it was."""
    incident = story.incident
    return not story.entry or story.entry in (*incident.affected, *incident.suffering)


def _because(story: Story, rule: SeverityRule) -> str:
    """Say the rule that was reached."""
    affected = f"at least {share(rule.affected_share)} of {story.reports.requests} affected"
    limits = [affected if rule.affected_share else "",
              f"for {duration(60.0 * rule.minutes)} or longer" if rule.minutes else "",
              f"with {story.entry or 'the entry'} among what failed" if rule.at_entry else "",
              f"worth {amount(rule.money, story.reports.payment.currency)} or more"
              if rule.money and story.reports.payment else ""]
    return full_sentence("the rule: " + ", ".join(limit for limit in limits if limit))
