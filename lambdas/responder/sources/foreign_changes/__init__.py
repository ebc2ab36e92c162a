"""Changes made elsewhere: commits that were deployed (GitHub) and flags that were set (LaunchDarkly).

Both systems are asked apart and at once; one that fails leaves what the other said, and the finding is ``partial``.
"""

from __future__ import annotations

from collections.abc import Callable

from responder.clients import aws
from responder.clients.background import Task
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Finding, Status
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.foreign_change import ForeignChange
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import wording
from responder.sources import Budget, Query, Source
from responder.sources.foreign_changes import github, launchdarkly

BEFORE_SECONDS = 6 * 3600.0
"""So long before the window changes are looked for: what leaks, grows or expires takes hours to show."""
_MOST = 40
_MARGIN_SECONDS = 0.5


@dataclass(frozen=True)
class _Part:
    """What one system said."""

    changes: tuple[ForeignChange, ...] = ()
    failed: CallFailed | None = None


def collect(query: Query, http: Http | None = None) -> list[Finding[ForeignChanges]]:
    """Return ``foreign_changes``; raises CallFailed where no system answered."""
    feeds = query.service.foreign_changes
    if feeds is None:
        raise CallFailed("unavailable", "no feed of foreign changes is configured")
    since, until = query.window.start - BEFORE_SECONDS, query.window.end
    asked: dict[str, Task[_Part]] = {}
    if code := feeds.code:
        asked["GitHub"] = Task(lambda: _part(lambda: github.changes(code, since, until, http or Http(
            query.deadline, headers=github.headers(aws.secret(code.secret))))))
    if flags := feeds.flags:
        asked["LaunchDarkly"] = Task(lambda: _part(lambda: launchdarkly.changes(flags, since, until, http or Http(
            query.deadline, headers=launchdarkly.headers(aws.secret(flags.secret))))))
    parts = {name: task.result(query.deadline + _MARGIN_SECONDS) or _Part(failed=CallFailed("timeout", (
        f"{name} did not answer in time"))) for name, task in asked.items()}
    failures = {name: part.failed for name, part in parts.items() if part.failed}
    if failures and len(failures) == len(parts):
        raise next(iter(failures.values()))
    found = sorted((change for part in parts.values() for change in part.changes), key=lambda change: change.at)
    status: Status = "partial" if failures else "ok"
    return [Finding(
        source=SOURCE.name, status=status, window=query.window, unit="changes", value=float(len(found)),
        note="; ".join(f"{name}: {failure.note}" for name, failure in failures.items()),
        query=f"deployments and flags since {wording.clock(since)} UTC",
        left_out=max(0, len(found) - _MOST) or None, detail=ForeignChanges(changes=tuple(found[-_MOST:])))]


def _part(ask: Callable[[], list[ForeignChange]]) -> _Part:
    try:
        return _Part(tuple(ask()))
    except CallFailed as failed:
        return _Part(failed=failed)


def _secrets(service: Service) -> tuple[str, ...]:
    feeds = service.foreign_changes
    return tuple(part.secret for part in (feeds.code, feeds.flags) if part) if feeds else ()


SOURCE = Source(
    name="foreign_changes",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.foreign_changes is not None,
    secrets=_secrets,
    deadline_seconds=14.0,
    budget=Budget(
        "the GitHub API", 2500.0, 3600.0, "5,000 requests an hour for a token (GitHub: Rate limits for the REST API); "
        "LaunchDarkly documents no number", 5000.0, a_look=lambda query: 20,
        scope=lambda service: "/".join(_secrets(service))),
)
