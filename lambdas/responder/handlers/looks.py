"""A source's look-ups beside those of other incidents: within the budget, and shared where they ask for the same.

The first of several incidents asks, the others wait for its answer (``records/shared.py``). Whoever waits too long asks
alone, and whoever has no turn in time says so: a finding with the status ``throttled``. Where the table cannot be
asked, a look goes on without it: the vendor's own refusal is handled as ever.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.looks import Alone, Answered, widened
from responder.handlers.step import log
from responder.model.codec import Json, Malformed
from responder.model.evidence import Window
from responder.model.moment import iso
from responder.plan.wording import exact
from responder.records.budgets import Budgets
from responder.records.shared import Asking, Shared, SharedAnswer
from responder.sources import Budget, Query, Source

FRESH_SECONDS = 10.0
"""How long before a look was due an answer may have been asked for."""
_ENOUGH_SECONDS = 4.0
"""What a look of its own needs of its deadline, at least."""
_POLL_SECONDS = (0.2, 0.5)
_MARGIN_SECONDS = 0.5
_TABLE_SECONDS = 1
T = TypeVar("T")


class Together(Alone):
    """The look-ups of one look of one incident."""

    _ahead = False

    def __init__(self, table: str, source: Source, query: Query, incident: str, needed_from: float,
                 raw: str = "") -> None:
        """``needed_from``: an answer that was asked for before this (seconds since 1970, UTC) is none.

        ``raw`` is where this look's answers will be kept word for word (``s3://…``).
        """
        self._budgets, self._shared = Budgets(table, client()), Shared(table, client())
        self._source, self._query, self._deadline = source, query, query.deadline
        self._keys = source.shared(query) if source.shared else ()
        self._incident, self._needed_from = incident, needed_from
        self._me = f"{_asker(incident, self._ahead)}{random.getrandbits(64):016x}"
        self._kept_at = raw
        self._enough = min(_ENOUGH_SECONDS, source.deadline_seconds / 2)
        self.said: list[str] = []

    def turn(self, calls: int | None = None, scope: str | None = None) -> None:
        """See ``Alone.turn``."""
        self._turn(calls, scope, self._deadline)

    def give_back(self, calls: int, scope: str | None = None) -> None:
        """See ``Alone.give_back``."""
        budget, whose = self._whose(scope)
        if budget and whose and calls > 0:
            self._asked(lambda: self._budgets.give_back(self._source.name, whose, _cost(budget, calls)), None)

    def once(self, key: str, window: Window, ask: Callable[[Window], Json], *, scope: str | None = None,
             calls: int | None = None, deadline: float | None = None) -> Answered:
        """See ``Alone.once``."""
        if key not in self._keys:
            raise ValueError(f"{self._source.name} does not declare that it shares {key}")
        until = self._deadline if deadline is None else deadline

        def alone() -> Answered:
            self._turn(calls, scope, until)
            return Answered(ask(widened(window)), window)

        leased = self._wait(key, window, self._patience(until), until)
        if isinstance(leased, Answered):
            return leased
        if leased:
            return self._asks(key, window, alone)
        return self._without_lease(key, window, until, alone)

    def _patience(self, until: float) -> float:
        """Return until when another one's answer is waited for, in ``time.monotonic`` seconds."""
        return until - self._reserve(until)

    def _without_lease(self, key: str, window: Window, until: float, alone: Callable[[], Answered]) -> Answered:
        """Return an answer where another one asks, and is too slow."""
        try:
            return alone()
        except CallFailed as failed:
            # Without a turn there is nothing to lose by waiting on for what another one asks.
            found = self._wait(key, window, until - _MARGIN_SECONDS, until, leases=False) if (
                failed.status == "throttled") else None
            if isinstance(found, Answered):
                return found
            raise

    def _asks(self, key: str, window: Window, ask: Callable[[], Answered]) -> Answered:
        """Ask, and keep the answer for the others."""
        # What waits for its turn is asked for later, and what is asked later tells of no more: the earlier time counts.
        name, asked_at = self._source.name, min(time.time(), window.end)
        try:
            found = ask()
        except BaseException:
            self._asked(lambda: self._shared.give_up(name, key, self._me), None)
            raise
        answer = SharedAnswer(found.value, widened(window), asked_at, self._incident, self._ahead, self._kept_at)
        if not self._asked(lambda: self._shared.keep(name, key, self._me, answer), True):
            log(source=name, incident=self._incident, shared="the answer is too large to be shared")
        return found

    def _wait(self, key: str, window: Window, patience: float, until: float, *,
              leases: bool = True) -> Answered | bool:
        """Return the answer of another one; True where this one is to ask for all, False where it is to ask alone."""
        name = self._source.name
        while True:
            now = self._asked(lambda: self._shared.asking(name, key), None)
            if now is None or (now.too_large and now.asked_at >= self._needed_from):
                return False
            if self._answers(now, window):
                found = self._asked(lambda: self._shared.answer(name, key), None)
                if found and self._answers(Asking(_asker(found.incident, found.ahead), asked_at=found.asked_at,
                                                  tells_from=found.window.start), window):
                    return self._taken(key, window, found)
            if leases and now.lease_until < time.time() and self._asked(lambda: self._shared.lease(
                    name, key, self._me, max(1.0, until - time.monotonic())), False):
                return True
            pause = random.uniform(*_POLL_SECONDS)
            if time.monotonic() + pause > patience:
                return False
            time.sleep(pause)

    def _answers(self, there: Asking, window: Window) -> bool:
        """Whether an answer is what this look needs: new enough, of all of its time, and not what it had already.

        An incident that looks again wants to know what is new. What it has asked ahead it had not yet.
        """
        return (there.asked_at >= self._needed_from and there.tells_from <= window.start
                and not there.asker.startswith(_asker(self._incident)))

    def _taken(self, key: str, window: Window, found: SharedAnswer) -> Answered:
        if found.incident == self._incident:
            self.raw = found.raw
        else:
            self.said.append(f"{key.partition('/')[0]} was asked for at {iso(found.asked_at)[11:19]} UTC by incident "
                             f"{found.incident}")
        return Answered(found.value, Window(
            window.start, max(window.start, min(window.end, found.window.end))))

    def _turn(self, calls: int | None, scope: str | None, deadline: float) -> None:
        budget, whose = self._whose(scope)
        if not budget or not whose:
            return
        cost = _cost(budget, budget.a_look(self._query) if calls is None else calls)
        left = max(0.0, deadline - self._reserve(deadline) - time.monotonic())
        # This look's own calls are among those that may come at once: else twice the budget would be exceeded.
        ahead, at_once = max(0.0, budget.seconds - cost), cast(float | None, 0.0)
        wait = self._asked(lambda: self._budgets.take(self._source.name, whose, cost, ahead, left), at_once)
        if wait is None:
            raise CallFailed("throttled", "other incidents ask as well, and the responder's own budget of "
                             f"{budget.api} ({exact(budget.calls)} calls in {exact(budget.seconds)} s) had no turn in "
                             "time")
        time.sleep(wait)

    def _reserve(self, deadline: float) -> float:
        """Return how many seconds before a deadline a look of one's own begins at the latest."""
        return min(self._enough, max(0.0, deadline - time.monotonic()) / 2)

    def _whose(self, scope: str | None) -> tuple[Budget | None, str]:
        budget = self._source.budget
        return budget, (budget.scope(self._query.service) if budget else "") if scope is None else scope

    def _asked(self, call: Callable[[], T], otherwise: T) -> T:
        """Return what the table answers; ``otherwise`` where it cannot be asked."""
        try:
            with aws.failures("DynamoDB"):
                return call()
        except (CallFailed, Malformed) as failed:
            log(source=self._source.name, incident=self._incident, table=str(failed))
            return otherwise


class Ahead(Together):
    """What one incident asks before it needs it, for itself and all others: nothing that another one asks already."""

    _ahead = True

    def _patience(self, until: float) -> float:
        return 0.0

    def _without_lease(self, key: str, window: Window, until: float, alone: Callable[[], Answered]) -> Answered:
        raise CallFailed("throttled", "another incident asks for it already, or the table cannot be asked")


def client() -> Any:
    """Return the table's client: one that gives up soon, because a look can do without the table."""
    return aws.client("dynamodb", _TABLE_SECONDS, attempts=1)


def _asker(incident: str, ahead: bool = False) -> str:
    """Return how the names begin by which an incident asks."""
    return f"{'ahead of ' if ahead else ''}{incident}/"


def _cost(budget: Budget, calls: int) -> float:
    """Return how long the budget takes to allow some calls, in seconds."""
    return calls * budget.seconds / budget.calls
