"""Ids and names that PagerDuty, Slack, Statuspage, GitHub and Jira would not know, or that lack what they need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.masking import names
from responder.model.service import Service
from stacks.nearest import Found, nearest

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_CHANNEL_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,20}")
"""Slack: "Guidelines for channel names": lower case, without spaces or full stops, 80 characters with the rest."""
_PAGERDUTY = re.compile(r"P[A-Z0-9]{2,}")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]+")


def _pagerduty(service: Service) -> Iterator[Found]:
    settings = service.pagerduty
    if settings and settings.api_secret and not _EMAIL.fullmatch(settings.requester_email):
        yield (("pagerduty", "requester_email"), repr(settings.requester_email) if settings.requester_email else
               "nothing, with an api_secret", "the e-mail address of the user who asks: PagerDuty's API wants it")
    if settings and settings.api_secret and not settings.requester:
        yield (("pagerduty", "requester"), "nothing, with an api_secret",
               "the id of the user who asks, such as P0123456: PagerDuty's API wants it")


def _pagerduty_ids(service: Service) -> Iterator[Found]:
    for place, person in enumerate(service.team):
        if person.pagerduty and not _PAGERDUTY.fullmatch(person.pagerduty):
            yield ("team", place, "pagerduty"), repr(person.pagerduty), "the id of a user in PagerDuty (P…)"


def _slack(service: Service) -> Iterator[Found]:
    settings = service.slack
    if settings is None:
        return
    if settings.channel and not _CHANNEL.fullmatch(settings.channel):
        yield (("slack", "channel"), repr(settings.channel),
               "the channel's id, such as C0123456789, which stands below its details in Slack")
    if not _CHANNEL_PREFIX.fullmatch(settings.prefix):
        yield (("slack", "prefix"), repr(settings.prefix),
               "what a channel's name may begin with: up to 21 lower-case letters, digits, hyphens and underscores")


def _statuspage(service: Service) -> Iterator[Found]:
    if service.statuspage:
        for name in service.statuspage.components:
            if name not in service.graph:
                yield ("statuspage", "components", name), "an unknown component", nearest(name, service.graph)


def _issues(service: Service) -> Iterator[Found]:
    if service.github and not _REPOSITORY.fullmatch(service.github.repository):
        yield ("github", "repository"), repr(service.github.repository), "OWNER/NAME, without an address"
    if service.jira and not _PROJECT.fullmatch(service.jira.project):
        yield ("jira", "project"), repr(service.jira.project), "the key of a project, such as PAY"
    if service.jira and not _EMAIL.fullmatch(service.jira.email):
        yield ("jira", "email"), repr(service.jira.email), "the e-mail address of the account that the token is of"


def _repositories(service: Service) -> Iterator[Found]:
    feeds = service.foreign_changes
    for place, repository in enumerate(feeds.code.repositories if feeds and feeds.code else ()):
        at = ("foreign_changes", "code", "repositories", place)
        if not _REPOSITORY.fullmatch(repository.name):
            yield (*at, "name"), repr(repository.name), "OWNER/NAME, without an address"
        if repository.component and repository.component not in service.graph:
            yield (*at, "component"), repr(repository.component), nearest(repository.component, service.graph)


def _flags(service: Service) -> Iterator[Found]:
    feeds = service.foreign_changes
    if feeds and not feeds.code and not feeds.flags:
        yield ("foreign_changes",), "neither code nor flags", "one of them at least"
    for place, flag in enumerate(feeds.flags.flags if feeds and feeds.flags else ()):
        if flag.component not in service.graph:
            yield (("foreign_changes", "flags", "flags", place, "component"), repr(flag.component),
                   nearest(flag.component, service.graph))


def _emails(service: Service) -> Iterator[Found]:
    for place, address in enumerate(service.notify_emails):
        if not _EMAIL.fullmatch(address):
            yield ("notify_emails", place), repr(address), "one e-mail address"
        elif address in service.notify_emails[:place]:
            yield ("notify_emails", place), f"{address!r} again", "each address once"


def _shown_keys(service: Service) -> Iterator[Found]:
    for place, pattern in enumerate(service.shown_keys):
        if not pattern.strip("*?"):
            yield ("shown_keys", place), repr(pattern), "names, or a narrower pattern: this one shows secrets as well"
        elif names.kind(pattern.strip("*?")) in ("secret", "pass"):
            yield (("shown_keys", place), repr(pattern),
                   "no name of a secret: its values would stand in messages and reports")


ERRORS = (_pagerduty, _pagerduty_ids, _slack, _statuspage, _issues, _repositories, _flags, _emails)
WARNINGS = (_shown_keys,)
