"""Masking takes a time that grows with the text and no faster, whatever the text: counted in steps, not in seconds.

Each pattern is carried out by a plain backtracking matcher, written here from the parsed pattern, that counts its steps
and does what ``re`` does without its shortcuts; the calls of Python's functions are counted with them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import pytest

from responder.model import masking, redact
from responder.model.masking import cards, forms, mask, secrets, vendors

Next = Callable[[int], bool]


class Steps:
    """How much work was done."""

    def __init__(self) -> None:
        self.count = 0


class Counting:
    """A pattern that counts the steps of each match, and answers what ``re`` answers."""

    def __init__(self, pattern: re.Pattern[str], steps: Steps) -> None:
        self._real, self._steps = pattern, steps
        self._nodes = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
        self._ignore = bool(pattern.flags & re.IGNORECASE)

    def match(self, text: str, pos: int = 0, endpos: int = sys.maxsize) -> re.Match[str] | None:
        self._run(text, pos, min(endpos, len(text)))
        return self._real.match(text, pos, endpos)

    def fullmatch(self, text: str, pos: int = 0, endpos: int = sys.maxsize) -> re.Match[str] | None:
        self._run(text, pos, min(endpos, len(text)))
        return self._real.fullmatch(text, pos, endpos)

    def search(self, text: str, pos: int = 0, endpos: int = sys.maxsize) -> re.Match[str] | None:
        found = self._real.search(text, pos, endpos)
        last = found.start() if found else min(endpos, len(text))
        for place in range(pos, last + 1):
            self._run(text, place, min(endpos, len(text)))
        return found

    def finditer(self, text: str, pos: int = 0, endpos: int = sys.maxsize) -> Iterator[re.Match[str]]:
        end, last = min(endpos, len(text)), pos
        for found in self._real.finditer(text, pos, endpos):
            for place in range(last, found.start() + 1):
                self._run(text, place, end)
            last = max(found.end(), found.start() + 1)
            yield found
        for place in range(last, end + 1):
            self._run(text, place, end)

    def findall(self, text: str) -> list[Any]:
        return [found[0] for found in self.finditer(text)]

    def sub(self, instead: Any, text: str) -> str:
        return self._real.sub(instead, text)

    def _run(self, text: str, place: int, end: int) -> bool:
        return _Run(text, end, self._steps, self._ignore).nodes(list(self._nodes), place, lambda _: True)


class _Run:
    """One attempt at one place."""

    def __init__(self, text: str, end: int, steps: Steps, ignore: bool) -> None:
        self.text, self.end, self.steps, self.ignore = text, end, steps, ignore

    def nodes(self, nodes: list[Any], place: int, then: Next) -> bool:
        if not nodes:
            return then(place)
        (what, argument), rest = nodes[0], nodes[1:]
        self.steps.count += 1
        if what in (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY):
            fits = place < self.end and self._one(what, argument, self.text[place])
            return fits and self.nodes(rest, place + 1, then)
        if what is op.SUBPATTERN:
            return self.nodes(list(argument[3]), place, lambda at: self.nodes(rest, at, then))
        if what is op.BRANCH:
            return any(self.nodes(list(branch), place, lambda at: self.nodes(rest, at, then)) for branch in argument[1])
        if what in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self._repeat(argument, place, lambda at: self.nodes(rest, at, then))
        if what in (op.POSSESSIVE_REPEAT, op.ATOMIC_GROUP):
            at = self._possessive(argument, place) if what is op.POSSESSIVE_REPEAT else self._atomic(argument, place)
            return at is not None and self.nodes(rest, at, then)
        if what in (op.ASSERT, op.ASSERT_NOT):
            return self._around(argument, place) == (what is op.ASSERT) and self.nodes(rest, place, then)
        if what is op.AT:
            ends = place == self.end or (argument is op.AT_END and place == self.end - 1 and self.text[place] == "\n")
            return ends and self.nodes(rest, place, then)
        raise AssertionError(f"the counting matcher has no {what}")

    def _one(self, what: Any, argument: Any, character: str) -> bool:
        codes = {ord(character)} | ({ord(c) for c in (character.lower(), character.upper()) if len(c) == 1}
                                    if self.ignore else set())
        if what is op.ANY:
            return True
        if what is op.LITERAL:
            return argument in codes
        if what is op.NOT_LITERAL:
            return argument not in codes
        return any(self._in(argument, code) for code in codes)

    @staticmethod
    def _in(items: Any, code: int) -> bool:
        found, wanted = False, True
        for what, argument in items:
            if what is op.NEGATE:
                wanted = False
            elif what is op.LITERAL:
                found |= argument == code
            elif what is op.RANGE:
                found |= argument[0] <= code <= argument[1]
            else:
                found |= {op.CATEGORY_SPACE: str.isspace, op.CATEGORY_DIGIT: str.isdigit,
                          op.CATEGORY_NOT_SPACE: lambda c: not c.isspace()}[argument](chr(code))
        return found is wanted

    def _repeat(self, argument: Any, place: int, then: Next) -> bool:
        low, high, item = argument
        places = [place]
        while len(places) - 1 < min(high, self.end + 1):
            at = self._atomic(item, places[-1])
            if at is None or at == places[-1]:
                break
            places.append(at)
        return any(then(at) for at in reversed(places[low:]))

    def _possessive(self, argument: Any, place: int) -> int | None:
        low, high, item = argument
        count = 0
        while count < high:
            at = self._atomic(item, place)
            if at is None or at == place:
                break
            place, count = at, count + 1
        return place if count >= low else None

    def _atomic(self, nodes: Any, place: int) -> int | None:
        found: list[int] = []

        def ends(at: int) -> bool:
            found.append(at)
            return True

        return found[0] if self.nodes(list(nodes), place, ends) else None

    def _around(self, argument: Any, place: int) -> bool:
        direction, nodes = argument
        width = nodes.getwidth()[1] if direction < 0 else 0
        return place >= width and self.nodes(list(nodes), place - width, lambda at: direction > 0 or at == place)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    steps = Steps()
    with monkeypatch.context() as patched:
        for module in (cards, forms, secrets, vendors, redact):
            for name, value in list(vars(module).items()):
                if isinstance(value, re.Pattern):
                    patched.setattr(module, name, Counting(value, steps))
        patched.setattr(vendors, "_PREFIXES", tuple(
            (prefix, Counting(body, steps), least) if isinstance(body, re.Pattern) else (prefix, body, least)
            for prefix, body, least in vendors._PREFIXES))
        yield steps


def work(text: str, steps: Steps, function: Callable[[str], str]) -> int:
    calls = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if frame.f_code.co_filename != __file__:
            calls += event in ("call", "c_call")

    before, deep = steps.count, sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    sys.setprofile(called)
    try:
        function(text)
    finally:
        sys.setprofile(None)
        sys.setrecursionlimit(deep)
    return steps.count - before + calls


PIECES = ("1", "4", "1 ", "12 3-", "a", "a.", "a@", "a@a.", "@", ":", "\"", "\\\"", "'", "%20", "%2", "\\", "\\u0020",
          "password=", "password=\"", "password='", "password:", "password=\\\"", "pin ", "cvv", "a=", "a:b=", "a=\"",
          "://", "x://a:b", "x://a:b@", "eyJ", "eyJaaaaaaaa.", "-----BEGIN", "-----BEGIN PRIVATE KEY-----", "<a", "<a ",
          "<password>", "<password", '{"name":"DB_PWD",', '"name":"pwd","value":"', '"value":"x","name":"pwd"',
          "sk_live_", "AKIAAAAAAAAAAAAAAAAA", "AKIA", "Bearer ", "--token ", "-", "4111 1111 1111 1111 ",
          "4111111111111111D", "4111111111111111^", "1.", "1%20", "&quot;", "Authorization: ", "Cookie: ",
          "password=a&",
          "password=a\\n", "1.1111111111111e", "\n", "password: \n", '"password":[', "password: |\n a", "curl -ua:b ",
          "password[]=",
          "'}", "{", "[", '{"env":[', '{"data":{"a":"b",')
SIZE = 400


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("function", [mask, redact.redacted_json], ids=["mask", "redacted_json"])
def test_twice_the_text_is_at_most_twice_the_work(monkeypatch: pytest.MonkeyPatch, piece: str,
                                                  function: Callable[[str], str]) -> None:
    with counted(monkeypatch) as steps:
        once, twice = (work((piece * size)[:size], steps, function) for size in (SIZE, 2 * SIZE))
    assert twice <= 2.2 * once + 200, f"{twice / once:.2f} times the work"
    assert twice <= 600 * 2 * SIZE + 20_000


def test_the_counting_sees_what_is_quadratic() -> None:
    steps = Steps()
    pattern: Any = Counting(re.compile(r"[a-z.]+@[a-z]+"), steps)
    counts = []
    for size in (200, 400):
        before = steps.count
        pattern.search("a." * size)
        counts.append(steps.count - before)
    assert counts[1] > 3 * counts[0]


def test_a_text_of_more_than_a_million_characters_is_cut_and_leaves_no_part_of_a_number() -> None:
    text = "x " * (masking.MOST_CHARACTERS // 2 - 34) + "4111 1111 1111 1111 " * 10
    masked = mask(text)
    assert len(masked) < masking.MOST_CHARACTERS + 100
    assert "more characters]" in masked
    assert "1111 1" not in masked
