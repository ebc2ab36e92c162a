"""The sources, asked as of a past time by their own code, as their functions would ask them then."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from dataclasses import replace

from responder import sources
from responder.handlers import ask
from responder.model.evidence import Detail, Finding
from responder.model.evidence.answer import Answer
from responder.model.incident import SourceAnswer
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan.fitting import ANSWER_BYTES, fitted
from responder.sources import NOT_THEN, Phase, Query, Source

_PATIENCE = 4.0
"""Nobody waits for the answer, so a source has this many times the time that its function has."""


class AsOf:
    """Asks the sources of one service about one past incident."""

    def __init__(self, service: Service, used: Sequence[Source], opened_at: float) -> None:
        """``opened_at``: when the incident would have been opened, seconds since 1970 (UTC)."""
        # The person asks with their own credentials, not with a role of a function's in the service's account.
        self._service = replace(service, aws=replace(service.aws, role_arn=""))
        self._used, self._opened_at = used, opened_at

    def __call__(self, phase: Phase, now: float, since: float | None = None) -> tuple[SourceAnswer, ...]:
        """Return what the sources of a phase answer with ``now`` (seconds since 1970, UTC) as the present.

        ``since`` is when something was changed, while the recovery is watched.
        """
        return tuple(self._answer(source, phase, now, since) for source in self._used if phase in source.phases)

    def _answer(self, source: Source, phase: Phase, now: float, since: float | None) -> SourceAnswer:
        started = time.monotonic()
        window, baseline = ask.spans(self._service, phase, self._opened_at, now, self._opened_at, since)
        query = Query(self._service, phase, window, baseline, started + _PATIENCE * source.deadline_seconds,
                      max(1.0, time.time() - now))
        about = ask.Ask(ask.Asked("backtest", self._service.service, iso(self._opened_at)), phase, iso(now))
        with contextlib.redirect_stdout(io.StringIO()):
            # What the functions log is no part of the report.
            found = [ask.masked(finding, about) for finding in _findings(source, query, about)]
        return SourceAnswer(source.name, fitted(source.name, found, ANSWER_BYTES),
                            round((time.monotonic() - started) * 1000))


def _findings(source: Source, query: Query, about: ask.Ask) -> Sequence[Finding[Detail]]:
    if not source.past:
        return [Finding(source=source.name, detail=Answer(), status="unavailable", window=query.window, note=NOT_THEN)]
    return [_unknown(finding) if type(finding.detail) in source.now_only and finding.usable else finding
            for finding in ask.collected(source, query, about)]


def _unknown(finding: Finding[Detail]) -> Finding[Detail]:
    return Finding(source=finding.source, detail=type(finding.detail)(), status="unavailable",
                   component=finding.component, window=finding.window, note=NOT_THEN)


def used_by(service: Service) -> tuple[Source, ...]:
    """Return the sources that a service's configuration names, in the order in which they are asked."""
    return tuple(source for source in sources.all() if source.configured(service))
