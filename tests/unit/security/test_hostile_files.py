"""Files that mean no good: configuration, drills, price lists, what people say happened, weights and records.

Each is refused with a sentence that names the file, in bounded time and memory. ``test_any_file.py`` has files that are
nearly right.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from cli.backtest.truth import read as truth_of
from cli.incidents.replaying import again
from cli.output import Refused
from responder.plan.replay import BadRecord
from responder.records import record as records
from responder.records.record import unpack
from sandbox.drill.contract import ContractError
from sandbox.drill.contract import read as drills_of
from stacks.configuration import ConfigurationError, read_file
from stacks.prices import PricesError
from stacks.prices import read as prices_of
from stacks.reading.loading import MOST_BYTES, MOST_DEPTH, MOST_VALUES
from tests.conftest import ROOT
from tests.odd import FUZZ, mutated, nested

MEMORY_BYTES = 64 * 2 ** 20
RECORD = (ROOT / "tests" / "records" / "bad-release.json.gz").read_bytes()


@contextmanager
def bounded(measured: bool) -> Iterator[None]:
    """Hold what the block takes of memory; to measure makes it slow."""
    if measured:
        tracemalloc.start()
    try:
        yield
        assert not measured or tracemalloc.get_traced_memory()[1] < MEMORY_BYTES
    finally:
        tracemalloc.stop()


def laughs(form: str) -> str:
    """Ten lines that stand for a thousand million values ("billion laughs")."""
    lines = ["a0: &a0 [x]" if form == "list" else "a0: &a0 {k0: x}"]
    for number in range(1, 10):
        nine = ",".join([f"*a{number - 1}"] * 9)
        value = f"[{nine}]" if form == "list" else f"{{<<: [{nine}], k{number}: x}}"
        lines.append(f"a{number}: &a{number} {value}")
    return "\n".join([*lines, "name: *a9", "events: *a9"]) + "\n"


FILES = {
    "deep list": "a: " + "[" * 300 + "]" * 300, "deep mapping": "{a: " * 300 + "1" + "}" * 300,
    "open list": "[" * 300, "deep block": "\n".join(" " * depth + "a:" for depth in range(300)),
    "laughs": laughs("list"), "laughs of merges": laughs("merge"), "10 MB": "a: b\n" * 2_000_000,
    "10 MB in one line": "a: " + "x" * 10_000_000,
    "many values": "b: &b [" + "1," * 300 + "]\na: [" + "*b," * 300 + "]",
    "long number": "port: " + "9" * 5000, "long number in hexadecimal digits": "a: 0x" + "f" * 5000,
    "long number in base 60": "a: 1" + ":1" * 3000, "no number": "a: !!int abc", "no time": "a: 2026-99-99",
    "no time at all": "a: !!timestamp abc", "no binary": "a: !!binary x",
    "code": "a: !!python/object/apply:os.system ['id']", "module": "!!python/module:os {}",
    "infinity": "a: 1e99999999\nb: .nan\nc: -.inf", "key of a list": "? [a]\n: 1", "key of itself": "? &a [*a]\n: 1",
    "itself": "&a a: *a", "half a character": '"a\\ud83d": "\\ud83d"', "NUL": "\0" * 99, "same key": "a: 1\n" * 99,
    "set": "a: !!set {x: 1}", "pairs": "a: !!omap [x: 1]", "documents": "---\n" * 99,
    "directives": "%YAML 9.9\n%TAG ! x:\n---\na: !b c", "no UTF-8": b"\xff\xfe\x00\xd8" * 9, "bytes": bytes(range(256)),
    "right to left": "\u202eservice: x\u200b\n", "many tabs": "\t" * 999,
}
READERS: dict[str, tuple[Callable[[Path], Any], type[Exception]]] = {
    "configuration": (read_file, ConfigurationError), "drill": (lambda file: drills_of([file]), ContractError),
    "prices": (prices_of, PricesError), "what happened": (truth_of, Refused)}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("reader", READERS)
def test_a_hostile_file_is_refused_by_its_name(tmp_path: Path, reader: str, name: str) -> None:
    content, file = FILES[name], tmp_path / "shop.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    read, refusal = READERS[reader]
    with bounded("laugh" in name or "MB" in name or name == "many values"), pytest.raises(refusal) as raised:
        read(file)
    said = str(raised.value)
    assert "shop.yaml" in said and "Traceback" not in said and len(said) < 100_000
    said.encode()


def test_what_the_limits_allow_is_far_beyond_what_is_shipped() -> None:
    """So that nobody with many components meets them."""
    def size(node: Any) -> tuple[int, int]:
        inner = node.value if isinstance(node, yaml.SequenceNode) else [
            part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
        sizes = [size(part) for part in inner]
        return 1 + sum(count for count, _ in sizes), 1 + max((depth for _, depth in sizes), default=0)

    text = (ROOT / "config" / "payment-gateway.yaml").read_text()
    values, depth = size(yaml.compose(text))
    assert (values * 20, depth * 5, len(text) * 20) < (MOST_VALUES, MOST_DEPTH, MOST_BYTES)


# --- records --------------------------------------------------------------------------------------------------------

def replayed(content: bytes, tmp: Path | None = None) -> str:
    """Replay a record as ``responder replay`` does; return the refusal, or nothing."""
    try:
        again(content, "record.json.gz", tmp, None)
    except Refused as refused:
        return str(refused)
    return ""


RECORDS = {
    "nothing": b"", "object": b"{}", "list": b"[]", "null": b"null", "no number": b"NaN", "header": b"\x1f\x8b",
    "no gzip": b"\x1f\x8bxx", "half": RECORD[:2000], "broken": RECORD[:-1000] + b"\0" * 1000,
    "bomb": gzip.compress(b" " * 100_000_000, 1), "deep": gzip.compress(b"[" * 900 + b"]" * 900),
    "deep objects": gzip.compress(b'{"a":' * 100_000, 1),
    "many lists": gzip.compress(b"[" + b"[]," * 5_000_000 + b"1]", 1),
    "long number": b'{"schema":' + b"9" * 5000 + b"}", "no UTF-8": b"\xff\xfe",
    "first schema": b'{"schema": 1, "items": [{"findings": [7, {"name": "instance", "detail": 7}]}, 7]}'}


@pytest.mark.parametrize("name", RECORDS)
def test_a_hostile_record_is_refused(name: str) -> None:
    tracemalloc.start()
    try:
        assert replayed(RECORDS[name]).startswith("record.json.gz: ")
        # What it may have uncompressed, and no more.
        assert tracemalloc.get_traced_memory()[1] < 3 * records.MOST_BYTES
    finally:
        tracemalloc.stop()


def test_a_record_with_values_that_do_not_belong_is_replayed_or_refused() -> None:
    whole = unpack(RECORD)
    whole["items"] = [item for item in whole["items"] if not item["sk"].startswith("EVIDENCE#")][:12]

    @FUZZ
    @given(mutated(deepcopy(whole), most=3))
    def changed(record: Any) -> None:
        replayed(json.dumps(record).encode())

    changed()


@pytest.mark.parametrize("depth", [90, 150, 400, 900])
def test_no_depth_ends_the_reading_of_a_record(depth: int) -> None:
    whole = unpack(RECORD)
    for inner in (nested(depth), nested(depth, objects=True)):
        for change in ({"items": inner}, {"service": inner}, {"items": [*whole["items"], inner]}):
            assert replayed(json.dumps(whole | change).encode())
        with pytest.raises(BadRecord):
            unpack(json.dumps(inner).encode())


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"{", b"\xff", b"[]", b"null", b'{"a": NaN}', b'{"a": 1e999}',
                                     b'{"mechanisms": 7}', b"1" * 10_000])
def test_hostile_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights.json"
    file.write_bytes(content)
    assert "weights.json" in replayed(RECORD, file)
