"""Error lines that are alike but for times, numbers and ids, counted together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from responder.model.evidence import Finding, Window
from responder.model.evidence.error_signatures import ErrorSignatures, Signature
from responder.model.masking import mask
from responder.sources import Query
from responder.sources.splunk.search import Row, Searches, link, number

_MAX_LINES = 20_000
_SIGNATURES = 25
_VERSIONS = 20
_SIGNATURE_CHARACTERS = 200
_HEAD_CHARACTERS = 600
_MOST_KNOWN = 5_000
_REST_SECONDS = 0.5
"""What is left of the query's time when reading stops, to judge what was read."""


@dataclass
class _Group:
    """Like lines of one component, counted while they stream."""

    count: int = 0
    first: float | None = None
    versions: Counter[str] = field(default_factory=Counter)
    pods: set[str] = field(default_factory=set)


_Groups = dict[tuple[str, str], _Group]
"""By component and text."""


def begin(source: str, query: Query, searches: Searches) -> Callable[[], Finding[ErrorSignatures]]:
    """Search the error lines of window and baseline; what is returned waits for them, or raises CallFailed."""
    settings = searches.settings
    levels = " OR ".join(f"{settings.level_field}={level}" for level in settings.error_levels)
    fields = ", ".join((settings.component_field, settings.version_field, settings.pod_field))
    spl = f"search {settings.search} ({levels}) | head {_MAX_LINES} | fields _time, {fields}, _raw"
    now, usual = (_tally(searches, spl, window, query.deadline - _REST_SECONDS)
                  for window in (query.window, query.baseline))

    def judge() -> Finding[ErrorSignatures]:
        groups, note = now()
        groups_before, note_before = usual()
        return _finding(source, query, spl, link(settings), groups, groups_before, note or note_before)

    return judge


def _finding(source: str, query: Query, spl: str, page: str, groups: _Groups, usual: _Groups,
             note: str) -> Finding[ErrorSignatures]:
    scale = query.window.seconds / query.baseline.seconds
    ordered = sorted(groups.items(), key=lambda item: (-item[1].count, item[0]))
    return Finding(
        source=source, status="partial" if note else "ok", window=query.window, query=spl, note=note, link=page,
        unit="lines", left_out=max(0, len(ordered) - _SIGNATURES) or None,
        value=float(sum(group.count for group in groups.values())),
        detail=ErrorSignatures(signatures=tuple(
            Signature(text=text, component=component, count=group.count, first=group.first,
                      versions=dict(group.versions.most_common(_VERSIONS)), pods=len(group.pods),
                      usual=round(scale * usual.get((component, text), _Group()).count, 2))
            for (component, text), group in ordered[:_SIGNATURES])))


def _tally(searches: Searches, spl: str, window: Window, until: float) -> Callable[[], tuple[_Groups, str]]:
    """Count like lines while they stream: they are long, and there may be tens of thousands."""
    settings = searches.settings
    groups: _Groups = {}
    text_of = Signatures().of

    def count(row: Row) -> None:
        key = (str(row.get(settings.component_field, "")), text_of(str(row.get("_raw", ""))))
        group = groups.setdefault(key, _Group())
        moment = number(row.get("_time"))
        group.count += 1
        group.first = moment if group.first is None else min(group.first, moment)
        group.versions[str(row.get(settings.version_field, ""))] += 1
        group.pods.add(str(row.get(settings.pod_field, "")))

    note = searches.each(spl, window, count, until)
    return lambda: (groups, note())


_VARIABLE = (
    (re.compile(r"^\S*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s*"), ""),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{10,}\b"), "<id>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)
_CUT_WORD = re.compile(r"""[^\s"'`,;|(){}\[\]<>]*$""")


def signature(line: str) -> str:
    """Return a log line masked, with its time, numbers and ids replaced, so that like lines count together."""
    return _alike(mask(_head(line)))[:_SIGNATURE_CHARACTERS]


class Signatures:
    """Signatures of many lines. Masking takes most of the time, and like lines need it only once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, line: str) -> str:
        """Return the signature of a line, or that of one before it which differs in nothing but numbers and ids."""
        # The unmasked text serves to look up with, and is never passed on.
        alike = _alike(_head(line))
        found = self._known.get(alike)
        if found is None:
            found = signature(line)
            if len(self._known) < _MOST_KNOWN:
                self._known[alike] = found
        return found


def _head(line: str) -> str:
    """Return the beginning of a line that a signature can come from, without the rest of a word that was cut."""
    return line if len(line) <= _HEAD_CHARACTERS else _CUT_WORD.sub("", line[:_HEAD_CHARACTERS])


def _alike(text: str) -> str:
    for pattern, replacement in _VARIABLE:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())
