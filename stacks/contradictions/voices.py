"""The sources that confirm an outage, and those that support a cause: whether there are as many as are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import Service
from responder.plan.confirm import VOTES_NEEDED
from stacks.nearest import Found
from stacks.used import used_sources

_LOGS = {"splunk": "splunk", "cloudwatch_logs": "cloudwatch_logs"}
_MOST_CONFIDENCE = 0.99


def _voters(service: Service) -> list[str]:
    return [source.name for source in used_sources([service]) if "confirm" in source.phases]


def _too_few(service: Service) -> Iterator[Found]:
    if len(_voters(service)) < VOTES_NEEDED:
        yield (("service",), "metrics (CloudWatch) alone, and no outage is ever confirmed: it takes two sources that "
               "agree", "one more of newrelic, splunk, cloudwatch_logs, prometheus and application_signals; better two")


def _supporters(service: Service) -> Iterator[Found]:
    asked = [source.name for source in used_sources([service]) if {"confirm", "isolate", "diagnose"} & source.phases]
    least = service.guardrails.minimum_sources
    if least > len(asked):
        yield (("guardrails", "minimum_sources"), str(least),
               f"{len(asked)} or fewer, because {len(asked)} sources are asked: no cause could ever be named")


def _no_spare(service: Service) -> Iterator[Found]:
    voters = _voters(service)
    if len(voters) == VOTES_NEEDED:
        yield (("service",), f"two sources that confirm an outage ({' and '.join(sorted(voters))})",
               "a third one: while one of two gives no answer, no outage is confirmed")


def _slowness(service: Service) -> Iterator[Found]:
    voters = _voters(service)
    for section in (name for name in voters if name in _LOGS):
        settings = getattr(service, section)
        if not settings.duration_field and len(voters) <= VOTES_NEEDED:
            yield ((section, "duration_field"), "nothing", "the field with an answer's milliseconds: without it "
                   "slowness is never confirmed, because these lines cannot show it")


def _certainty(service: Service) -> Iterator[Found]:
    confidence, least = service.guardrails.minimum_confidence, service.guardrails.minimum_sources
    if _MOST_CONFIDENCE < confidence <= 1:
        yield (("guardrails", "minimum_confidence"), str(confidence),
               f"up to {_MOST_CONFIDENCE}: hardly any outage is explained with more certainty")
    if least == 1:
        yield (("guardrails", "minimum_sources"), "1", "2 or more: one source that is wrong would be believed")


def _payments_seen(service: Service) -> Iterator[Found]:
    counted = service.payments
    if counted is None:
        return
    if counted.newrelic_event and not service.newrelic:
        yield (("payments", "newrelic_event"), repr(counted.newrelic_event),
               "a section newrelic, which is asked for it")
    if counted.splunk_search and not service.splunk:
        yield (("payments", "splunk_search"), repr(counted.splunk_search), "a section splunk, which is asked for it")
    if not counted.newrelic_event and not counted.splunk_search:
        yield (("payments",), "neither newrelic_event nor splunk_search",
               "one of them: else payments are counted by nobody")


ERRORS = (_too_few, _supporters)
WARNINGS = (_no_spare, _slowness, _certainty, _payments_seen)
