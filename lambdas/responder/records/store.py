"""A table of items by partition and sort key: reads, conditional writes, and masking of texts that people read.

Items are plain JSON here, as DynamoDB keeps them; ``row`` and ``rows`` give them their types.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from responder.clients import aws
from responder.model.codec import Json, decode
from responder.model.item import plain as without_keys
from responder.model.item import sort_key
from responder.model.masking import mask_all
from responder.model.plain_json import whole
from responder.records.form import formed, plain

KEPT_DAYS = 400
"""Longer than a year, so that an incident can be compared with the same season before."""
ITEM_CHARACTERS = 300_000
"""Bytes of ASCII JSON in one item, with room for its other attributes; DynamoDB's limit is 400 kB an item."""
Item = dict[str, Json]
T = TypeVar("T")
_PK_BYTES, _SK_BYTES = 2048, 1024
_TOGETHER = 10
"""Items in a transaction: so many of the largest have room in one."""
_FORMED = ("Item", "Key", "ExpressionAttributeValues")


class Store:
    """The table, for one function."""

    def __init__(self, table: str, client: Any = None) -> None:
        self._table = table
        self._client = client or aws.client("dynamodb")

    def item(self, pk: str, sk: str) -> Item | None:
        """Return one item, None where there is none."""
        if not _is_key(pk, sk):
            return None
        answer = self._client.get_item(**self._request(Key={"pk": pk, "sk": sk}), ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None

    def row(self, kind: type[T], pk: str, sk: str) -> T | None:
        """Return one item as ``kind``, None where there is none; raises Malformed."""
        item = self.item(pk, sk)
        return _row(kind, item) if item else None

    def rows(self, kind: type[T], pk: str, first: str = " ", last: str = "~") -> Iterator[T]:
        """Yield the items of a partition as ``kind``, in the order of their sort keys; raises Malformed."""
        return (_row(kind, item) for item in self.partition(pk, first, last))

    def partition(self, pk: str, first: str = " ", last: str = "~") -> list[Item]:
        """Return the items of a partition whose sort keys lie between two, in their order."""
        items: list[Item] = []
        if not _is_key(pk, last):
            return items
        arguments = self._request(
            ConsistentRead=True, KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": pk, ":first": first, ":last": last})
        while True:
            answer = self._client.query(**arguments)
            items += [plain(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return items
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def first(self, pk: str, first: str, last: str) -> Item | None:
        """Return the first item of a partition whose sort key lies between two, None where there is none."""
        found = self._client.query(**self._request(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last", Limit=1,
            ExpressionAttributeValues={":pk": pk, ":first": first, ":last": last}))["Items"]
        return plain(found[0]) if found else None

    def sort_keys(self, pk: str) -> tuple[str, ...]:
        """Return the sort keys of a partition, in their order."""
        return tuple(sort_key(item) for item in self.partition(pk))

    def put_once(self, item: Item) -> bool:
        """Write an item, masked, unless it exists; False where it exists."""
        return self.put_exact(_masked(item))

    def put_all_once(self, items: Sequence[Item]) -> None:
        """Write items, masked, each unless it exists.

        They are written together, by one request for ten; where that is refused, as when one of them exists, one after
        the other. DynamoDB takes 4 MB at once (AWS: "TransactWriteItems").
        """
        for first in range(0, len(items), _TOGETHER):
            some = [_masked(item) for item in items[first:first + _TOGETHER]]
            try:
                self._client.transact_write_items(TransactItems=[{"Put": self._request(
                    Item=self._kept(item), ConditionExpression="attribute_not_exists(pk)")} for item in some])
            except self._client.exceptions.TransactionCanceledException:
                for item in some:
                    self.put_exact(item)

    def put_exact(self, item: Item) -> bool:
        """Write an item unmasked, unless it exists; False where it exists. The caller must mask it as needed."""
        try:
            self._client.put_item(**self._request(Item=self._kept(item)),
                                  ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def put(self, item: Item, kept_days: int | None = None) -> None:
        """Write an item that belongs to no incident, replacing an older one; the caller has masked it."""
        self._client.put_item(**self._request(Item=item if kept_days is None else self._kept(item, kept_days)))

    def delete(self, pk: str, sk: str) -> None:
        """Delete an item that belongs to no incident."""
        self._client.delete_item(**self._request(Key={"pk": pk, "sk": sk}))

    def change(self, key: Item, expression: str, condition: str, values: Item) -> bool:
        """Change an item on a condition; False where it does not hold. ``#token`` stands for the attribute token."""
        names = {"ExpressionAttributeNames": {"#token": "token"}} if "#token" in expression else {}
        try:
            self._client.update_item(**self._request(
                Key=key, UpdateExpression=expression, ConditionExpression=condition, ExpressionAttributeValues=values),
                **names)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _set(self, pk: str, sk: str, values: Item, exact: Item | None = None,
             condition: str = "attribute_exists(pk)") -> None:
        """Set attributes of an existing item: ``values`` masked, ``exact`` unmasked."""
        told = {name: mask_all(value) for name, value in values.items()} | (exact or {})
        self._client.update_item(**self._request(
            Key={"pk": pk, "sk": sk},
            UpdateExpression="SET " + ", ".join(f"#{index} = :{index}" for index in range(len(told))),
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{index}": name for index, name in enumerate(told)},
            ExpressionAttributeValues={f":{index}": value for index, value in enumerate(told.values())}))

    def _request(self, **arguments: Any) -> Item:
        """Return a request's arguments for this table, with items, keys and values in DynamoDB's own form."""
        return {"TableName": self._table, **{
            name: formed(value) if name in _FORMED else value for name, value in arguments.items()}}

    def _kept(self, item: Item, days: int = KEPT_DAYS) -> Item:
        return item | {"expires": int(time.time()) + days * 86400}


def _masked(item: Item) -> Item:
    """Return an item masked, but for its keys."""
    keys = {key: item[key] for key in ("pk", "sk")}
    return keys | {key: mask_all(value) for key, value in item.items() if key not in keys}


def _is_key(pk: str, sk: str) -> bool:
    """Whether an item may have these keys: people name incidents, and DynamoDB refuses others with an error.

    Source: the DynamoDB Developer Guide's page "Quotas in Amazon DynamoDB".
    """
    return 0 < len(whole(pk).encode()) <= _PK_BYTES and 0 < len(whole(sk).encode()) <= _SK_BYTES


def _row(kind: type[T], item: Item) -> T:
    return decode(kind, without_keys(item), sort_key(item))
