"""A table of items by partition and sort key: read, written on condition, masked where people read it."""

from __future__ import annotations

import time
from typing import Any

from responder.clients import aws
from responder.model.masking import mask_all
from responder.records.form import formed, plain

KEPT_DAYS = 400
"""Longer than a year, so that an incident can be compared with the same season before."""
ITEM_CHARACTERS = 300_000
"""Of JSON in ASCII that an item may hold, with room for its other attributes: DynamoDB keeps 400 kB an item."""


class Store:
    """The table, for one function."""

    def __init__(self, table: str, client: Any = None) -> None:
        self._table = table
        self._client = client or aws.client("dynamodb")

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        """Return one item, None where there is none."""
        answer = self._client.get_item(TableName=self._table, Key=formed({"pk": pk, "sk": sk}), ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None

    def partition(self, pk: str, first: str = " ", last: str = "~") -> list[dict[str, Any]]:
        """Return the items of a partition whose sort keys lie between two, in their order."""
        items: list[dict[str, Any]] = []
        arguments: dict[str, Any] = {
            "TableName": self._table, "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": formed({":pk": pk, ":first": first, ":last": last})}
        while True:
            answer = self._client.query(**arguments)
            items += [plain(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return items
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put_once(self, item: dict[str, Any]) -> bool:
        """Write an item, masked, unless it is there; False where it is."""
        keys = {key: item[key] for key in ("pk", "sk")}
        return self.put_exact(keys | {key: mask_all(value) for key, value in item.items() if key not in keys})

    def put_exact(self, item: dict[str, Any]) -> bool:
        """Write an item as it is, unless it is there; False where it is. Its caller answers for what is in it."""
        try:
            self._client.put_item(TableName=self._table, Item=formed(self._kept(item)),
                                  ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def put(self, item: dict[str, Any], kept_days: int | None = None) -> None:
        """Write an item that is no incident's, over what was there; its caller has masked it."""
        self._client.put_item(TableName=self._table, Item=formed(
            item if kept_days is None else self._kept(item, kept_days)))

    def delete(self, pk: str, sk: str) -> None:
        """Delete an item that is no incident's."""
        self._client.delete_item(TableName=self._table, Key=formed({"pk": pk, "sk": sk}))

    def change(self, key: dict[str, str], expression: str, condition: str, values: dict[str, Any]) -> bool:
        """Change an item on a condition; False where it does not hold. ``#token`` stands for the attribute token."""
        names = {"#token": "token"} if "#token" in expression else {}
        try:
            self._client.update_item(
                TableName=self._table, Key=formed(key), UpdateExpression=expression, ConditionExpression=condition,
                ExpressionAttributeValues=formed(values), **({"ExpressionAttributeNames": names} if names else {}))
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _set(self, pk: str, sk: str, values: dict[str, Any], exact: dict[str, Any] | None = None,
             condition: str = "attribute_exists(pk)") -> None:
        """Set attributes of an item that is there: ``values`` masked, ``exact`` as they are."""
        told = {name: mask_all(value) for name, value in values.items()} | (exact or {})
        self._client.update_item(
            TableName=self._table, Key=formed({"pk": pk, "sk": sk}),
            UpdateExpression="SET " + ", ".join(f"#{index} = :{index}" for index in range(len(told))),
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{index}": name for index, name in enumerate(told)},
            ExpressionAttributeValues=formed({f":{index}": value for index, value in enumerate(told.values())}))

    def _kept(self, item: dict[str, Any], days: int = KEPT_DAYS) -> dict[str, Any]:
        return item | {"expires": int(time.time()) + days * 86400}
