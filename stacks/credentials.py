"""Checks of certificates, keys and tokens that a service names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found, nearest

_CERTIFICATE = re.compile(r"arn:aws(-[a-z]+)*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}")

_MOMENT = re.compile(r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


def credentials(service: Service) -> Iterator[Found]:
    """Find what is shown to nobody, or whose end nobody can ask for."""
    for index, credential in enumerate(service.credentials):
        here = ("credentials", index)
        targets = [*service.graph, *(provider.name for provider in service.providers),
                   *([service.database.name] if service.database else [])]
        if not service.target(credential.target):
            yield (*here, "target"), repr(credential.target), (
                "a component, the database or a provider" + nearest(credential.target, targets))
        if credential.arn and not _CERTIFICATE.fullmatch(credential.arn):
            yield (*here, "arn"), repr(credential.arn), (
                "a certificate's ARN: arn:aws:acm:eu-west-1:123456789012:certificate/…")
        if not _MOMENT.fullmatch(credential.expires):
            yield (*here, "expires"), repr(credential.expires), "a moment such as 2027-01-31T00:00:00Z"
