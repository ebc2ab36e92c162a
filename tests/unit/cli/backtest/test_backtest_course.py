"""Over the answers that the sources gave then, a backtest decides what was decided live."""

from __future__ import annotations

import pytest

from cli.backtest.outcome import Case
from cli.backtest.truth import differences
from tests.unit.cli.backtest.playing import both

SAME = ["bad-release", "provider-outage", "false-alarm", "db-connections-exhausted", "db-failover", "db-storage-full",
        "gateway-egress-denied", "bad-config-timeout", "traffic-surge", "flash-sale", "observed-release",
        "approval-refused", "provider-down-says-operational", "database-rule-revoked", "gateway-pods-hang",
        "two-causes-policy-and-deaf-database"]


@pytest.mark.parametrize("name", SAME)
def test_the_decisions_are_those_that_were_made_live(name: str) -> None:
    past, live = both(name)
    assert list(differences(past, live)) == []
    assert past.votes and {vote.source: vote.vote for vote in past.votes} == {
        vote.source: vote.vote for vote in live.votes}


def test_a_false_alarm_wakes_nobody_and_looks_for_no_cause() -> None:
    past, _ = both("false-alarm")
    assert (past.answer, past.cause, past.remedies) == ("false_alarm", "", ())
    assert past.ending == "nobody would have been woken"


def test_what_was_observed_is_told_as_the_policy_would_have_it() -> None:
    past, live = both("observed-release")
    assert [(one.action, one.ruling) for one in live.remedies] == [("rollback", "run")]
    assert past.remedies[0].ruling == "run"


def test_a_remedy_that_its_own_check_refused_live_is_no_difference() -> None:
    """Of a past time the live state is not known, so its own check cannot be made."""
    past, live = both("surge-under-quota")
    assert live.remedies[0].guardrail == "precondition"
    assert (past.remedies[0].ruling, live.remedies[0].ruling) == ("run", "refuse")
    assert list(differences(past, live)) == []


def test_times_after_the_alarm_grow_with_each_step() -> None:
    past, _ = both("bad-release")
    assert past.decided_after_seconds is not None and past.cause_after_seconds is not None
    assert 0 < past.decided_after_seconds < past.cause_after_seconds


def test_a_case_says_what_differs() -> None:
    past, live = both("provider-outage")
    other = Case(live.moment, "observed", "inconclusive", ())
    said = list(differences(past, other))
    assert said[0] == "confirmed: confirmed here, inconclusive there"
    assert any(one.startswith("cause: ") and one.endswith("not looked for there") for one in said)
    assert any(one.startswith("remedies: switch_provider of payment-gateway (run)") and one.endswith("none there")
               for one in said)
