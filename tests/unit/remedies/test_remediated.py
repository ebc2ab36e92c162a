"""Two faults in the very same calls: a remedy is judged by the kind of failure that it is for, not by the sum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.moment import iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.recovery import Progress
from responder.plan.remediated import kinds_of
from responder.plan.remedies import propose
from responder.plan.remedy_verdict import effect_is_hidden, verdict
from responder.plan.weights import shipped
from tests.diagnosis import ONSET, both, instance, of_gateway
from tests.diagnosis import judged as diagnosed
from tests.findings import observed

NOW = 1_800_000_000.0
APPLIED = NOW - 120
READ_ONLY = "cannot execute INSERT in a read-only transaction"
FULL = "could not extend file: No space left on device"
REFUSED = "connection refused"
RESET = "connection reset by peer"


def calls(end: float, kinds: dict[str, float], requests: float = 1200, host: str = "payments-db") -> Finding[Any]:
    return observed("newrelic", "calls", component="payment-gateway", window=Window(end - 60, end), detail={"callees": {
        host: {"requests": requests, "errors": sum(kinds.values()), "kinds": kinds, "baseline_requests": 72_000,
               "baseline_errors": 20}}})


def sums(share: float) -> list[Finding[Any]]:
    return [observed(source, "error_rate", component="payment-gateway", window=Window(NOW - 300, NOW), detail={
        "series": [[NOW - 300 + 10 * n, 400, round(400 * share)] for n in range(30)], "baseline_requests": 144_000,
        "baseline_errors": 576, "baseline_seconds": 3600}) for source in ("newrelic", "cloudwatch")]


def remedy(mechanism: str = "database_parameters", where: str = "database",
           parameter: str = "default_transaction_read_only") -> Remedy:
    return Remedy(1, "restore_parameter_group", RemedyStatus.APPLIED, "payment-gateway", "database_connection",
                  mechanism, where, applied_at=iso(APPLIED),
                  parameters={"group": "payments-pg16", "back": {parameter: "0"}})


def judged(service: Service, before: dict[str, float], since: dict[str, float], answer: Any = "not_helped",
           of: Remedy | None = None, **more: Any) -> RemedyStatus | None:
    looks = [calls(APPLIED - 4, before), calls(NOW - 1, since, **more)]
    share = sum(since.values()) / 1200
    found = verdict(service, of or remedy(), Progress(answer, "", share, NOW - 61 if answer == "recovered" else None),
                    Evidence(looks), Evidence([*sums(share), looks[-1]]), NOW)
    return found.status if found else None


@pytest.mark.parametrize(("before", "since"), [
    ({READ_ONLY: 1200}, {FULL: 1200}),  # the second fault came as the first went: the sum stayed where it was
    ({READ_ONLY: 600, FULL: 500}, {FULL: 1190}), ({READ_ONLY: 900}, {FULL: 700, READ_ONLY: 2})])
def test_a_remedy_whose_kind_of_failure_is_gone_helped_though_as_much_fails_as_before(
        service: Service, before: dict[str, float], since: dict[str, float]) -> None:
    assert judged(service, before, since) is RemedyStatus.VERIFIED


def test_the_second_remedy_of_the_same_calls_is_judged_by_its_own_kind(service: Service) -> None:
    both = {READ_ONLY: 500.0, FULL: 500.0}
    assert judged(service, both, {READ_ONLY: 1200}, of=remedy("storage_full")) is None  # what is full may be hidden
    assert judged(service, both, {READ_ONLY: 300}, of=remedy("storage_full")) is RemedyStatus.VERIFIED
    assert judged(service, both, {FULL: 900, READ_ONLY: 300}, of=remedy("storage_full")) is None


def test_a_remedy_whose_kind_of_failure_goes_on_did_not_help_though_the_sum_fell(service: Service) -> None:
    """Few writes fail read-only, before and after; what refused most of the calls has passed by itself."""
    before = {READ_ONLY: 20.0, RESET: 700.0}
    assert judged(service, before, {READ_ONLY: 48}) is None
    assert judged(service, before, {READ_ONLY: 48}, "recovered") is RemedyStatus.FAILED
    assert judged(service, before, {READ_ONLY: 1}) is RemedyStatus.VERIFIED


def test_calls_that_fail_before_the_step_at_which_a_kind_arises_do_not_show_that_it_is_gone(service: Service) -> None:
    assert judged(service, {READ_ONLY: 1200}, {REFUSED: 1200}) is None
    assert judged(service, {READ_ONLY: 1200}, {RESET: 1195}) is None
    assert judged(service, {READ_ONLY: 1200}, {REFUSED: 700}) is RemedyStatus.VERIFIED
    assert judged(service, {REFUSED: 1200}, {READ_ONLY: 1200}, of=remedy("refuses_connections")
                  ) is RemedyStatus.VERIFIED


@pytest.mark.parametrize("of", [remedy("bad_release", "own"), remedy("no_longer_known"), remedy("unfit_workload")])
def test_where_the_kind_is_not_known_the_sum_tells_as_ever(service: Service, of: Remedy) -> None:
    assert judged(service, {READ_ONLY: 1200}, {FULL: 1200}, of=of) is None
    assert judged(service, {READ_ONLY: 1200}, {FULL: 1200}, "recovered", of=of) is RemedyStatus.VERIFIED
    well = replace(service, recovery=replace(service.recovery, hold_seconds=60))
    assert judged(well, {READ_ONLY: 1200}, {}, of=remedy("unfit_workload")) is RemedyStatus.VERIFIED


def test_a_host_that_is_called_no_more_tells_nothing(service: Service) -> None:
    """After the switch to another provider, the first one's failures are gone because nobody calls it."""
    switched = remedy("provider_fails", "provider:primary")
    looks = [calls(APPLIED - 4, {"HTTP 503": 900}, host="api.primary.example"),
             calls(NOW - 1, {REFUSED: 900}, host="api.fallback.example")]
    found = verdict(service, switched, Progress("not_helped", "", 0.7, None), Evidence(looks),
                    Evidence([*sums(0.7), looks[-1]]), NOW)
    assert found is None


def test_a_parameter_is_for_the_failures_that_it_governs(service: Service) -> None:
    """Locks were in the way, and hid that nothing may be written; they went by themselves."""
    locked = "canceling statement due to statement timeout"
    assert judged(service, {locked: 1200}, {READ_ONLY: 1000}) is None
    assert judged(service, {locked: 1200}, {READ_ONLY: 1000}, of=remedy(parameter="statement_timeout")
                  ) is RemedyStatus.VERIFIED


def test_what_fails_in_a_new_way_since_a_remedy_that_made_all_worse_may_be_its_doing(service: Service) -> None:
    assert judged(service, {READ_ONLY: 300}, {FULL: 1100}, "worse") is None
    assert judged(service, {READ_ONLY: 300, FULL: 200}, {FULL: 1100}, "worse") is RemedyStatus.VERIFIED


def test_calls_from_before_the_symptom_went_are_not_held_against_a_remedy(service: Service) -> None:
    """The last minute of calls still has the failures from before the pods were new."""
    looks = [calls(APPLIED - 4, {READ_ONLY: 1200}), calls(NOW - 1, {READ_ONLY: 500})]
    found = verdict(service, remedy(), Progress("recovered", "", 0.0, NOW - 30), Evidence(looks),
                    Evidence([*sums(0.0), looks[-1]]), NOW)
    assert found is not None and found.status is RemedyStatus.VERIFIED


def test_the_kinds_of_a_mechanism_are_those_that_speak_for_it() -> None:
    assert kinds_of("storage_full") == {"space"}
    assert kinds_of("database_parameters", "default_transaction_read_only") == {"read_only"}
    assert kinds_of("database_parameters", "statement_timeout") == {"lock"}
    assert kinds_of("database_parameters", "work_mem") == frozenset()
    assert kinds_of("failing_over") == {"read_only", "refused", "reset"}
    assert kinds_of("no_longer_known") == frozenset()


@pytest.mark.parametrize(("helped", "follows"), [
    ([("restore_database", "payment-gateway", "refuses_connections")], True),
    ([("restore_database", "payment-gateway", "storage_full")], False), ([], False)])
def test_an_action_that_helped_may_follow_upon_itself_against_another_mechanism(
        service: Service, helped: list[tuple[str, str, str]], follows: bool) -> None:
    """The first reboot helped, or nothing did; now the storage is full."""
    findings = [*both("payment-gateway", 1.0), of_gateway({FULL: 1600}), instance("storage-full")]
    diagnosis = diagnosed(service, findings)
    assert diagnosis.mechanism == "storage_full"
    remedies = propose(service, diagnosis, ONSET, Evidence(findings), shipped(),
                       [("restore_database", "payment-gateway")], helped=helped)
    assert ("restore_database" in [one.action for one in remedies.proposed]) is follows


# --- failures of the component's own ---------------------------------------------------------------------------------


def requests(end: float, own: float, refused: float) -> list[Finding[Any]]:
    """A minute of 1,200 requests: so many failed by themselves, and so many in calls of the database."""
    found = calls(end, {READ_ONLY: refused} if refused else {})
    return [replace(found, detail=replace(found.detail, requests=1200, errors=own + refused)), observed(
        "newrelic", "error_rate", component="payment-gateway", window=Window(end - 60, end), detail={
            "series": [[end - 60 + 10 * n, 200, round((own + refused) / 6)] for n in range(6)],
            "requests": 1200, "errors": own + refused, "baseline_requests": 72_000, "baseline_errors": 20,
            "baseline_seconds": 3600})]


@pytest.mark.parametrize(("before", "since", "answer", "expected"), [
    ((500, 0), (0, 700), "not_helped", RemedyStatus.VERIFIED),   # Its own failures went, another fault came.
    ((500, 0), (5, 700), "not_helped", RemedyStatus.VERIFIED),
    ((500, 0), (0, 700), "worse", None),                         # What runs now may fail in any way.
    ((500, 0), (400, 0), "not_helped", None),                    # They go on.
    ((500, 0), (0, 1195), "not_helped", None),                   # Too few got as far as to fail by themselves.
    ((0, 700), (0, 700), "not_helped", None)])                   # They were never there.
def test_a_rollback_is_judged_by_the_requests_that_failed_in_no_call(
        service: Service, before: tuple[float, float], since: tuple[float, float], answer: Any,
        expected: RemedyStatus | None) -> None:
    rollback = Remedy(1, "rollback", RemedyStatus.APPLIED, "payment-gateway", "code_bug", "bad_release", "own",
                      applied_at=iso(APPLIED))
    looks, newest = requests(APPLIED - 4, *before), requests(NOW - 1, *since)
    found = verdict(service, rollback, Progress(answer, "", 0.5, None), Evidence([*looks, *newest]), Evidence(newest),
                    NOW)
    assert (found.status if found else None) == expected


WRONG_PASSWORD = 'password authentication failed for user "payments"'
TAKEN = "FATAL: sorry, too many clients already"


def is_hidden(service: Service, before: dict[str, float], since: dict[str, float], mechanism: str, **more: Any) -> bool:
    looks = [calls(APPLIED - 4, before), calls(NOW - 1, since, **more)]
    return effect_is_hidden(service, remedy(mechanism), Evidence(looks))


@pytest.mark.parametrize(("since", "found"), [
    ({REFUSED: 1200}, True), ({REFUSED: 1195}, True),
    # Some calls come as far as the password, and say what became of it.
    ({REFUSED: 900}, False), ({REFUSED: 600, WRONG_PASSWORD: 600}, False), ({WRONG_PASSWORD: 1200}, False),
    # What fails later than the password shows that it is right.
    ({FULL: 1200}, False)])
def test_calls_that_fail_before_the_password_hide_whether_it_is_right_now(
        service: Service, since: dict[str, float], found: bool) -> None:
    assert is_hidden(service, {WRONG_PASSWORD: 900, REFUSED: 200}, since, "rejected_credentials") is found


def test_a_few_calls_that_come_through_do_not_tell_unless_they_fail_as_before(service: Service) -> None:
    """Some get one of the connections that others have left."""
    few = {WRONG_PASSWORD: 13.0}
    looks = [calls(APPLIED - 4, few, requests=59), calls(NOW - 1, {TAKEN: 171}, requests=191),
             # The newest look says that calls fail, and not how.
             replace(calls(NOW, {}, requests=193), detail=Calls(callees={"payments-db": Callee(193, 172)}))]
    of = remedy("rejected_credentials")
    assert effect_is_hidden(service, of, Evidence(looks))
    assert not effect_is_hidden(service, of, Evidence([looks[0], calls(NOW, {TAKEN: 171, WRONG_PASSWORD: 18},
                                                                       requests=191)]))


def test_nothing_is_hidden_where_nobody_calls_or_the_kind_was_not_seen_before(service: Service) -> None:
    assert not is_hidden(service, {WRONG_PASSWORD: 900}, {}, "rejected_credentials", requests=0)
    assert not is_hidden(service, {REFUSED: 1100}, {REFUSED: 1200}, "rejected_credentials")
