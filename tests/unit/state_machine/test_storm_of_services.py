"""Twenty services of one account fail within a minute by one database: twenty incidents, within the vendors' limits."""

from __future__ import annotations

import pytest

from bench import storms
from bench.bed import storm as bed
from responder.model.facts import Linked


@pytest.fixture(scope="module")
def found() -> bed.Storm:
    return bed.storm(20, together=True)


def test_each_is_an_incident_that_names_the_database(found: bed.Storm) -> None:
    assert len(found.records) == 20 == found.named("database_connection")
    assert len({record.incident.service for record in found.records}) == 20


def test_what_is_the_same_for_all_is_asked_a_few_times(found: bed.Storm) -> None:
    # An answer counts for ten seconds, so in a minute there are seven or so; of CloudTrail one more is asked ahead.
    assert len(found.calls["RDS Describe calls"]) <= 2 * 9
    assert len(found.calls["CloudTrail LookupEvents"]) <= 4 * 10
    assert found.looks["rds"] == found.looks["cloudtrail"] == 20
    said = [entry.why for record in found.records for entry in record.timeline if "by other incidents" in entry.what]
    assert len(said) >= 8 and any("rds was asked for at" in why for why in said)


def test_no_vendor_is_asked_more_than_its_limit(found: bed.Storm) -> None:
    measured = list(storms._calls(found, found))
    assert len(measured) >= 8 and [row.what for row in measured if not row.met] == []


def test_each_team_is_woken_once(found: bed.Storm) -> None:
    assert {team for team, _ in found.woken} == {f"team-{number}" for number in range(bed.TEAMS)}
    assert len(found.woken) == bed.TEAMS


def test_the_first_that_names_the_database_leads_all_others(found: bed.Storm) -> None:
    leading = {fact.incident for record in found.records for _, fact in record.facts(Linked) if fact.leads}
    assert len(leading) == 1 and found.linked() == 19
    first, = (record for record in found.records if record.incident.id in leading)
    assert len({fact.service for _, fact in first.facts(Linked)}) == 19
