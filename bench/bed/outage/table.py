"""DynamoDB as far as the records use it: one table, conditions and updates by their expressions, transactions.

Source: the DynamoDB API reference ("PutItem" … "TransactWriteItems") and the Developer Guide's pages "Condition and
filter expressions" and "Update expressions". Numbers are compared as decimals, texts by their bytes.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any

from sandbox.vendors.gate import Answer

Value = dict[str, Any]
Item = dict[str, Value]
_TOKENS = re.compile(r"\s*(<=|>=|<>|[()<>=,+-]|[:#]?[A-Za-z_0-9][\w]*)")
_PAGE_BYTES = 1024 * 1024


class Failed(Exception):
    """A condition that does not hold."""


class Table:
    """The items, as the wire has them; ``AttributeValue`` is never looked into but to compare."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {}
        """By partition key and sort key."""
        self._texts: dict[tuple[str, str], str] = {}
        """Each item as JSON: what an incident reads, it reads a dozen times."""

    def answer(self, operation: str, body: bytes, late: bool = False) -> Answer:
        """Answer one request; ``late``: a read that is not consistent sees nothing yet of what is new."""
        asked = json.loads(body)
        try:
            found = getattr(self, f"_{operation}")(asked, late)
            return _answer(200, found) if isinstance(found, str) else _json(200, found)
        except Failed:
            if operation == "TransactWriteItems":
                return _json(400, {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                                   "Message": "Transaction cancelled, please refer cancellation reasons",
                                   "CancellationReasons": [{"Code": "ConditionalCheckFailed"}]})
            return _json(400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                               "message": "The conditional request failed"})

    def _GetItem(self, asked: Any, late: bool) -> Any:
        found = self._at(asked["Key"]) if asked.get("ConsistentRead") or not late else None
        return {"Item": found} if found else {}

    def _Query(self, asked: Any, late: bool) -> Any:
        if late and not asked.get("ConsistentRead"):
            return {"Items": [], "Count": 0, "ScannedCount": 0}
        given = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        after = asked.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        texts: list[str] = []
        size, last, more = 0, "", ""
        for key in sorted(self.items.get(given[":pk"], ()), key=str.encode):
            if given[":first"] <= key <= given[":last"] and key > after:
                if size > _PAGE_BYTES or len(texts) == asked.get("Limit"):
                    place = {"pk": {"S": given[":pk"]}, "sk": {"S": last}}
                    more = f', "LastEvaluatedKey": {json.dumps(place)}'
                    break
                texts.append(self._texts[given[":pk"], key])
                size, last = size + len(texts[-1]), key
        return f'{{"Items": [{", ".join(texts)}], "Count": {len(texts)}, "ScannedCount": {len(texts)}{more}}}'

    def _PutItem(self, asked: Any, late: bool) -> Any:
        self._hold(asked, self._at(asked["Item"]))
        self._put(asked["Item"])
        return {}

    def _UpdateItem(self, asked: Any, late: bool) -> Any:
        there = self._at(asked["Key"])
        self._hold(asked, there)
        found = _updated({**asked["Key"], **(there or {})}, asked)
        self._put(found)
        return {"Attributes": found} if asked.get("ReturnValues", "NONE") != "NONE" else {}

    def _DeleteItem(self, asked: Any, late: bool) -> Any:
        self._hold(asked, self._at(asked["Key"]))
        self.items.get(asked["Key"]["pk"]["S"], {}).pop(asked["Key"]["sk"]["S"], None)
        return {}

    def _TransactWriteItems(self, asked: Any, late: bool) -> Any:
        for step in asked["TransactItems"]:
            (_, one), = step.items()
            self._hold(one, self._at(one.get("Key") or one["Item"]))
        for step in asked["TransactItems"]:
            (kind, one), = step.items()
            if kind != "ConditionCheck":
                getattr(self, f"_{kind}Item")(one, late)
        return {}

    def _at(self, key: Item) -> Item | None:
        return self.items.get(key["pk"]["S"], {}).get(key["sk"]["S"])

    def _put(self, item: Item) -> None:
        self.items.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item
        self._texts[item["pk"]["S"], item["sk"]["S"]] = json.dumps(item)

    def _hold(self, asked: Any, there: Item | None) -> None:
        expression = asked.get("ConditionExpression")
        if expression and not _Reader(expression, asked, there or {}).condition():
            raise Failed


class _Reader:
    """Reads one expression over an item, from left to right."""

    def __init__(self, expression: str, asked: Any, item: Item) -> None:
        self._tokens, self._place, self._item = _tokens(expression), 0, item
        self._names = asked.get("ExpressionAttributeNames", {})
        self._values = asked.get("ExpressionAttributeValues", {})

    def condition(self) -> bool:
        """Return whether ``AND`` and ``OR`` of the comparisons hold; AND binds closer."""
        found = self._all()
        while self._next("OR"):
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._next("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._next("("):
            found = self.condition()
            self._take()
            return found
        if self.peek in ("attribute_exists", "attribute_not_exists"):
            wanted = self._take() == "attribute_exists"
            self._take()
            there = self.name() in self._item
            self._take()
            return there == wanted
        left, how, right = self.operand(), self._take(), self.operand()
        if left is None or right is None or set(left) != set(right):
            return how == "<>"
        a, b = _plain(left), _plain(right)
        return bool({"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[how])

    def operand(self) -> Value | None:
        """Return a value, an attribute's, or what a function makes of them; None: the item has none."""
        if self.peek.startswith(":"):
            found: Value = self._values[self._take()]
            return found
        if self.peek in ("if_not_exists", "list_append"):
            function = self._take()
            self._take()
            first = self.operand()
            self._take()
            second = self.operand()
            self._take()
            if function == "if_not_exists":
                return first or second
            return {"L": [*(first or {})["L"], *(second or {})["L"]]}
        return self._item.get(self.name())

    def name(self) -> str:
        """Return an attribute's name."""
        token = self._take()
        return str(self._names[token]) if token.startswith("#") else token

    @property
    def peek(self) -> str:
        """The next token, empty at the end."""
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self, token: str) -> bool:
        if self.peek != token:
            return False
        self._place += 1
        return True

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def updated(self) -> Item:
        """Return the item as an update makes it."""
        found, clause = dict(self._item), ""
        while self.peek:
            if self.peek in ("SET", "ADD", "REMOVE"):
                clause = self._take()
            elif not self._next(","):
                name = self.name()
                if clause == "REMOVE":
                    found.pop(name, None)
                    continue
                if clause == "SET":
                    self._take()
                value = self.operand()
                if value is not None and self.peek in ("+", "-"):
                    value = self._counted(value)
                if value is None:
                    raise Failed
                found[name] = value if clause == "SET" else {
                    "N": str(Decimal(found.get(name, {"N": "0"})["N"]) + Decimal(value["N"]))}
        return found

    def _counted(self, left: Value) -> Value | None:
        """Return the sum or difference of a number and the next one; None where there is none."""
        plus, right = self._take() == "+", self.operand()
        return right and {"N": str(Decimal(left["N"]) + (1 if plus else -1) * Decimal(right["N"]))}


def _updated(item: Item, asked: Any) -> Item:
    return _Reader(asked["UpdateExpression"], asked, item).updated()


@cache
def _tokens(expression: str) -> tuple[str, ...]:
    return tuple(_TOKENS.findall(expression))


def _plain(value: Value) -> Any:
    (kind, found), = value.items()
    return Decimal(found) if kind == "N" else found.encode() if kind == "S" else found


def _json(status: int, value: Any) -> Answer:
    return _answer(status, json.dumps(value))


def _answer(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), "application/x-amz-json-1.0")
