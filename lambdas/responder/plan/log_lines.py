"""What a log line says: the text that people are shown, and the innermost cause behind it.

A line may be plain text, ``key=value`` pairs or JSON, with as much context before its message as the logger likes, and
with a stack trace whose cause is in the last "Caused by" (Java), behind the last "--->" (.NET), under "[cause]"
(Node.js) or before "the direct cause of the following exception" (Python). So the kind of the failure and the host that
was called are looked for in the whole line, before anything is cut.

Names of fields: Elastic Common Schema, logstash-logback-encoder, OpenTelemetry's semantic conventions for exceptions,
zap, pino, structlog.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from responder.model.codec import Json
from responder.model.masking import mask
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import ANSWERED, STATUS, kind_of

LONGEST_LINE = 10_000
"""Characters of a line that are looked at: as many as Splunk keeps of an event by default (props.conf, TRUNCATE)."""
_SHOWN_CHARACTERS = 200
_CAUSE_CHARACTERS = 300
_HEAD_CHARACTERS = 600
_STEP_CHARACTERS = 400
_END_CHARACTERS = 200
_LONGEST_PIECE = 1_500
_OVERLAP = 60
"""Characters that the halves of a text share, so that no wording is cut."""
_MOST_KNOWN = 5_000
_MOST_WORDS = 300
_DEEPEST = 6
"""Levels of JSON that are looked at."""
_MESSAGE = frozenset({"message", "msg", "log", "event", "text", "short_message", "@message", "body"})
_ERROR = frozenset({"error", "err", "exception", "exc_info", "stack_trace", "stacktrace", "stack", "full_message",
                    "thrown", "throwable", "cause", "reason", "errormessage", "error_message", "traceback"})
_PEER = frozenset({"peer", "upstream", "target", "url", "uri", "endpoint", "destination", "remote", "hostname",
                   "address", "upstream_host", "upstream_cluster", "db_host"})
_QUOTED = re.compile(
    r'"(message|msg|log|error|err|exception|exc_info|stack_trace|stacktrace|stack|cause)"\s*:\s*"((?:[^"\\]|\\.)*)')
"""Texts of JSON that is cut and cannot be read as a whole."""
_PAIR = re.compile(r'(?:^|\s)(?:msg|message|err|error|exception|cause)=("(?:[^"\\]|\\.)*"|\S+)', re.IGNORECASE)
_FRAME = re.compile(r"^\s*(?:at |\.\.\. \d+ |File \"|goroutine \d|\^|~+\^)|^\t.*\.go:\d+")
_CAUSED = re.compile(r"Caused by:?\s|--->\s|\[cause\]:\s")
_MARKS = ("Caused by", "--->", "[cause]:")
_FIRST_CAUSE = "The above exception was the direct cause of the following exception"
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_VARIABLE = (
    (re.compile(r"^\S*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s*"), ""),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{10,}\b"), "<id>"),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_CODE = re.compile(rf"{ANSWERED.pattern}|{STATUS.pattern}|\bx509\b|\bora-\d{{5}}\b|server on \S+ \(\d+",
                   re.IGNORECASE)
"""Numbers by which the kind of an error is told: an HTTP status where a text says that it is one, codes of drivers."""
_MAY_HAVE_CODE = re.compile(r"(?<![\d.])[45]\d\d(?![\d.])|x509|ora-|server on", re.IGNORECASE)
_CUT_WORD = re.compile(r"""[^\s"'`,;|(){}\[\]<>]*$""")
_LINE_KINDS_OF_CALLS = frozenset(ErrorKind) - {ErrorKind.OTHER, ErrorKind.DECLINED}


class Said(NamedTuple):
    """What like lines say, masked, with their numbers and ids replaced."""

    text: str
    """As people are shown it; 200 characters at most."""
    cause: str = ""
    """The innermost cause, with the host that was called; empty where ``text`` says it all."""


class _Parts(NamedTuple):
    """A line taken apart."""

    head: str
    """Its message."""
    errors: str = ""
    """Its exception with the stack trace, where it stands apart from the message."""
    peers: str = ""
    """What else names the other side of a call."""


def signature(line: str, is_callee: Callable[[str], bool] = lambda word: False) -> Said:
    """Return what a log line says; ``is_callee`` tells whether a word is the host of something that is called."""
    parts = _taken_apart(line[:LONGEST_LINE])
    text = _alike(mask(_head(parts.head)))[:_SHOWN_CHARACTERS]
    cause = _cause(parts, text)
    told = f"{text} {cause}"
    if not any(map(is_callee, _words(told))) and kind_of(told) in _LINE_KINDS_OF_CALLS:
        whole = f"{parts.head}\n{parts.errors}\n{parts.peers}"
        host = next((word for word in _words(whole) if is_callee(word)), "")
        cause = f"{cause} ({mask(host)})".strip() if host else cause
    return Said(text, cause)


class Signatures:
    """Signatures of many lines. Masking takes most of the time, and like lines need it only once."""

    def __init__(self, is_callee: Callable[[str], bool] = lambda word: False) -> None:
        self._known: dict[str, Said] = {}
        self._is_callee = is_callee

    def of(self, line: str) -> Said:
        """Return the signature of a line, or that of one before it which differs in nothing but numbers and ids."""
        # The unmasked text serves to look up with, and is never passed on.
        alike = _alike(_key(line[:LONGEST_LINE]))
        found = self._known.get(alike)
        if found is None:
            found = signature(line, self._is_callee)
            if len(self._known) < _MOST_KNOWN:
                self._known[alike] = found
        return found


def _key(line: str) -> str:
    """Return what like lines share: a short line whole, of a long one the message, the last cause and the end."""
    if len(line) <= _HEAD_CHARACTERS:
        return line
    parts = _taken_apart(line)
    rest = parts.errors or parts.head[_HEAD_CHARACTERS:]
    cause = max(rest.rfind(mark) for mark in _MARKS)
    return "\n".join((parts.head[:_STEP_CHARACTERS], rest[cause:cause + _STEP_CHARACTERS] if cause >= 0 else "",
                      rest[-_END_CHARACTERS:], parts.peers[:_END_CHARACTERS]))


def _taken_apart(line: str) -> _Parts:
    start = line.find("{", 0, 200)
    if start >= 0:
        content = _json(line[start:])
        leaves = list(_leaves(content)) if content is not None else [
            (key, _unescaped(value)) for key, value in _QUOTED.findall(line)]
        messages = [value for key, value in leaves if _last(key) in _MESSAGE and value]
        errors = [value for key, value in leaves if not _ERROR.isdisjoint(key.split(".")) and value]
        if messages or errors:
            peers = " ".join(value for key, value in leaves if _last(key) in _PEER or key.endswith("server.address"))
            return _nested(" ".join(dict.fromkeys(messages or errors[:1])),
                           "\n".join(dict.fromkeys(errors)), peers)
    if len(line) > _SHOWN_CHARACTERS:
        pairs = [value.strip('"') for value in _PAIR.findall(line)]
        if pairs:
            return _Parts(" ".join(pairs), "\n".join(pairs), "")
    head, _, trace = line.partition("\n")
    return _Parts(head if trace and _is_trace(trace) else line, trace)


def _nested(message: str, errors: str, peers: str) -> _Parts:
    """Return a message that may be JSON again, as a container's runtime wraps what the program writes."""
    if message.startswith("{") and (inner := _json(message)) is not None:
        leaves = [value for key, value in _leaves(inner) if _last(key) in _MESSAGE]
        more = [value for key, value in _leaves(inner) if not _ERROR.isdisjoint(key.split("."))]
        if leaves or more:
            return _Parts(" ".join(leaves or more[:1]), "\n".join((errors, *more)).strip(), peers)
    head, _, trace = message.partition("\n")
    return _Parts(head, "\n".join((trace, errors)).strip() if trace else errors, peers)


def _is_trace(text: str) -> bool:
    return bool(_CAUSED.search(text)) or any(_FRAME.match(line) for line in text.split("\n", 8)[:8])


def _json(text: str) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _leaves(value: Json, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the texts of JSON with their dotted names in lower case."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}".lstrip(".").lower(), depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for inner in value:
            yield from _leaves(inner, name, depth + 1)
    elif isinstance(value, str):
        yield name, value


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\\\", "\\")


def _cause(parts: _Parts, text: str) -> str:
    """Return what the rest of a line says of the failure, where the shown text does not."""
    rest = parts.errors or parts.head
    causes = _innermost(rest)
    known = [cause for cause in causes if kind_of(cause) is not ErrorKind.OTHER]
    if known or _CAUSED.search(rest):
        cause = (*known, *causes, "")[0]
        return "" if cause in parts.head[:_SHOWN_CHARACTERS] else _shortened(cause)
    whole = _without_frames(f"{parts.head}\n{parts.errors}")
    if len(whole) > _SHOWN_CHARACTERS and kind_of(text) is ErrorKind.OTHER:
        return _shortened(_piece(f"{whole[:_LONGEST_PIECE]}\n{whole[_LONGEST_PIECE:][-_LONGEST_PIECE:]}"))
    return ""


def _piece(text: str) -> str:
    """Return the part of a long text that tells a kind, its end rather than its beginning; empty where none does."""
    if kind_of(text) is ErrorKind.OTHER:
        return ""
    while len(text) > _CAUSE_CHARACTERS:
        middle = len(text) // 2
        # A word that was cut may be half a secret.
        halves = (text[middle - _OVERLAP:].partition(" ")[2], _CUT_WORD.sub("", text[:middle + _OVERLAP]))
        found = next((half for half in halves if len(half) < len(text) and kind_of(half) is not ErrorKind.OTHER), "")
        if not found:
            break
        text = found
    return text


def _innermost(rest: str) -> tuple[str, ...]:
    """Return the sentences of the innermost causes of an exception, the most telling first."""
    found = [match.end() for match in _CAUSED.finditer(rest)]
    sentences = [_sentence(rest[start:]) for start in reversed(found[-3:])]
    if _FIRST_CAUSE in rest:
        lines = [line for line in _without_frames(rest.partition(_FIRST_CAUSE)[0]).split("\n") if line.strip()]
        sentences += lines[-1:]
    if not sentences and "\n" in rest:
        # Of a trace without causes its own sentence tells: in Python the last, else the first.
        lines = [line for line in _without_frames(rest).split("\n") if line.strip()]
        sentences += [*lines[-1:], *lines[:1]]
    return tuple(sentence for sentence in sentences if sentence)


def _sentence(text: str) -> str:
    """Return a cause up to its first frame, on one line."""
    lines: list[str] = []
    for line in text[:2 * _HEAD_CHARACTERS].split("\n"):
        if lines and (_FRAME.match(line) or _CAUSED.search(line)):
            break
        lines.append(line.strip())
    return " ".join(lines).strip()


def _without_frames(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not _FRAME.match(line))


def _shortened(text: str) -> str:
    """Return a cause masked and short, with the words in it that tell its kind."""
    whole = _alike(mask(_head(text)))
    for end in (_CAUSE_CHARACTERS, len(whole)):
        if kind_of(whole[:end]) is kind_of(whole):
            return whole[:end]
    return whole


def _words(text: str) -> list[str]:
    return [word.rstrip(".-") for word in _WORD.findall(text)[:_MOST_WORDS]]


def _head(text: str) -> str:
    """Return the beginning of a text that a signature can come from, without the rest of a word that was cut."""
    return text if len(text) <= _HEAD_CHARACTERS else _CUT_WORD.sub("", text[:_HEAD_CHARACTERS])


def _alike(text: str) -> str:
    for pattern, replacement in _VARIABLE:
        text = pattern.sub(replacement, text)
    # Numbers that tell the kind of an error stay; all others differ from line to line.
    parts, past = [], 0
    for kept in _CODE.finditer(text) if _MAY_HAVE_CODE.search(text) else ():
        parts += [_NUMBER.sub("<n>", text[past:kept.start()]), kept[0]]
        past = kept.end()
    return " ".join(("".join(parts) + _NUMBER.sub("<n>", text[past:])).split())
