"""Turn a feature flag back by LaunchDarkly's API, where nobody has switched it since.

Formats: LaunchDarkly's pages "Get feature flag" and "Update feature flag" (semantic patch: ``turnFlagOn``,
``turnFlagOff``).
"""

from __future__ import annotations

import json

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext
from responder.clients import aws, gate
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.redact import decided
from responder.model.service import Service
from responder.model.service.foreign_changes import FlagService
from responder.plan.remedies.turn_flag_back import REMEDY, Facts, Parameters, State, instruction
from responder.sources import Statement

Planned = Plan[State, Parameters]
_MEDIA_TYPE = "application/json; domain-model=launchdarkly.semanticpatch"


def plan(context: RemediationContext, facts: Facts, http: Http | None = None) -> Planned | Declined:
    """Read the flag as it is now; see ``Action.plan``."""
    target, wanted = f"flag/{facts.flag}", facts.before == "on"
    whose = f", which {facts.by} switched" if facts.by else ""
    summary = f"turn the flag {facts.flag} back {facts.before}{whose}"
    settings = _settings(context.service)
    if settings is None:
        return Declined(target, summary, "no key that may switch flags is configured")
    try:
        now = _state(context, settings, facts.flag, http)
    except CallFailed as failed:
        if failed.http_status != 404:
            raise
        return Declined(target, summary, f"there is no flag {facts.flag} in {settings.project}")
    if now is wanted:
        return Declined(target, summary, f"it is {facts.before} again: somebody has switched it since")
    return Plan(target, summary, State(now), Parameters(facts.flag, wanted),
                decided([(facts.flag, _word(now), facts.before)]))


def apply(context: RemediationContext, plan: Planned, http: Http | None = None) -> str:
    """Switch it; where it is switched already nothing is done."""
    return _set(context, plan, plan.before.on, plan.parameters.on, http)


def revert(context: RemediationContext, plan: Planned, http: Http | None = None) -> str:
    """Switch it to what it was before the remedy, unless somebody else has switched it."""
    _set(context, plan, plan.parameters.on, plan.before.on, http)
    return f"{plan.summary}: taken back"


def _settings(service: Service) -> FlagService | None:
    feeds = service.foreign_changes
    return feeds.flags if feeds and feeds.flags and feeds.flags.write_secret else None


def _client(context: RemediationContext, settings: FlagService, http: Http | None) -> Http:
    return http or Http(context.deadline, headers={"Authorization": aws.secret(settings.write_secret)})


def _url(settings: FlagService, flag: str) -> str:
    return f"{settings.endpoint}/api/v2/flags/{settings.project}/{flag}"


def _state(context: RemediationContext, settings: FlagService, flag: str, http: Http | None) -> bool:
    """Return whether a flag is on in the environment; raises CallFailed."""
    told = _client(context, settings, http).json("GET", _url(settings, flag), params={"env": settings.environment})
    try:
        on = told["environments"][settings.environment]["on"]
    except (KeyError, TypeError) as error:
        raise CallFailed("malformed", f"LaunchDarkly's flag {flag} is not as documented") from error
    return bool(on)


def _set(context: RemediationContext, plan: Planned, old: bool, new: bool, http: Http | None) -> str:
    flag, settings = plan.parameters.flag, _settings(context.service)
    if settings is None:
        raise ActionFailed("the key that may switch flags is no longer configured")
    # A flag has two states: one that is not ``new`` is ``old``, as it was planned.
    if _state(context, settings, flag, http) is new:
        return f"{plan.summary}: it was done before"
    gate.check(f"{plan.target}: {_word(old)} to {_word(new)}")
    answer = _client(context, settings, http).answer(
        "PATCH", _url(settings, flag), headers={"Content-Type": _MEDIA_TYPE}, content=json.dumps({
            "comment": f"incident responder, {context.mark}", "environmentKey": settings.environment,
            "instructions": [{"kind": instruction(new)}]}))
    if answer.status_code in (409, 429) or answer.status_code >= 500:
        raise CallFailed("unavailable", f"LaunchDarkly answered with status {answer.status_code}")
    if answer.status_code >= 300:
        raise ActionFailed(f"LaunchDarkly refused with status {answer.status_code}: nothing was done")
    gate.made()
    return plan.summary


def _word(on: bool) -> str:
    return "on" if on else "off"


def statements(service: Service) -> tuple[Statement, ...]:
    """What it takes to read the key that may switch flags."""
    settings = _settings(service)
    return (Statement(("secretsmanager:GetSecretValue",), (
        f"arn:{{partition}}:secretsmanager:{{region}}:{{account}}:secret:{settings.write_secret}-??????",)),) if (
        settings) else ()


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    configured=lambda service: bool(service.foreign_changes and service.foreign_changes.flags
                                    and service.foreign_changes.flags.write_secret),
    statements=statements,
)
