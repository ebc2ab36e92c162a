"""A Region's bad day: two hundred services fail within a minute by one database. What are the vendors asked?

Beside it the same without budgets and sharing, where each incident asks as if it were alone. The goals are the vendors'
own limits, or where they document no rate, what the budgets allow (``docs/neighbours.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench import Benchmark, Outcome, Row
from bench.bed.storm import TEAMS, Storm, shipped_service, storm
from responder import sources
from responder.model.evidence import Window

SERVICES = 200
_ALONE = "each as if it were alone"


def rows(services: int) -> list[Row]:
    """Return what so many services ask, and how they fare."""
    found, alone = storm(services, together=True), storm(services, together=False)
    return [*_calls(found, alone), *_course(found, alone)]


def _calls(found: Storm, alone: Storm) -> Iterator[Row]:
    """Yield the most calls of each vendor within its limit's stretch of time."""
    service = shipped_service()
    look = sources.Query(service, "diagnose", Window(0, 1), Window(0, 1), 0.0)
    budgets = [source.budget for source in sources.all() if source.budget and source.configured(service)]
    for api in dict.fromkeys(budget.api for budget in budgets if budget.scope(service) and alone.calls.get(budget.api)):
        mine = [budget for budget in budgets if budget.api == api]
        length, vendor = mine[0].seconds, mine[0].vendor_calls
        # After a pause as many as the budget has in its time, and as many again meanwhile; one look at the least.
        allowed = sum(max(2 * budget.calls, budget.calls + budget.a_look(look)) for budget in mine)
        yield Row(f"{api}, the most within {length:g} s", found.most_within(api, length), "calls", _ALONE,
                  alone.most_within(api, length), highest=vendor or allowed,
                  note=f"{len(found.calls[api])} in all, alone {len(alone.calls[api])}; the goal is "
                       + ("the vendor's limit" if vendor else "the budget"))


def _course(found: Storm, alone: Storm) -> Iterator[Row]:
    """Yield how the incidents fare."""
    count, asked = len(found.records), sum(found.looks.values())
    yield Row("incidents", count, "", _ALONE, len(alone.records))
    yield Row("of these name the database", 100 * found.named("database_connection") / count, "%", _ALONE,
              100 * alone.named("database_connection") / count)
    yield Row("incidents that are linked with the one that leads", found.linked(), "", _ALONE, alone.linked())
    yield Row("alerts that wake a team", len(found.woken), "", "one for each incident", count, highest=TEAMS,
              note=f"the services are those of {TEAMS} teams")
    throttled = {source: number for source, number in sorted(found.throttled.items()) if number}
    yield Row("looks without a turn", 100 * sum(throttled.values()) / asked, "%", _ALONE, 0.0,
              note=", ".join(f"{source} {number} of {found.looks[source]}" for source, number in throttled.items()))
    mine, theirs = found.seconds_to_diagnosis(), alone.seconds_to_diagnosis()
    yield Row("from the opening to the diagnosis, median", median(mine), "s", _ALONE, median(theirs),
              note="the vendors never refuse here, however much they are asked")
    yield Row("the slowest", mine[-1], "s", _ALONE, theirs[-1])
    yield Row("calls of the table an incident", found.table_calls / count, "", _ALONE, alone.table_calls / count)


def run(repeats: int) -> Outcome:
    """Return the figures of one run: it goes by a clock of its own, so a second one would be the same."""
    return Outcome(rows(SERVICES))


BENCHMARK = Benchmark(f"what {SERVICES} services that fail within a minute ask of the vendors", run, 1)
