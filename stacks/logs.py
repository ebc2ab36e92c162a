"""Checks of where a configuration says that the service's logs are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found

_MOST_GROUPS = 50
"""Log groups of one query (Amazon CloudWatch Logs API reference: "StartQuery")."""
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")


def logs(service: Service) -> Iterator[Found]:
    """Find log groups that cannot be queried, and levels and expressions by which nothing would be found."""
    for section in ("splunk", "cloudwatch_logs"):
        settings = getattr(service, section)
        if settings and not all(level.strip() for level in settings.error_levels or ("",)):
            yield (section, "error_levels"), repr(settings.error_levels), "the levels of errors, one at least"
    groups = service.cloudwatch_logs
    if groups is None:
        return
    if not 1 <= len(groups.log_groups) <= _MOST_GROUPS:
        yield ("cloudwatch_logs", "log_groups"), str(len(groups.log_groups)), f"1 to {_MOST_GROUPS} log groups"
    for index, name in enumerate(groups.log_groups):
        if not _GROUP.fullmatch(name):
            yield (("cloudwatch_logs", "log_groups", index), repr(name),
                   "the name of a log group, not its ARN, without *")
    for name, expression in (("auth_failures", groups.auth_failures),
                             ("rejected_signatures", groups.rejected_signatures)):
        try:
            re.compile(expression)
        except re.error as error:
            yield ("cloudwatch_logs", name), repr(expression), f"a regular expression ({error})"
