"""Splunk's searches: one export each, whose rows are read as they stream.

Format: Splunk's REST API reference, "search/v2/jobs/export" (Splunk before 9.0.2 has "search/jobs/export" alone and
answers 404): one JSON object a line, ``{"preview": false, "offset": 0, "result": {…}}``; problems come as
``{"messages": [{"type": "FATAL", "text": "…"}]}``, also in the middle, and with a status of 400 or more as JSON or XML.
"""

from __future__ import annotations

import itertools
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import unescape
from typing import Any, TypeVar
from urllib.parse import urlsplit

from responder.clients.bounded_json import parsed
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Detail, Finding, Window
from responder.model.masking import mask
from responder.model.service import Splunk
from responder.plan.log_lines import LONGEST_LINE
from responder.sources.splunk.rows import Row, single

_MAX_LINES = 20_000
_MOST_BYTES = 64 * 1024 * 1024
"""Size limit of one search's answer (20,000 error lines of 3 kB), which is read line by line."""
_FIELDS = 100
_FIELD_CHARACTERS = 1000
_SIDE_BY_SIDE = 3
"""Searches at once: as many as Splunk's default role lets one user run (authorize.conf, ``srchJobsQuota``)."""
_CALLED_OFF_SECONDS = 30
"""A search that nobody reads any more is cancelled after this time (``auto_cancel``)."""
_V2, _V1 = "/services/search/v2/jobs/export", "/services/search/jobs/export"
_OVER_QUOTA = ("concurrent", "quota", "too many searches")
_INCOMPLETE = re.compile(
    r"incomplete|partial|truncat|unable to distribute|timed? ?out|finali[sz]ed|skipped|not respon|search peer", re.I)
"""Warnings of a search whose rows are not all: a search peer did not answer, or a limit was met."""
_SAID_CHARACTERS = 300

T = TypeVar("T")
Search = Callable[[], tuple[list[T], str]]
"""A search under way: called, it waits for the rows and a note where they were cut, or raises CallFailed."""
Judge = Callable[[set[str]], Sequence[Finding[Detail]]]
"""Waits for a part's searches and judges them; takes the components of which Splunk has no line at all."""


class Searches:
    """Searches of one query, side by side."""

    def __init__(self, http: Http, settings: Splunk, deadline: float = math.inf) -> None:
        """``deadline``: ``time.monotonic`` seconds; soon after it Splunk itself ends a search."""
        self.settings = settings
        self._http, self._deadline = http, deadline
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        self._path = _V2
        self._alone = threading.Lock()

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
        path = self._path
        try:
            return self._read(path, spl, window, take, until)
        except CallFailed as failed:
            if failed.http_status == 404 and path == _V2:
                self._path = _V1
                return self._read(_V1, spl, window, take, until)
            if failed.status != "throttled" or failed.http_status != 503:
                raise
            # The user's searches are all taken, perhaps by this query's own: those that were refused go on singly.
            with self._alone:
                return self._read(self._path, spl, window, take, until)

    def _read(self, path: str, spl: str, window: Window, take: Callable[[Row], None], until: float) -> str:
        count = length = 0
        said: dict[str, None] = {}
        for line in self._lines(path, spl, window):
            length += len(line)
            row = _row(line, said) if line.strip() else None
            if row is not None:
                count += 1
                take(row)
            if count >= _MAX_LINES:
                return f"cut at {_MAX_LINES} rows"
            if length > _MOST_BYTES:
                return f"cut at {count} rows: they are longer than {_MOST_BYTES // 2 ** 20} MiB"
            if time.monotonic() > until:
                return f"cut at {count} rows: there was no time for more"
        return f"Splunk: {'; '.join(said)}"[:_SAID_CHARACTERS] if said else ""

    def _lines(self, path: str, spl: str, window: Window) -> Iterator[bytes]:
        left = self._deadline - time.monotonic()
        # Splunk would end a search at max_time without a word, so that comes after nobody waits any more.
        limits = {"max_time": str(math.ceil(max(0.0, left)) + 1)} if math.isfinite(left) else {}
        try:
            with closing(self._http.lines("POST", self.settings.url.rstrip("/") + path, data={
                    "search": spl, "earliest_time": f"{window.start:.3f}", "latest_time": f"{window.end:.3f}",
                    "output_mode": "json", "preview": "false", "auto_cancel": str(_CALLED_OFF_SECONDS), **limits},
                    most_bytes=2 * _MOST_BYTES)) as lines:
                yield from lines
        except CallFailed as failed:
            raise _explained(failed) from failed


def _explained(failed: CallFailed) -> CallFailed:
    """Return a refusal with Splunk's own reason; one for want of a place among the user's searches is throttling."""
    reason = refusal(failed.body)
    if not reason:
        return failed
    over = failed.http_status == 503 and any(word in reason.lower() for word in _OVER_QUOTA)
    return CallFailed("throttled" if over else failed.status, f"{failed.note}: {reason}", code=failed.code,
                      http_status=failed.http_status)


def refusal(body: bytes) -> str:
    """Return the reason in the body of a refusal, JSON or XML; empty where it names none."""
    try:
        answer = parsed(body, "Splunk")
    except CallFailed:
        found = re.search(rb"<msg\b[^>]*>([^<]+)", body)
        said = unescape(found[1].decode(errors="replace")) if found else ""
    else:
        said = "; ".join(text for _, text in _messages(answer))
    return mask(" ".join(said.split())[:2000])[:_SAID_CHARACTERS]


def _messages(answer: Any) -> list[tuple[str, str]]:
    found = answer.get("messages") if isinstance(answer, dict) else None
    return [(str(message.get("type", "")), str(message.get("text", "")))
            for message in (found if isinstance(found, list) else []) if isinstance(message, dict)]


def _row(line: bytes, said: dict[str, None]) -> Row | None:
    """Return the result row of a line, its texts cut to what can be of use; None where it has none.

    ``said`` takes what Splunk warns of.
    """
    answer = parsed(line, "Splunk")
    if not isinstance(answer, dict):
        raise CallFailed("malformed", "Splunk answered with a line that is not an object")
    for kind, text in _messages(answer):
        told = mask(text[:2000])[:_SAID_CHARACTERS]
        if kind in ("FATAL", "ERROR"):
            raise CallFailed("unavailable", f"Splunk: {told}")
        if kind == "WARN" and _INCOMPLETE.search(text):
            said[told] = None
    result = answer.get("result")
    if not isinstance(result, dict) or answer.get("preview"):
        return None
    row: Row = {}
    for key, value in itertools.islice(result.items(), _FIELDS):
        one = single(value)
        if one is not None:
            row[key] = one[:LONGEST_LINE if key == "_raw" else _FIELD_CHARACTERS] if isinstance(one, str) else one
    return row


def link(settings: Splunk) -> str:
    """Return the page where a person searches."""
    return f"https://{urlsplit(settings.url).hostname}/en-US/app/search/search"
