"""The cause ``database_connection``: what is told apart by which evidence, and what follows from it."""

from __future__ import annotations

import pytest

from responder.model.change import FieldChange
from responder.model.service import Service
from responder.plan.signals import database
from tests.diagnosis import (
    EXHAUSTED,
    ONSET,
    REFUSED,
    Found,
    both,
    callee,
    calls,
    chain,
    change,
    changes,
    connections,
    database_cpu,
    error_lines,
    field,
    hypotheses,
    instance,
    judged,
    of_gateway,
    pods,
    probe,
    proposed,
    rollout,
    status_page,
    waits,
)

CUT = field(["parameters", "statement_timeout"], "30000", "3")
READ_ONLY = field(["parameters", "default_transaction_read_only"], after="1")
NAPTIME = field(["parameters", "autovacuum_naptime"], "60", "30")
TIMED_OUT = "canceling statement due to statement timeout"


def of_database(text: str, *fields: FieldChange, cpu: float = 20.0, mean_ms: float = 20.0) -> list[Found]:
    """The gateway's calls of the database fail so, and these parameters changed."""
    group = [change("DBParameterGroup", "payments-pg16", *fields)] if fields else []
    failing = calls("payment-gateway", {"api.primary.example": callee(),
                                        "payments-db": callee({text: 1590}, mean_ms=mean_ms)})
    return [*chain(failing), changes(*group), pods("payment-gateway"), instance(), connections(28.0),
            database_cpu(cpu)]


@pytest.mark.parametrize(("findings", "mechanism"), [
    (REFUSED, "refuses_connections"), (EXHAUSTED, "connections_exhausted")])
def test_a_database_that_takes_no_connection_is_restored(service: Service, findings: list[Found],
                                                         mechanism: str) -> None:
    result = judged(service, findings)
    assert (result.cause, result.mechanism) == ("database_connection", mechanism), result.summary
    assert [remedy.action for remedy in proposed(service, findings)] == ["restore_database"]


def test_the_remedy_knows_the_component_that_holds_the_connections(service: Service) -> None:
    held, = proposed(service, EXHAUSTED)
    assert held.facts.connection_holder == "ledger-export"


def test_a_remedy_that_was_tried_is_not_proposed_again(service: Service) -> None:
    assert proposed(service, REFUSED, [("restore_database", "payment-gateway")]) == ()


@pytest.mark.parametrize(("text", "changed", "mechanism"), [
    ("ERROR: cannot execute INSERT in a read-only transaction", [READ_ONLY], "database_parameters"),
    (TIMED_OUT, [CUT], "database_parameters"),
    # A parameter that waits for a reboot, only logs, or did not change at all, has broken nothing.
    (TIMED_OUT, [field(CUT.path, "30000", "3 (at the next reboot)")], ""),
    (TIMED_OUT, [field(["parameters", "log_statement"], "30000", "3")], ""),
    ("ERROR: cannot execute INSERT in a read-only transaction", [], ""),
    (TIMED_OUT, [field(CUT.path, "3 (at the next reboot)")], ""),
    # A limit that the failing calls cannot have reached did not end them.
    (TIMED_OUT, [field(CUT.path, "30000", "20000")], ""),
    # What an error says for sure, no change of another parameter explains.
    ('FATAL: password authentication failed for user "payments"', [CUT], ""),
    ("connection to server failed: Connection refused", [CUT], ""),
    (TIMED_OUT, [NAPTIME], ""),
    # An error of no known kind may come of it, and that is not enough.
    ('ERROR: relation "charges" does not exist', [NAPTIME], "perhaps")])
def test_a_parameter_group_is_suspected_where_it_changed_and_can_cause_what_fails(
        service: Service, text: str, changed: list[FieldChange], mechanism: str) -> None:
    findings = [*of_database(text, *changed), rollout(ONSET - 30)]
    result = judged(service, findings)
    assert ("database_parameters" in hypotheses(result)) is bool(mechanism)
    assert (result.mechanism == "database_parameters") is (mechanism == "database_parameters"), result.summary
    if mechanism == "database_parameters":
        remedy, = proposed(service, findings)
        assert remedy.action == "restore_parameter_group"
        assert remedy.facts.changes[0].fields == tuple(changed)


def test_only_parameters_that_can_have_caused_the_failure_are_restored(service: Service) -> None:
    quiet = field(["parameters", "log_min_duration_statement"], "-1", "100")
    remedy, = proposed(service, of_database(TIMED_OUT, quiet, CUT))
    assert remedy.facts.changes[0].fields == (CUT,)


def test_a_parameter_that_was_changed_twice_goes_back_to_its_first_value(service: Service) -> None:
    quiet = field(["parameters", "log_min_duration_statement"], "-1", "100")
    several = changes(*(change("DBParameterGroup", "payments-pg16", *fields) for fields in (
        [CUT, NAPTIME], [field(CUT.path, "3", "2")], [quiet])))
    findings = [several if finding.name == "changes" else finding for finding in of_database(TIMED_OUT, CUT)]
    remedy, = proposed(service, findings)
    assert remedy.facts.changes[0].fields == (field(CUT.path, "30000", "2"), NAPTIME)


def test_a_read_only_database_is_known_by_log_lines_alone(service: Service) -> None:
    result = judged(service, [
        *both("payment-gateway", 0.9), error_lines("ERROR LedgerWriter cannot execute INSERT in a read-only "
                                                   "transaction"),
        changes(change("DBParameterGroup", "payments-pg16", READ_ONLY)), rollout(ONSET - 30)])
    assert (result.cause, result.mechanism) == ("database_connection", "database_parameters"), result.summary


@pytest.mark.parametrize(("mean_ms", "slow"), [(20.0, False), (4500.0, True)])
def test_statements_that_end_at_once_did_not_wait_for_a_slow_database(service: Service, mean_ms: float,
                                                                     slow: bool) -> None:
    """What ended them is not known here, for the ledger did not see it."""
    result = judged(service, of_database(TIMED_OUT, mean_ms=mean_ms))
    assert ("database_calls_end_quickly" in {signal.id for signal in result.signals}) is not slow
    assert (hypotheses(result)["slow_database"].log_odds > 0) is slow
    assert slow or result.cause == "unknown"


def test_sessions_that_wait_for_locks_are_no_matter_of_a_parameter(service: Service) -> None:
    locks = waits({"Lock:transactionid": 21.0, "CPU": 1.0}, {"payment-gateway": 22.0})
    result = judged(service, [*of_database(TIMED_OUT, CUT, cpu=96.0), locks])
    assert result.mechanism != "database_parameters"
    assert {database.database_waits_for_locks.id, database.database_cpu_high.id} <= {s.id for s in result.signals}


@pytest.mark.parametrize(("host", "before", "told"), [
    ("payments-db", 144_000.0, "usual_host_called"),
    ("payments-db-2019.internal.example", 0.0, "other_host_called")])
def test_a_setting_is_wrong_only_where_the_host_is_another_than_before(service: Service, host: str, before: float,
                                                                       told: str) -> None:
    failing = callee({f'could not translate host name "{host}" to address': 1400}, requests=1400, before=before)
    found = [*both("payment-gateway", 0.9), calls("payment-gateway", {host: failing}), probe("database")]
    result = judged(service, found)
    seen = {signal.id for signal in result.signals}
    # Between us and the name stands no cluster's DNS: that we resolve it acquits the path but a little.
    assert {told, "probe_resolves"} <= seen
    assert "probe_gets_through" not in seen
    odds = hypotheses(result)
    assert (odds["path_below"].log_odds > odds["wrong_database_settings"].log_odds) is (told == "usual_host_called")


@pytest.mark.parametrize("host", ["payments-db", "payments-db-2019.internal.example"])
def test_refused_credentials_say_nothing_of_the_host(service: Service, host: str) -> None:
    refused = callee({"password authentication failed for user payments": 1400}, requests=1400, before=0.0)
    said = {signal.id for signal in judged(service, [
        *both("payment-gateway", 0.9), calls("payment-gateway", {host: refused})]).signals}
    assert not {"usual_host_called", "other_host_called"} & said


def test_another_cause_s_status_page_changes_nothing(service: Service) -> None:
    assert judged(service, [*REFUSED, status_page("critical", 3.0)]).cause == "database_connection"


def test_a_failure_of_the_database_names_its_part_of_the_calls(service: Service) -> None:
    result = judged(service, chain(of_gateway({"FATAL: sorry, too many clients already": 1590})))
    assert [(part.component, part.where) for part in result.parts] == [("payment-gateway", "database")]
