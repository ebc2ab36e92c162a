"""The table in memory of ``tests/dynamo.py`` for many threads at once: calls take time, and transactions meet.

What it keeps to (Amazon DynamoDB API reference and developer guide: "TransactWriteItems", "Amazon DynamoDB
Transactions: How it works"): a transaction is cancelled by another one that is under way on one of its items, and a
single write then meets TransactionConflictException.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from tests.dynamo import Dynamo

Form = dict[str, Any]
_Key = tuple[str, str]


class Contended(Dynamo):
    """The client of one table. ``latency_seconds``: the longest that a call takes on its way, by chance."""

    def __init__(self, seed: int, latency_seconds: float = 0.0) -> None:
        super().__init__()
        self._under_way: set[_Key] = set()
        self._requests, self._latency, self._random = threading.Lock(), latency_seconds, random.Random(seed)
        self.requests, self.conflicts = 0, 0

    def get_item(self, **asked: Any) -> Form:
        """See AWS's page "GetItem"."""
        self._travel()
        return super().get_item(**asked)

    def put_item(self, **asked: Any) -> Form:
        """See AWS's page "PutItem"."""
        self._travel()
        with self._alone(_key(asked["Item"]), "PutItem"):
            return super().put_item(**asked)

    def update_item(self, **asked: Any) -> Form:
        """See AWS's page "UpdateItem"."""
        self._travel()
        with self._alone(_key(asked["Key"]), "UpdateItem"):
            return super().update_item(**asked)

    def transact_write_items(self, **asked: Any) -> Form:
        """See AWS's page "TransactWriteItems"."""
        self._travel()
        parts = [request for item in asked["TransactItems"] for request in item.values()]
        with self._prepared({_key(_about(request)) for request in parts}, parts):
            # Prepared; it commits a little later, and meanwhile nobody else may write these items.
            self._travel()
            return super().transact_write_items(**asked)

    @contextmanager
    def _alone(self, key: _Key, operation: str) -> Iterator[None]:
        """Hold the table for a single write; raises ClientError where a transaction is under way on its item."""
        with self._lock:
            if key in self._under_way:
                self.conflicts += 1
                raise _error("TransactionConflictException", operation)
            yield

    @contextmanager
    def _prepared(self, keys: set[_Key], parts: list[Form]) -> Iterator[None]:
        """Hold the items of a transaction; raises ClientError where another does, or a condition does not hold."""
        with self._lock:
            busy = bool(keys & self._under_way)
            self.conflicts += busy
            if busy or not all(self._holds(_about(request), request) for request in parts):
                raise _error("TransactionCanceledException", "TransactWriteItems")
            self._under_way |= keys
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= keys

    def _travel(self) -> None:
        with self._requests:
            self.requests += 1
            seconds = self._random.random() * self._latency
        if seconds:
            time.sleep(seconds)


def _about(request: Mapping[str, Any]) -> Form:
    found: Form = request.get("Key") or request["Item"]
    return found


def _key(form: Mapping[str, Any]) -> _Key:
    return form["pk"]["S"], form["sk"]["S"]


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
