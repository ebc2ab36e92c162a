"""Splunk's searches: one export each, whose rows are read as they stream.

Format: Splunk's REST API reference, "search/v2/jobs/export": one JSON object a line, ``{"preview": false, "offset": 0,
"result": {…}}``; problems come as ``{"messages": [{"type": "FATAL", "text": "…"}]}``, also in the middle.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from responder.clients.bounded import parsed
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Window
from responder.model.masking import mask
from responder.model.service import Splunk

_MAX_LINES = 20_000
_MOST_BYTES = 64 * 1024 * 1024
"""Size limit of one search's answer (20,000 error lines of 3 kB), which is read line by line."""
_FIELDS = 100
_FIELD_CHARACTERS = 1000
_SIDE_BY_SIDE = 3
"""Searches at once: as many as Splunk's default role lets one user run (authorize.conf, ``srchJobsQuota``)."""

T = TypeVar("T")
Row = dict[str, Any]
"""A result row as Splunk gives it: each value is a text or a number."""
Search = Callable[[], tuple[list[T], str]]
"""A search under way: called, it waits for the rows and a note where they were cut, or raises CallFailed."""
Judge = Callable[[set[str]], Sequence[Finding[Detail]]]
"""Waits for a part's searches and judges them; takes the components of which Splunk has no line at all."""


class Searches:
    """Searches of one query, side by side."""

    def __init__(self, http: Http, settings: Splunk) -> None:
        self.settings = settings
        self._http = http
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE)

    def begin(self, spl: str, window: Window, of: Callable[[Row], T]) -> Search[T]:
        """Begin a search; ``of`` reads each of its rows."""
        return self._pool.submit(self._rows, spl, window, of).result

    def each(self, spl: str, window: Window, take: Callable[[Row], None], until: float) -> Callable[[], str]:
        """Begin a search that hands over each row as it comes; the note says where they were cut.

        ``until`` is when to stop reading (``time.monotonic`` seconds): what was read by then is better than nothing.
        """
        return self._pool.submit(self._each, spl, window, take, until).result

    def stop(self) -> None:
        """Cancel the searches that have not begun: where one has no answer, they would only wait as long again."""
        self._pool.shutdown(cancel_futures=True)

    def _rows(self, spl: str, window: Window, of: Callable[[Row], T]) -> tuple[list[T], str]:
        rows: list[T] = []
        return rows, self._each(spl, window, lambda row: rows.append(of(row)))

    def _each(self, spl: str, window: Window, take: Callable[[Row], None], until: float = math.inf) -> str:
        count = length = 0
        url = f"{self.settings.url.rstrip('/')}/services/search/v2/jobs/export"
        with closing(self._http.lines("POST", url, data={
                "search": spl, "earliest_time": f"{window.start:.3f}", "latest_time": f"{window.end:.3f}",
                "output_mode": "json", "preview": "false"}, most_bytes=2 * _MOST_BYTES)) as lines:
            for line in lines:
                length += len(line)
                row = _row(line) if line.strip() else None
                if row is not None:
                    count += 1
                    take(row)
                if count >= _MAX_LINES:
                    return f"cut at {_MAX_LINES} rows"
                if length > _MOST_BYTES:
                    return f"cut at {count} rows: they are longer than {_MOST_BYTES // 2 ** 20} MiB"
                if time.monotonic() > until:
                    return f"cut at {count} rows: there was no time for more"
        return ""


def _row(line: bytes) -> Row | None:
    """Return the result row of a line, its texts cut to what can be of use; None where it has none."""
    answer = parsed(line, "Splunk")
    if not isinstance(answer, dict):
        raise CallFailed("malformed", "Splunk answered with a line that is not an object")
    messages = answer.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("type") in ("FATAL", "ERROR"):
            raise CallFailed("unavailable", f"Splunk: {mask(str(message.get('text', ''))[:2000])[:200]}")
    result = answer.get("result")
    if not isinstance(result, dict) or answer.get("preview"):
        return None
    return {key: value[:_FIELD_CHARACTERS] if isinstance(value, str) else value
            for key, value in itertools.islice(result.items(), _FIELDS) if isinstance(value, str | int | float)}


def number(value: object) -> float:
    """Return one of Splunk's numbers, which are texts, or the seconds of a time; 0 where it is neither."""
    text = str(value or 0)
    try:
        found = float(text)
    except ValueError:
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            return 0
    if not math.isfinite(found):
        return 0
    return int(found) if found.is_integer() else found


def link(settings: Splunk) -> str:
    """Return the page where a person searches."""
    return f"https://{urlsplit(settings.url).hostname}/en-US/app/search/search"
