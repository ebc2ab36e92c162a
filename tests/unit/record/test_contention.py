"""Many open one service's incident at once: one wins, the others join it, whatever meets whatever in the table."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bench.at_once import contend
from bench.bed.contended import Contended
from responder.model.incident import Signal
from responder.records.incidents import Incidents
from tests.conftest import timeline_in_aws

AT = "2026-11-26T10:00:00.000Z"


@pytest.mark.parametrize("latency_seconds", [0.0, 0.003])
def test_exactly_one_of_many_opens_the_incident_and_all_are_told_of_it(latency_seconds: float) -> None:
    rounds, table, _ = contend(5, 24, latency_seconds)
    assert {(one.winners, one.incidents, one.failed) for one in rounds} == {(1, 1, 0)}
    assert latency_seconds == 0.0 or table.conflicts


def course(incidents: Any) -> list[Any]:
    """Open, join, expire by time and take over: what each call answers."""
    def opened(service: str, name: str, lease: float = 1500.0) -> Any:
        found = incidents.open(service, name, f"e-{name}", AT, Signal(AT, "alarm", name, name), lease_seconds=lease)
        return found.incident, found.new, found.reopened

    said = [opened("a", "i1"), opened("a", "i2"), opened("b", "i3"), opened("a", "i1"), opened("b", "i4")]
    return [*said, incidents.lock("a").execution, incidents.lock("c"), incidents.last_closed("a")]


def test_the_table_in_memory_answers_as_the_stand_in_of_aws_does() -> None:
    with mock_aws():
        real = course(timeline_in_aws())
    assert course(Incidents("timeline", Contended(1))) == real


def test_whoever_meets_a_transaction_that_is_under_way_on_the_item_writes_nothing() -> None:
    table, item = Contended(2), {"pk": {"S": "SERVICE#a"}, "sk": {"S": "OPEN"}}
    with table._prepared({("SERVICE#a", "OPEN")}, []):
        with pytest.raises(ClientError, match="TransactionConflictException"):
            table.put_item(Item=item)
        with pytest.raises(ClientError, match="TransactionCanceledException"):
            table.transact_write_items(TransactItems=[{"Put": {"Item": item}}])
        assert table.get_item(Key=item) == {}
    table.transact_write_items(TransactItems=[{"Put": {"Item": item}}])
    assert table.get_item(Key=item) == {"Item": item} and table.conflicts == 2


def test_what_it_does_not_know_is_refused_and_not_taken_for_true() -> None:
    with pytest.raises(NotImplementedError, match="size"):
        Contended(3).put_item(Item={"pk": {"S": "a"}, "sk": {"S": "b"}}, ConditionExpression="size(a) < :n")
