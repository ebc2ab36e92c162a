"""Addresses that are asked, ids of AWS, and what is said of a network that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from responder.model.service import Service
from stacks.nearest import Found
from stacks.reading.problem import Path

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d")
_GROUP = re.compile(r"sg-([0-9a-f]{8}|[0-9a-f]{17})")
_WEB_PORTS = (443, 8000)


def _given(service: Service) -> Iterator[tuple[Path, str]]:
    """Yield the addresses that a function asks, and that ``consistency`` has no check of its own for."""
    for index, provider in enumerate(service.providers):
        yield ("providers", index, "status_page"), provider.status_page
        yield ("providers", index, "health_url"), provider.health_url
    for index, dependency in enumerate(service.dependencies):
        yield ("dependencies", index, "health_url"), dependency.health_url


def _of_channels(service: Service) -> Iterator[tuple[Path, str]]:
    if service.pagerduty:
        yield ("pagerduty", "events"), service.pagerduty.events
        yield ("pagerduty", "api"), service.pagerduty.api
    if service.slack:
        yield ("slack", "api"), service.slack.api
    if service.statuspage:
        yield ("statuspage", "api"), service.statuspage.api
    if service.github:
        yield ("github", "api"), service.github.api
    if service.jira:
        yield ("jira", "site"), service.jira.site


def _of_feeds(service: Service) -> Iterator[tuple[Path, str]]:
    feeds = service.foreign_changes
    if feeds and feeds.code:
        yield ("foreign_changes", "code", "endpoint"), feeds.code.endpoint
    if feeds and feeds.flags:
        yield ("foreign_changes", "flags", "endpoint"), feeds.flags.endpoint


def _wrong(given: Iterator[tuple[Path, str]]) -> Iterator[Found]:
    for path, url in given:
        parts = urlsplit(url)
        if url and ((parts.scheme != "https" and parts.hostname not in _LOOPBACK) or not parts.hostname):
            yield path, repr(url), "an https:// address"


def _addresses(service: Service) -> Iterator[Found]:
    yield from _wrong(_given(service))


def _channels(service: Service) -> Iterator[Found]:
    yield from _wrong(_of_channels(service))


def _feeds(service: Service) -> Iterator[Found]:
    yield from _wrong(_of_feeds(service))


def _account(service: Service) -> Iterator[Found]:
    aws = service.aws
    if aws.region and not _REGION.fullmatch(aws.region):
        yield ("aws", "region"), repr(aws.region), "the name of a Region, such as eu-west-1"
    for place, group in enumerate(aws.security_groups):
        if not _GROUP.fullmatch(group):
            yield ("aws", "security_groups", place), repr(group), "an id like sg-0a1b2c3d"


def _search(service: Service) -> Iterator[Found]:
    search = service.splunk.search.strip() if service.splunk else "-"
    if search.startswith(("search ", "|")):
        yield (("splunk", "search"), repr(search[:60]),
               "the terms alone, such as index=payments: without `search` before them or a pipe")
    elif not search:
        yield ("splunk", "search"), "nothing", "what finds the service's logs, such as index=payments"
    if service.newrelic and service.newrelic.account <= 0:
        yield ("newrelic", "account"), str(service.newrelic.account), "the account's id, such as 1234567"


def _splunk_port(service: Service) -> Iterator[Found]:
    parts = urlsplit(service.splunk.url) if service.splunk else None
    if parts and parts.hostname and parts.hostname not in _LOOPBACK and (
            parts.port in _WEB_PORTS or (parts.port is None and not parts.path.strip("/"))):
        yield (("splunk", "url"), repr(service.splunk.url if service.splunk else ""),
               "the management port, which is 8089 unless somebody changed it, not the port of the web pages")


def _unused(service: Service) -> Iterator[Found]:
    aws = service.aws
    if aws.external_id and not aws.role_arn:
        yield ("aws", "external_id"), repr(aws.external_id), "aws.role_arn, whose roles ask for it"
    if aws.nodegroup_names and not aws.nodegroups:
        yield ("aws", "nodegroup_names"), "names, and nodegroups: false", "nodegroups: true, for them to be asked"


def _probes_outside(service: Service) -> Iterator[Found]:
    if service.network:
        return
    providers = {provider.name for provider in service.providers}
    for index, probe in enumerate(service.probes):
        if probe.target not in providers:
            yield (("probes", index, "target"), f"{probe.target!r}, and no network",
                   "a section network: from outside the VPC a probe of it says nothing")


def _credentials_ended(service: Service) -> Iterator[Found]:
    for index, credential in enumerate(service.credentials):
        try:
            end = datetime.fromisoformat(credential.expires)
        except ValueError:
            continue
        if end.tzinfo and end < datetime.now(UTC):
            yield (("credentials", index, "expires"), f"{credential.expires!r}, which is over",
                   "when its successor ends")


ERRORS = (_addresses, _channels, _feeds, _account, _search)
WARNINGS = (_splunk_port, _unused, _probes_outside, _credentials_ended)
