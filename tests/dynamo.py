"""A table of DynamoDB in memory, for tests and benches with thousands of calls, where moto takes minutes.

What the records use of the API and no more: whatever else is asked for raises. One call at a time, as each is atomic
there too; ``bench/bed/contended.py`` adds what many at once may meet. Sources: the DynamoDB Developer Guide's pages
"Condition and filter expressions, operators, and functions" and "Using update expressions in DynamoDB"; an item has
400 KB at most ("Quotas in Amazon DynamoDB").
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from responder.records.form import formed, plain

ITEM_BYTES = 400_000
Item = dict[str, Any]
_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),+-]|[#:]?\w+)")
_MISSING = object()
_COMPARED = ("=", "<>", "<", ">", "<=", ">=")


class Failed(ClientError):  # type: ignore[misc]  # botocore has no types
    """The condition does not hold."""


class Canceled(ClientError):  # type: ignore[misc]  # botocore has no types
    """A condition of a transaction does not hold."""


class _Exceptions:
    ConditionalCheckFailedException = Failed
    TransactionCanceledException = Canceled


class Dynamo:
    """The client of one table; answers as botocore's."""

    exceptions = _Exceptions

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each operation was called, by the beginning of the partition key."""
        self.before: Callable[[str, str], None] = lambda operation, partition: None
        """Called before each call with its operation and its partition; it may raise."""
        self._lock = threading.RLock()

    def get_item(self, *, Key: Item, ProjectionExpression: str = "", **_: Any) -> Item:  # noqa: N803 - boto3's names
        key = self._begin("get_item", Key)
        found = copy.deepcopy(self.items.get(key))
        if found is None:
            return {}
        names = [name.strip() for name in ProjectionExpression.split(",") if name.strip()] or list(found)
        return {"Item": formed({name: found[name] for name in names if name in found})}

    def query(self, *, ExpressionAttributeValues: Item, KeyConditionExpression: str, Limit: int = 10**9,  # noqa: N803
              **_: Any) -> Item:
        assert KeyConditionExpression == "pk = :pk AND sk BETWEEN :first AND :last"
        given = plain(ExpressionAttributeValues)
        self._begin("query", {"pk": {"S": given[":pk"]}, "sk": {"S": ""}})
        found = sorted(key for key in self.items if key[0] == given[":pk"]
                       and given[":first"] <= key[1] <= given[":last"])
        return {"Items": [formed(self.items[key]) for key in found[:Limit]]}

    def put_item(self, *, Item: Item, **more: Any) -> Item:  # noqa: N803
        with self._lock:
            self._begin("put_item", Item)
            self._check(Item, more)
            self._keep(plain(Item))
        return {}

    def delete_item(self, *, Key: Item, **more: Any) -> Item:  # noqa: N803
        with self._lock:
            key = self._begin("delete_item", Key)
            self._check(Key, more)
            self.items.pop(key, None)
        return {}

    def update_item(self, *, Key: Item, UpdateExpression: str, ReturnValues: str = "", **more: Any) -> Item:  # noqa: N803
        with self._lock:
            self._begin("update_item", Key)
            self._check(Key, more)
            before = self.items.get((Key["pk"]["S"], Key["sk"]["S"]), {})
            after = self._updated(Key, UpdateExpression, more)
        assert ReturnValues in ("", "UPDATED_NEW"), ReturnValues
        changed = {name: value for name, value in after.items() if name not in Key and before.get(name) != value}
        return {"Attributes": formed(changed)} if ReturnValues else {}

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:  # noqa: N803
        with self._lock:
            requests = [next(iter(item.items())) for item in TransactItems]
            reasons = []
            for _, request in requests:
                self._begin("transact_write_items", request.get("Key") or request["Item"])
                reasons.append("None" if self._holds(request.get("Key") or request["Item"], request)
                               else "ConditionalCheckFailed")
            if set(reasons) != {"None"}:
                raise Canceled({"Error": {"Code": "TransactionCanceledException"}}, "TransactWriteItems")
            for kind, request in requests:
                if kind == "Put":
                    self._keep(plain(request["Item"]))
                elif kind == "Update":
                    self._updated(request["Key"], request["UpdateExpression"], request)
                else:
                    assert kind == "ConditionCheck", kind
        return {}

    def _begin(self, operation: str, item: Item) -> tuple[str, str]:
        key = item["pk"]["S"], item["sk"]["S"]
        self.before(operation, key[0])
        self.calls[operation, key[0].partition("#")[0]] += 1
        return key

    def _keep(self, item: Item) -> None:
        if len(json.dumps(item, default=str).encode()) > ITEM_BYTES:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Item size"}}, "PutItem")
        self.items[item["pk"], item["sk"]] = item

    def _check(self, key: Item, request: Mapping[str, Any]) -> None:
        if not self._holds(key, request):
            raise Failed({"Error": {"Code": "ConditionalCheckFailedException"}}, "Write")

    def _holds(self, key: Item, request: Mapping[str, Any]) -> bool:
        item = self.items.get((key["pk"]["S"], key["sk"]["S"]), {})
        text = request.get("ConditionExpression", "")
        if not text:
            return True
        parser = _Parser(text, item, request)
        found = parser.either()
        assert not parser.tokens, f"what is {parser.tokens}?"
        return found

    def _updated(self, key: Item, expression: str, request: Mapping[str, Any]) -> Item:
        before = self.items.get((key["pk"]["S"], key["sk"]["S"]), plain(key))
        after = copy.deepcopy(before)
        parser = _Parser(expression, before, request)
        clause = ""
        while parser.tokens:
            if parser.tokens[0] in ("SET", "ADD", "REMOVE"):
                clause = parser.take()
            name = parser.name()
            if clause == "SET":
                parser.take("=")
                after[name] = parser.sum()
            elif clause == "ADD":
                after[name] = before.get(name, 0) + parser.operand()
            else:
                after.pop(name, None)
            if parser.tokens[:1] == [","]:
                parser.take()
        self._keep(after)
        return after


class _Parser:
    """Reads one expression, of the item as it was before."""

    def __init__(self, text: str, item: Item, request: Mapping[str, Any]) -> None:
        self._text = text
        self.tokens: list[str] = _TOKEN.findall(text)
        self._item, self._names = item, request.get("ExpressionAttributeNames") or {}
        self._values = plain(request.get("ExpressionAttributeValues") or {})

    def take(self, expected: str = "") -> str:
        token = self.tokens.pop(0)
        assert expected in ("", token), f"{expected} expected, and not {token}"
        return token

    def name(self) -> str:
        token = self.take()
        return str(self._names[token]) if token.startswith("#") else token

    def either(self) -> bool:
        found = self._all()
        while self.tokens[:1] == ["OR"]:
            self.take()
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self.tokens[:1] == ["AND"]:
            self.take()
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self.tokens[0] == "(":
            self.take()
            found = self.either()
            self.take(")")
            return found
        if self.tokens[0] in ("attribute_exists", "attribute_not_exists"):
            wanted = self.take() == "attribute_exists"
            self.take("(")
            found = (self.name() in self._item) is wanted
            self.take(")")
            return found
        left, how = self.operand(), self.take()
        if how not in _COMPARED:
            raise NotImplementedError(f"the condition {self._text}")
        right = self.operand()
        if _MISSING in (left, right) or isinstance(left, str) is not isinstance(right, str):
            return how == "<>"
        return bool({"=": left == right, "<>": left != right}[how] if how in ("=", "<>") else {
            "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[how])

    def sum(self) -> Any:
        found = self.operand()
        while self.tokens[:1] in (["+"], ["-"]):
            sign = 1 if self.take() == "+" else -1
            found += sign * self.operand()
        return found

    def operand(self) -> Any:
        if self.tokens[0] in ("if_not_exists", "list_append"):
            function = self.take()
            self.take("(")
            first = self.operand()
            self.take(",")
            second = self.operand()
            self.take(")")
            if function == "list_append":
                return [*first, *second]
            return second if first is _MISSING else first
        if self.tokens[0].startswith(":"):
            return self._values[self.take()]
        return self._item.get(self.name(), _MISSING)
