"""DynamoDB's items are taken as they came: what is read is what botocore's own walk makes of them."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from responder.clients import aws
from responder.records.form import formed, plain
from responder.records.store import Store

NUMBERS = st.integers(-10 ** 37, 10 ** 37) | st.floats(-1e15, 1e15, allow_nan=False).filter(
    lambda value: value == 0 or abs(value) > 1e-100)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=12)
ITEMS = st.lists(st.dictionaries(st.text(min_size=1), VALUES, max_size=4), max_size=3)


class Wire(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Any:
        """Yield all of it."""
        yield self.read()


def answering(client: Any, body: bytes, status: int = 200) -> Any:
    """Let a client get this answer to whatever it asks next."""
    client.meta.events.register_first("before-send.dynamodb", lambda **_: AWSResponse(
        "https://dynamodb", status, {"x-amzn-requestid": "R"}, Wire(body)), unique_id="answer")
    return client


def clients(body: bytes, status: int = 200) -> tuple[Any, Any]:
    """The client that is deployed, and boto3's own, that get the same answer."""
    return (answering(aws.made.__wrapped__("dynamodb", region="us-east-1", attempts=1), body, status),
            answering(boto3.Session("none", "none", region_name="us-east-1").client("dynamodb"), body, status))


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")


QUERY = {"TableName": "t", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "x"}}}


def test_an_item_is_read_as_it_was_written_and_as_botocore_reads_it() -> None:
    ours, botocores = clients(b"{}")

    @given(ITEMS)
    def same(items: list[dict[str, Any]]) -> None:
        body = json.dumps({"Items": [formed(item) for item in items], "Count": len(items), "ScannedCount": 0}).encode()
        for client in (ours, botocores):
            client.meta.events.unregister("before-send.dynamodb", unique_id="answer")
            answering(client, body)
        found = ours.query(**QUERY)
        assert [plain(item) for item in found.pop("Items")] == [
            plain(item) for item in botocores.query(**QUERY)["Items"]] == items
        assert found["Count"] == len(items)
        assert found["ResponseMetadata"]["RequestId"] == "R"

    same()


def test_an_item_is_not_walked_through() -> None:
    """By bytes, which alone would be something else after botocore's walk; none of ours are kept."""
    ours, botocores = clients(json.dumps({"Items": [{"b": {"B": "AAEC"}}]}).encode())
    assert ours.query(**QUERY)["Items"] == [{"b": {"B": "AAEC"}}]
    assert botocores.query(**QUERY)["Items"] == [{"b": {"B": b"\x00\x01\x02"}}]


def test_a_refusal_is_told_as_botocore_tells_it() -> None:
    body = json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                       "Message": "no", "CancellationReasons": [
                           {"Code": "ConditionalCheckFailed", "Item": formed({"pk": "x", "n": 3})}]}).encode()
    told = []
    for client in clients(body, 400):
        with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
            client.transact_write_items(TransactItems=[{"Delete": {"TableName": "t", "Key": {"pk": {"S": "x"}}}}])
        told.append({key: refused.value.response[key] for key in ("Error", "CancellationReasons")})
    assert told[0] == told[1]
    assert plain(told[0]["CancellationReasons"][0]["Item"]) == {"pk": "x", "n": 3}


@pytest.mark.parametrize("body", [
    b"<html>busy</html>", b'{"Items": [', b"[]", b"7", b"null", b'{"Items": [{"a": 7}]}',
    b'{"Items": [{"a": {"M": {"b": "c"}}}]}', b'{"Items": [{"a": {"S": "b", "N": "1"}}]}'])
def test_what_is_no_item_is_an_error_and_never_an_empty_answer(body: bytes) -> None:
    client, _ = clients(body)
    with pytest.raises((ResponseParserError, ValueError, AttributeError, TypeError)):
        Store("t", client).partition("p")
