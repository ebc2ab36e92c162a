"""The budgets of the sources: one queue for each vendor's limit, across all functions and incidents.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `BUDGET#source#scope` | `FREE` | when the calls taken so far will have used up their time (seconds since 1970) |

A look takes its place in the queue by one conditional UpdateItem, and knows by it how long to wait: nobody polls. It
is the generic cell rate algorithm (ITU-T I.371), whose only state is one moment.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar

from responder.model.codec import Foreign, decode, decode_known
from responder.model.frozen import dataclass
from responder.records.form import plain
from responder.records.store import Item, Store

_KEPT_SECONDS = 86_400
_MOST_CHARACTERS = 500
"""Of a scope, which may be an address; a partition key has 2,048 bytes at most."""


@dataclass(frozen=True)
class _Updated(Foreign):
    """DynamoDB's answer to an update, with the values that it set."""

    KEYS: ClassVar[Mapping[str, str]] = {"attributes": "Attributes"}
    attributes: Item = field(default_factory=dict)


@dataclass(frozen=True)
class _Free:
    """The queue."""

    free_at: float
    """Seconds since 1970 (UTC)."""
    expires: int = 0


class Budgets(Store):
    """The queues, for the function of one source."""

    def take(self, source: str, scope: str, cost_seconds: float, ahead_seconds: float,
             most_wait_seconds: float) -> float | None:
        """Take a place in the queue; return the seconds until its turn, or None where that is too long.

        ``cost_seconds`` is how long the budget takes to allow the calls, ``ahead_seconds`` how far calls may run ahead
        of it after a pause. A place that is too far behind is not taken.
        """
        now, key = time.time(), _key(source, scope)
        if self.change(key, "SET free_at = :until, expires = :expires", "attribute_not_exists(pk) OR free_at < :now",
                       {":until": now + cost_seconds, ":now": now, ":expires": int(now) + _KEPT_SECONDS}):
            return 0.0
        try:
            answer = self._client.update_item(**self._request(
                Key=key, UpdateExpression="SET free_at = free_at + :cost, expires = :expires",
                ConditionExpression="free_at <= :latest", ExpressionAttributeValues={
                    ":cost": cost_seconds, ":latest": now + ahead_seconds + most_wait_seconds,
                    ":expires": int(now) + _KEPT_SECONDS}), ReturnValues="UPDATED_NEW")
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        free = decode_known(_Free, plain(decode(_Updated, answer).attributes))
        return max(0.0, free.free_at - cost_seconds - ahead_seconds - now)

    def give_back(self, source: str, scope: str, cost_seconds: float) -> None:
        """Return a part of what was taken and not needed."""
        self.change(_key(source, scope), "SET free_at = free_at - :cost", "attribute_exists(pk)",
                    {":cost": cost_seconds})


def _key(source: str, scope: str) -> Item:
    return {"pk": f"BUDGET#{source}#{scope[:_MOST_CHARACTERS]}", "sk": "FREE"}
