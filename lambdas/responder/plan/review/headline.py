"""The report's title: what tells this incident from others, and how bad it was."""

from __future__ import annotations

from responder.model.incident import Cause
from responder.plan.mechanisms import find
from responder.plan.review.contents import Trigger
from responder.plan.review.effect import clause, lasted, verb
from responder.plan.review.story import Story
from responder.plan.wording import capital, listed, times, words

_OF_CAUSE = {"code_bug": "fault in code or configuration of {}", "database_connection": "database failure of {}",
             "overload": "overload of {}", "cluster_failure": "cluster failure under {}",
             "network": "network failure at {}", "provider_outage": "provider outage of {}"}
"""The plan's causes, where the mechanism is none that is known today."""


def headline(story: Story) -> str:
    """Return the title, without a full stop."""
    incident = story.incident
    if story.false_alarm:
        return f"False alarm of {incident.service}"
    end = lasted(story)
    named = subjects(story)
    if not named:
        return _unknown(story, end)
    what = capital(listed(named))
    if story.relapses:
        again = "came back" if len(story.relapses) == 1 else f"came back {times(len(story.relapses))}"
        return " ".join(part for part in (f"{what} {again} and {verb(story)}", end or "; not over") if part).replace(
            " ;", ";")
    return f"{what} {verb(story)} {end}".rstrip() + ("" if story.over else _not_over(story))


def _unknown(story: Story, end: str) -> str:
    incident = story.incident
    if not incident.confirmed:
        return f"An alarm of {incident.service} that could not be checked"
    place = next(iter(incident.affected), incident.service)
    return (f"{capital(words(incident.kind or 'failure'))} of {place}, cause unknown: {clause(story)} {end}".rstrip()
            + ("" if story.over else _not_over(story)))


def _not_over(story: Story) -> str:
    return "; not over" if story.incident.outcome else "; still open"


def subjects(story: Story) -> tuple[str, ...]:
    """Return the causes as a title names them, the one that was named last first; each once."""
    cause = story.cause
    named = [(cause, story.trigger)] if cause else []
    # Of the same kind in another component: the one that was named last stands for both.
    further = [(Cause(one.id, one.mechanism, one.component), None) for one in story.further
               if not cause or one.mechanism != cause.mechanism]
    return tuple(dict.fromkeys(subject(story, one, set_off) for one, set_off in [*named, *further]))


def subject(story: Story, cause: Cause, set_off: Trigger | None) -> str:
    """Return a cause as a title names it, without an article: "bad release of payment-gateway"."""
    component = cause.component or story.incident.service
    try:
        mechanism = find(cause.mechanism) if cause.mechanism else None
    except ModuleNotFoundError:
        mechanism = None  # It was renamed or is gone; its record is still here.
    if mechanism is None:
        return _OF_CAUSE.get(cause.id, f"{words(cause.id)} of {{}}").format(component)
    changed = set_off.changed if set_off else ""
    deleted = " was deleted" in set_off.what if set_off else False
    if deleted and "{object}" in mechanism.subject:
        return f"deleted {changed}"
    database = story.service.database.name if story.service and story.service.database else "the database"
    return (mechanism.subject or f"{mechanism.title} of {{component}}").format(
        component=component, object=changed or cause.object or _object(mechanism.objects, component), database=database,
        provider=_provider(story, cause) or f"a provider of {component}")


def _object(kinds: tuple[str, ...], component: str) -> str:
    """Return what was changed, where the diagnosis names no change: by its kind alone, or the component."""
    return f"{kinds[0]} at {component}" if kinds else component


def _provider(story: Story, cause: Cause) -> str:
    """Return the provider in whose calls the failures arise, as the diagnosis located them; empty: in none."""
    where = next((hypothesis.where for hypothesis in story.incident.ranking
                  if (hypothesis.cause, hypothesis.component) == (cause.id, cause.component)), "")
    told = next((remedy.target for remedy in story.record.remedies if remedy.target.startswith("provider/")), "")
    name = where.removeprefix("provider:") if where.startswith("provider:") else told.removeprefix("provider/")
    return f"provider {name}" if name else ""
