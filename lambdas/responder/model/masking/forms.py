"""What is known by its form, whatever its name is: private keys, tokens, passwords in addresses, e-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.masking.cards import Span
from responder.model.masking.names import random_looking
from responder.model.masking.secrets import HIDDEN, MARKS, Finds

_JWT = re.compile(r"[A-Za-z0-9_\-]{8,}+\.[A-Za-z0-9_\-]{8,}+(?:\.[A-Za-z0-9_\-]*+){1,4}")
_PORT = re.compile(r"[0-9]{1,5}(?=[/?#\s\"'<>,;)\]}\\]|$)")
_USER = re.compile(r"""[^\s/:@"'<>\\?#]{0,256}+""")
_HOST = re.compile(r"""[A-Za-z0-9\[$%{](?:[A-Za-z0-9.\-_:\[\]$%{}]{0,253})""")
_SCHEME_BEFORE = re.compile(r"[A-Za-z0-9+.\-]+$")
_LOCAL = re.compile(r"[A-Za-z0-9._%+\-]+$")
_DOMAIN = re.compile(r"[A-Za-z0-9\-]{1,63}+(?:\.[A-Za-z0-9\-]{1,63}+){0,8}+")


def keys(text: str) -> Iterator[Span]:
    """Yield private keys in PEM (RFC 7468), also with their line ends escaped, and JSON Web Tokens (RFC 7519)."""
    place = text.find("-----BEGIN")
    while place >= 0:
        title = text[place + 10:place + 64]
        end = -1
        if "PRIVATE" in title:
            end = text.find("-----END", place)
            if end >= 0:
                close = text.find("-----", end + 8, end + 80)
                end = close + 5 if close >= 0 else end + 8
            else:
                end = len(text)
            yield place, end, "[masked private key]"
        place = text.find("-----BEGIN", max(place + 10, end))
    place = text.find("eyJ")
    while place >= 0:
        end = place + 3
        before = text[place - 1:place]
        if place == 0 or not (before.isalnum() or before in "_-") or text[place - 3:place - 2] == "%" or (
                text[place - 2:place - 1] == "\\"):
            found = _JWT.match(text, place)
            if found:
                end = found.end()
                yield place, end, "[masked token]"
        place = text.find("eyJ", end)


def addresses(text: str) -> Iterator[Span]:
    """Yield the passwords in addresses (``scheme://user:password@host``, RFC 3986), whatever characters they have."""
    finds = Finds(text)
    for mark in ("://", "%3A%2F%2F", "%3a%2f%2f", ":\\/\\/", ":\\u002f\\u002f"):
        place = text.find(mark)
        while place >= 0:
            start = place + len(mark)
            at = finds.next("@" if mark[0] == ":" else "%40", start)
            if at < 0:
                break
            end = start
            if at - start <= 1024 and _SCHEME_BEFORE.search(text, max(0, place - 20), place):
                span = _password(text, place, start, "@" if mark[0] == ":" else "%40")
                if span:
                    yield span
                    end = span[1]
            place = text.find(mark, max(end, start))


def _password(text: str, place: int, start: int, at: str) -> Span | None:
    colon = ":" if at == "@" else "%3A"
    user = _USER.match(text, start)
    if user is None:
        return None
    first = user.end() if at == "@" else text.find(colon, start, start + 256)
    if first < 0:
        return None
    if text[first:first + 1] == "@" and at == "@":
        word = text[start:first]  # a token in the place of a user
        return (start, first, HIDDEN) if random_looking(word) else None
    if not text.startswith(colon, first) or _PORT.match(text, first + len(colon)):
        return None
    limit = _limit(text, place, first)
    last = text.rfind(at, first, limit)
    while last > first and not _HOST.match(text, last + len(at)):
        last = text.rfind(at, first, last)
    begin = first + len(colon)
    return (begin, last, HIDDEN) if last > begin and not text.startswith(MARKS, begin) else None


_BREAK = re.compile(r"\s")


def _limit(text: str, place: int, first: int) -> int:
    """Return where an address ends at the latest: at the quote that it began behind, else at a blank."""
    high = min(len(text), first + 1024)
    space = _BREAK.search(text, first, high)
    high = space.start() if space else high
    begin = place
    while begin > 0 and place - begin < 20 and (text[begin - 1].isalnum() or text[begin - 1] in "+.-"):
        begin -= 1
    quote = text[begin - 1:begin]
    if begin and quote in "\"'`":
        close = text.find(quote, first, high)
        while close > 0 and text[close - 1] == "\\" and text[begin - 2:begin - 1] != "\\":
            close = text.find(quote, close + 1, high)
        return close if close >= 0 else high
    tag = text.find("</", first, high)
    return tag if tag >= 0 else high


def emails(text: str) -> Iterator[Span]:
    """Yield e-mail addresses (RFC 5321: at most 64 characters before the ``@``, 255 behind it)."""
    place = text.find("@")
    while place >= 0:
        end = place + 1
        before = _LOCAL.search(text, _local_start(text, place), place)
        domain = _DOMAIN.match(text, place + 1)
        if before and domain and _is_domain(domain[0].rstrip(".-")):
            end = domain.start() + len(domain[0].rstrip(".-"))
            yield before.start(), end, "[masked e-mail]"
        place = text.find("@", end)


def _local_start(text: str, place: int) -> int:
    start = place
    while start > 0 and place - start < 64 and (text[start - 1].isalnum() or text[start - 1] in "._%+-") and (
            text[start - 1].isascii()):
        start -= 1
    return start


def _is_domain(domain: str) -> bool:
    last = domain.rpartition(".")
    return bool(last[0]) and len(last[2]) >= 2 and last[2].isalpha()
