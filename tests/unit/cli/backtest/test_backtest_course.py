"""Over the answers that the sources gave then, a backtest decides what was decided live."""

from __future__ import annotations

import pytest

from bench.past import both as without_the_present
from cli.backtest import truth
from cli.backtest.outcome import Case, Report
from cli.backtest.text import row
from cli.backtest.truth import differences
from responder.model.moment import seconds
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


@pytest.mark.parametrize("name", ["bad-config-timeout", "provider-slow", "provider-outage", "db-storage-full",
                                  "gateway-pods-hang", "false-alarm"])
def test_without_what_only_the_present_can_tell_no_other_cause_is_named(name: str) -> None:
    """How often that holds for all recorded drills, ``bench/past.py`` says."""
    past, live = without_the_present(name)
    assert past.answer == live.answer
    assert past.named in ("", live.named)


def test_a_cause_that_is_not_sure_enough_is_told_as_the_likeliest_and_is_less_sure_than_live() -> None:
    past, live = without_the_present("provider-slow")
    assert not past.named and past.likeliest == live.named == "provider_outage (provider fails) in payment-gateway"
    here, there = (Report("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", "backtest", (case,)) for case in (past, live))
    (compared,) = truth.beside(here, there)
    assert compared.verdict == "less sure" and "is the likeliest here" in compared.detail
    happened = truth.Happened(seconds(live.moment.at), "provider_fails")
    (judged,) = truth.with_truth([past], [happened])
    assert judged.verdict == "less sure" and past.likeliest in judged.detail
    assert f"not named (likeliest: {past.likeliest}" in " ".join(row(past))


def test_a_case_says_what_differs() -> None:
    past, live = both("provider-outage")
    other = Case(live.moment, "observed", "inconclusive", ())
    said = list(differences(past, other))
    assert said[0] == "confirmed: confirmed here, inconclusive there"
    assert any(one.startswith("cause: ") and one.endswith("not looked for there") for one in said)
    assert any(one.startswith("remedies: switch_provider of payment-gateway (run)") and one.endswith("none there")
               for one in said)
