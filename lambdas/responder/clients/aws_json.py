"""Answers of the protocol "AWS JSON", such as DynamoDB's: read once, and items taken as they came.

botocore walks through each value of an item by its shape, which makes nothing else of it (but of bytes, which no item
of ours has): 25 of the 29 ms of processor time in which an incident's 275 kB are read. ``records/form.py`` takes items
apart. Both methods are botocore's own, which it may rename: then all is as without this file, only slower.
"""

from __future__ import annotations

from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory

READ = "read"
"""Where ``aws_answers.py`` leaves the body that it has read, beside the body."""
_ITEM_VALUE = "AttributeValue"


class Parsers(ResponseParserFactory):  # type: ignore[misc]  # botocore has no types
    """Makes the parser of each answer."""

    def create_parser(self, protocol_name: str) -> Any:
        """Return the parser of a protocol."""
        return _Parser() if protocol_name == "json" else super().create_parser(protocol_name)


class _Parser(JSONParser):  # type: ignore[misc]  # botocore has no types
    _read: Any = None

    def parse(self, response: dict[str, Any], shape: Any) -> Any:
        """Return what an answer says; one parser reads one answer."""
        self._read = response.get(READ)
        return super().parse(response, shape)

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        return super()._parse_body_as_json(body_contents) if self._read is None else self._read

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        if shape.name == _ITEM_VALUE and isinstance(value, dict):
            return value
        return super()._handle_structure(shape, value)
