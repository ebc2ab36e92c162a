"""The platform's log lines as events of Splunk, in each of the ways that ``worlds/splunk.py`` knows.

Splunk finds fields in the text by itself: ``key=value`` (``KV_MODE = auto``) or those of JSON (``KV_MODE = json``,
nested ones by a dotted name). Where JSON is read both when it is indexed and when it is searched, each field is there
twice (props.conf, ``INDEXED_EXTRACTIONS`` and ``KV_MODE``).
"""

from __future__ import annotations

import json
import re
import zlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sandbox.platform.telemetry import Line
from sandbox.vendors.expressions import Row
from sandbox.vendors.splunk_search import COUNT

LONGEST_EVENT = 10_000
"""Characters of an event that Splunk keeps (props.conf, ``TRUNCATE``)."""
_KEY_VALUE = re.compile(r"\b([a-z]\w*)=([^\s,;\"]+)")
_ONCE = frozenset({"_time", "_raw", "index", "sourcetype", "host", COUNT})
_WORD = re.compile(r"^(ERROR|FATAL|WARN|INFO|DEBUG)\b")


def forget() -> None:
    """Let go of the lines of a platform that began anew."""
    event.cache_clear()


@lru_cache(maxsize=200_000)
def event(line: Line, dialect: str) -> Row:
    """Return a line as an event: each field a text, or a list of texts."""
    found: Row = {"_time": line.at, "index": "payments", "sourcetype": "app", "host": line.pod, COUNT: line.count}
    fields, moment = _named(line), _moment(line)
    if dialect == "json":
        return found | discovered(content := structured(line)) | {
            "_raw": json.dumps(content, separators=(",", ":"))[:LONGEST_EVENT]}
    if dialect == "doubled":
        return found | {key: [value, value] for key, value in fields.items() if value} | {
            "_raw": f"{moment} {line.text}"}
    text = _WORD.sub(lambda word: word[0].lower(), line.text)
    return found | {key: value for key, value in fields.items() if value} | {
        "level": line.level.lower(), "_raw": f"{moment} {text}"}


def _named(line: Line) -> dict[str, str]:
    # Lines about requests are many: their fields are known without a look at the text.
    found = {} if line.client or "=" not in line.text else dict(_KEY_VALUE.findall(line.text))
    found |= {"component": line.component, "level": line.level, "version": line.version, "pod": line.pod}
    return found | ({"client_ip": line.client, "duration_ms": str(line.duration_ms)} if line.client else {})


def _moment(line: Line) -> str:
    second = int(line.at)
    return f"{_second(second)}.{int((line.at - second) * 1000):03}+00:00"


@lru_cache(maxsize=10_000)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def shown(rows: list[Row], dialect: str) -> list[dict[str, Any]]:
    """Return rows as an export has them: all values are texts, and a time is written as the user reads times."""
    return [{key: _time(value, dialect) if key == "_time" else
             [str(one) for one in value] if isinstance(value, list) else str(value)
             for key, value in row.items() if key != COUNT} for row in rows]


def _time(value: Any, dialect: str) -> str:
    moment = datetime.fromtimestamp(float(value), UTC)
    if dialect == "plain":
        return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03} GMT"
    return moment.isoformat(timespec="milliseconds")


def discovered(content: dict[str, Any], before: str = "") -> Row:
    """Return the fields of JSON: nested ones by a dotted name, empty ones not at all."""
    found: Row = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found |= discovered(value, f"{before}{key}.")
        elif value not in ("", None):
            found[f"{before}{key}"] = str(value)
    return found


def structured(line: Line) -> dict[str, Any]:
    """Return what a logger of structured lines writes: who and where first, then what happened."""
    word, _, text = line.text.partition(" ")
    name, _, said = text.partition(" ") if word == line.level else ("App", "", line.text)
    trace = f"{zlib.crc32(line.text.encode()):08x}{int(line.at * 1000):024x}"
    content: dict[str, Any] = {"timestamp": _moment(line)}
    if not line.client:
        content["context"] = {
            "trace_id": trace, "span_id": trace[:16], "thread": "http-nio-8080-exec-7",
            "baggage": ",".join(f"tenant-{number}=enabled" for number in range(24)),
            "deployment": {"environment": "production", "region": "us-east-1", "cluster": "payments",
                           "build": f"{line.version}+{trace[:7]}"},
            "features": [f"checkout.variant.{number}" for number in range(12)]}
    content |= _named(line) | {"logger": f"com.example.payments.{name}"}
    if line.level not in ("ERROR", "FATAL"):
        return content | {"message": said}
    # The logger tells the outermost exception; what really happened is the last cause of its stack trace.
    frames = "".join(f"\n\tat com.example.payments.{name}.step{number}({name}.java:{100 + number})"
                     for number in range(24))
    return content | {"message": f"{name} could not handle the request", "stack_trace": (
        f"com.example.payments.RequestFailedException: {name} could not handle the request{frames}"
        f"\nCaused by: com.example.payments.StepFailedException: step 7{frames}\n\t... 31 more"
        f"\nCaused by: {said}\n\tat com.example.payments.{name}.call({name}.java:61)\n\t... 57 more")}
