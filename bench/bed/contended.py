"""A DynamoDB table in memory, for many threads at once: conditions, transactions, and their conflicts.

It knows the operations and expressions by which an incident is opened, and refuses any other. What it keeps to
(Amazon DynamoDB API reference and developer guide: "TransactWriteItems", "Amazon DynamoDB Transactions: How it works"):
a transaction is written whole or not at all; a condition that does not hold cancels it; so does another transaction
that is under way on one of its items, and a single write then meets TransactionConflictException.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from botocore.exceptions import ClientError

Form = dict[str, Any]
_Key = tuple[str, str]
_CONDITION = re.compile(r"(?P<exists>attribute_exists|attribute_not_exists)\(pk\)|(?P<name>\w+) < (?P<value>:\w+)")


class ConditionalCheckFailed(ClientError):  # type: ignore[misc]  # botocore has no types
    """A condition did not hold."""


class _Exceptions:
    ConditionalCheckFailedException: ClassVar[type[ClientError]] = ConditionalCheckFailed


class Contended:
    """The client of one table. ``latency_seconds``: the longest that a call takes on its way, by chance."""

    exceptions = _Exceptions()

    def __init__(self, seed: int, latency_seconds: float = 0.0) -> None:
        self._items: dict[_Key, Form] = {}
        self._under_way: set[_Key] = set()
        self._lock, self._latency, self._random = threading.Lock(), latency_seconds, random.Random(seed)
        self.calls, self.conflicts = 0, 0

    def get_item(self, **asked: Any) -> Form:
        """See AWS's page "GetItem"."""
        self._travel()
        with self._lock:
            item = self._items.get(_key(asked["Key"]))
            return {"Item": dict(item)} if item else {}

    def put_item(self, **asked: Any) -> Form:
        """See AWS's page "PutItem"."""
        self._travel()
        key = _key(asked["Item"])
        with self._lock:
            if key in self._under_way:
                self.conflicts += 1
                raise _error("TransactionConflictException", "PutItem")
            if not self._holds(key, asked):
                raise ConditionalCheckFailed({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
            self._items[key] = dict(asked["Item"])
        return {}

    def transact_write_items(self, **asked: Any) -> Form:
        """See AWS's page "TransactWriteItems"."""
        self._travel()
        parts = [(kind, request) for item in asked["TransactItems"] for kind, request in item.items()]
        keys = {_key(request.get("Item") or request["Key"]) for _, request in parts}
        with self._prepared(keys, parts):
            # Prepared; it commits a little later, and meanwhile nobody else may write these items.
            self._travel()
            with self._lock:
                for kind, request in parts:
                    if kind == "Put":
                        self._items[_key(request["Item"])] = dict(request["Item"])
                    elif kind != "ConditionCheck":
                        raise NotImplementedError(f"{kind} in a transaction")
        return {}

    @contextmanager
    def _prepared(self, keys: set[_Key], parts: list[tuple[str, Form]]) -> Iterator[None]:
        """Hold the items of a transaction; raises ClientError where another does, or a condition does not hold."""
        with self._lock:
            busy = bool(keys & self._under_way)
            self.conflicts += busy
            if busy or not all(self._holds(_key(request.get("Item") or request["Key"]), request)
                               for _, request in parts):
                raise _error("TransactionCanceledException", "TransactWriteItems")
            self._under_way |= keys
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= keys

    def _travel(self) -> None:
        with self._lock:
            self.calls += 1
            seconds = self._random.random() * self._latency
        if seconds:
            time.sleep(seconds)

    def _holds(self, key: _Key, request: Mapping[str, Any]) -> bool:
        condition = request.get("ConditionExpression", "")
        return not condition or any(self._one(key, part, request) for part in condition.split(" OR "))

    def _one(self, key: _Key, condition: str, request: Mapping[str, Any]) -> bool:
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise NotImplementedError(f"the condition {condition}")
        item = self._items.get(key)
        if found["exists"]:
            return (item is not None) is (found["exists"] == "attribute_exists")
        has = (item or {}).get(found["name"])
        return has is not None and _value(has) < _value(request["ExpressionAttributeValues"][found["value"]])


def _key(form: Mapping[str, Any]) -> _Key:
    return form["pk"]["S"], form["sk"]["S"]


def _value(form: Mapping[str, str]) -> Any:
    (kind, value), = form.items()
    return float(value) if kind == "N" else value


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
