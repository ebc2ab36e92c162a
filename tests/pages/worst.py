"""Incidents whose charts are hard to draw: more of everything than the recorded ones have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import zip_longest

from responder.model.evidence import Bucket, Series
from responder.model.moment import iso
from responder.plan.review import Review, review
from responder.plan.review.contents import ReportedRemedy
from tests.unit.report.test_review import RECORD

START = 1_800_000_000.0
"""2027-01-15, 08:00:00 UTC."""
LONG = "a-component-whose-name-is-as-long-as-kubernetes-lets-it-be-60"


def steady(seconds: float, *, period: float = 10.0, start: float = START, each: float = 400.0,
           share: Callable[[float], float] = lambda at: 0.0) -> Series:
    """Return a series of so many seconds; ``share`` gives the share that failed, by seconds since its start."""
    return tuple(Bucket(start + period * n, each, each * share(period * n)) for n in range(int(seconds / period)))


def between(first: float, last: float, height: float = 0.5) -> Callable[[float], float]:
    """Return a share that failed only between two times, in seconds."""
    return lambda at: height if first <= at < last else 0.001


def reviewed(series: Mapping[str, Series], *, onset: float = 60.0, opened: float = 75.0, diagnosed: float | None = 85.0,
             well: float | None = 130.0, recovered: float | None = 160.0, escalated: float | None = None,
             reopened: tuple[float, ...] = (), cured: tuple[float, ...] = (),
             actions: tuple[ReportedRemedy, ...] = (), start: float = START) -> Review:
    """Return a review with these measurements; times are seconds after ``start``.

    ``cured`` is when the recovery of each earlier opening was verified.
    """
    made = review(RECORD)

    def at(seconds: float | None) -> str | None:
        return None if seconds is None else iso(start + seconds)

    opening = made.openings[0]
    openings = tuple(replace(opening, opened_at=iso(start + seconds), onset=None, verified_at=at(verified),
                             outcome="escalated", handed_over_at=None)
                     for seconds, verified in zip_longest((opened, *reopened), cured))
    return replace(made, series=dict(series), actions=actions, openings=openings, incident=replace(
        made.incident, onset=at(onset), opened_at=iso(start + opened), confirmed_at=None, isolated_at=None,
        diagnosed_at=at(diagnosed), well_since=at(well), recovered_at=at(recovered), escalated_at=at(escalated),
        reopened_at=tuple(iso(start + seconds) for seconds in reopened)))


def remedy(seconds: float, action: str = "rollback", target: str = "deployment/payment-gateway",
           status: str = "verified", put_back: float | None = None, start: float = START) -> ReportedRemedy:
    """Return a remedy that was applied so many seconds after ``start``."""
    return replace(review(RECORD).actions[0], action=action, target=target, status=status, verified_at=None,
                   applied_at=iso(start + seconds), put_back_at=None if put_back is None else iso(start + put_back))


def worst() -> dict[str, Review]:
    """Return the constructed incidents by name."""
    failing = between(60, 130)
    silent = tuple(replaced if not 70 <= replaced.start - START < 120 else Bucket(replaced.start, 0.0, 0.0)
                   for replaced in steady(200, share=failing))
    gap = tuple(bucket for bucket in steady(200, share=failing) if not 70 <= bucket.start - START < 120)
    names = ("ledger", "payment-gateway", "fraud-check", "backend", "frontend", "pricing", "currency", LONG,
             "notifications", "warehouse")
    midnight = START + 15.9 * 3600
    return {
        "one": reviewed({"payment-gateway": steady(200, share=failing)}, actions=(remedy(90),)),
        "ten-components": reviewed({name: steady(200, each=400.0 / (n + 1), share=between(60, 130, 0.9 / (n + 1)))
                                    for n, name in enumerate(names)}, actions=(remedy(90),)),
        "thirteen-components": reviewed({f"component-{n}": steady(200, share=failing) for n in range(13)}),
        "long-names": reviewed({f"{LONG}-{n}": steady(200, share=failing) for n in range(3)}, actions=(
            remedy(90, target=f"deployment/{LONG}"), remedy(95, "switch_provider", f"configmap/{LONG}", "failed"))),
        "twelve-marks-in-five-seconds": reviewed(
            {"backend": steady(200, share=failing), "frontend": steady(200, share=failing)}, onset=60, opened=61,
            diagnosed=61.5, well=65, recovered=100, escalated=64, reopened=(64.5,), actions=tuple(
                remedy(61.6 + 0.3 * n, action, f"deployment/payment-gateway-{n}", status) for n, (action, status) in
                enumerate([("rollback", "failed"), ("scale_up", "reverted"), ("restart_pods", "verified"),
                           ("inform_customers", "done"), ("inform_provider", "done"), ("switch_provider", "verified"),
                           ("restore_configuration", "verified"), ("engage_network_team", "done")]))),
        "same-moments-in-four-hours": reviewed(
            {"backend": steady(4 * 3600, share=between(7200, 7300)), "frontend": steady(4 * 3600)}, onset=7200,
            opened=7201, diagnosed=7201, well=7204, recovered=7205, actions=tuple(
                remedy(7202 + n / 4, action) for n, action in enumerate(
                    ["rollback", "scale_up", "restart_pods", "switch_provider", "restore_database"]))),
        "ten-million": reviewed({"backend": steady(200, each=1e7, share=failing),
                                 "frontend": steady(200, each=9_999_999.0)}, actions=(remedy(90),)),
        "a-few-at-night": reviewed({"backend": steady(3600, period=60, each=0.2), "frontend": steady(
            3600, period=60, each=3.0, share=between(600, 1200))}, onset=600, opened=700, diagnosed=800, well=1200),
        "midnight": reviewed({"backend": steady(1200, start=midnight, share=between(300, 900))}, onset=300, opened=320,
                             diagnosed=340, well=900, recovered=960, start=midnight,
                             actions=(remedy(500, start=midnight),)),
        "four-hours": reviewed({name: steady(4 * 3600, share=between(3600, 4 * 3600, 0.3)) for name in
                                ("backend", "frontend", "payment-gateway", "database")}, onset=3600, opened=3660,
                               diagnosed=3700, well=None, recovered=None, escalated=3720, actions=(
                                   remedy(3710, status="failed"), remedy(9000, "scale_up", put_back=12_000))),
        "no-requests": reviewed({"frontend": steady(200, share=failing), "payment-gateway": silent}),
        "nothing-measured-for-a-while": reviewed({"frontend": gap, "payment-gateway": gap}, actions=(remedy(90),)),
        "one-period": reviewed({"frontend": steady(10, share=lambda at: 0.2)}, onset=0, opened=1, diagnosed=2,
                               well=None, recovered=None),
        "three-relapses": reviewed({"frontend": steady(900, share=lambda at: 0.4 if at % 300 > 200 else 0.0)},
                                   onset=210, opened=220, diagnosed=230, well=None, recovered=None,
                                   reopened=(500, 800, 850), cured=(320, 620), escalated=860,
                                   actions=(remedy(240), remedy(520))),
        "no-failures": reviewed({"frontend": steady(200), "backend": steady(200)}, onset=60),
        "everything-fails": reviewed({"frontend": steady(200, share=lambda at: 1.0)}, onset=0, opened=1, well=None,
                                     recovered=None),
        "measured-late": reviewed({"frontend": steady(100, share=failing)}, well=None, recovered=None,
                                  escalated=4000, actions=(remedy(3000),)),
        "no-data": reviewed({}),
    }
