"""Card numbers in text: by issuer prefix, length of the brand and check digit, and never inside a longer token.

Sources: ISO/IEC 7812-1 (issuer identification number, Luhn), ISO/IEC 7813 (tracks 1 and 2), ISO 8583 (fields 2, 35, 45
and 52), PCI DSS v4 requirements 3.3.1 (tracks, card verification codes and PIN blocks are never stored) and 3.4.1 (of a
card number the last four digits may be shown). The ranges of the brands are those that they publish.

An order number that begins like a card, is as long and has a valid check digit cannot be told from a card, and is
masked. Not looked for: numbers of 12 digits (AWS accounts are such), UATP (1…).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

Span = tuple[int, int, str]
"""Where something begins and ends in a text, and what stands in its place."""


def _ranges(lengths: tuple[int, ...], *ranges: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return prefixes, each ``first`` or ``first-last``, as ranges of six digits."""
    found = []
    for item in ranges:
        first, _, last = item.partition("-")
        found.append((int(first.ljust(6, "0")), int((last or first).ljust(6, "9")), lengths))
    return found


_LONG = (16, 17, 18, 19)
_BRANDS = (
    *_ranges((13, 16, 18, 19), "4"),                                                    # Visa
    *_ranges((16,), "51-55", "2221-2720"),                                              # Mastercard
    *_ranges((15,), "34", "37"),                                                        # American Express
    *_ranges(_LONG, "6011", "644-649", "65"),                                           # Discover
    *_ranges((14, *_LONG), "300-305", "3095", "36", "38-39"),                           # Diners Club
    *_ranges(_LONG, "3528-3589"),                                                       # JCB
    *_ranges(_LONG, "62", "81"),                                                        # UnionPay
    *_ranges((13, 14, 15, *_LONG), "5018", "5020", "5038", "5893", "6304", "6390", "6759", "6761-6763"),  # Maestro
    *_ranges(_LONG, "2200-2204"),                                                       # Mir
    *_ranges((16,), "60", "82", "508", "353", "356"),                                   # RuPay
    *_ranges((16,), "9792"),                                                            # Troy
    *_ranges((16, 18, 19), "506099-506198", "650002-650027", "507865-507964"),          # Verve
    *_ranges((16,), "401178", "401179", "431274", "438935", "451416", "457393", "457631", "457632", "504175",
             "506699-506778", "509000-509999", "627780", "636297", "636368", "650031-650598", "651652-651679",
             "655000-655058"),                                                          # Elo
    *_ranges((13, 16, 19), "606282", "637095", "637568", "637599", "637609", "637612"),  # Hipercard
    *_ranges((16,), "8600", "9860", "5019", "4571", "2205", "357111"),  # UzCard, Humo, Dankort, Borica, LankaPay
    *_ranges(_LONG, "636"), *_ranges((16,), "637-639"),                                 # InterPayment, InstaPayment
)

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_BLANKS = r" \t\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff\u00ad\u180e"
_DASHES = r"\-\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d"
_MARKS = r"_/.+\u00b7\u2022\u2215\u2044"
_ESCAPE = (r"\\{1,4}u(?:00[aA]0|0020|0009|00[aA][dD]|002[dDfFeEbB]|005[fF]|20[0-2][0-9a-fA-F]|205[fF]|2060|2212"
           r"|3000|[fF][eE][fF][fF]|[fF][eE]58|[fF][eE]63|[fF][fF]0[dD])"
           r"|\\{1,4}x(?:20|09|[aA]0|2[dD])|\\{1,4}t"
           r"|%(?:25)?(?:20|09|2[dDfFeEbB]|5[fF]|[cC]2%(?:25)?[aA][0dD]|[eE]2%(?:25)?8[0-2]%(?:25)?[0-9a-fA-F]{2}"
           r"|[eE]2%(?:25)?88%(?:25)?92|[eE]3%(?:25)?80%(?:25)?80|[eE][fF]%(?:25)?[bB][bB]%(?:25)?[bB][fF])"
           r"|&(?:nbsp|thinsp|ensp|emsp|ndash|mdash|shy|minus|#160|#32|#45|#x20|#x[aA]0|#8209|#8211);")
_GAP = rf"(?:[{_BLANKS}{_DASHES}{_MARKS}]|{_ESCAPE})"
_CHAIN = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}{{0,3}}+[0-9]){{12,}}+")
"""Thirteen digits or more, with gaps or without. It begins where digits begin, so that each is looked at once."""
_GROUP = re.compile(rf"([0-9]++)({_GAP}{{0,3}}+)")
_ANY_ESCAPE = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[nrtbf/]|%[0-9a-fA-F]{2}|&[a-z]{2,6};|&#x?[0-9a-f]{1,5};")
_SCIENCE = re.compile(r"(?<![0-9.A-Za-z_])([1-9])\.([0-9]{12,18})[eE]\+?(1[2-8])(?![0-9A-Za-z])")
_FRACTION = re.compile(r"\.[0-9]")
_WHOLE_FRACTION = re.compile(r"\.0{1,6}(?![0-9A-Za-z_])")
_TRACK_2 = re.compile(r"(?:=|[dD]|%3[dD]|\\u003[dD])([0-9]{4,40}[fF]?\??[0-9]?|[0-9]{4}\*+)")
_TRACK_2_D = re.compile(r"[dD][0-9]{2}(?:0[1-9]|1[0-2])(?:[0-9]{0,36}[fF]?\??[0-9]?|\*+)(?![0-9A-Za-z])")
"""With a letter for its separator a track ends with its digits, after a month: else it is a part of a digest."""
_TRACK_1 = re.compile(
    r"(?:\^|%5[eE]|\\u005[eE])(?:[^^%?\n]|%(?!5[eE])){0,48}(?:\^|%5[eE]|\\u005[eE])[0-9 =]{0,60}[^?\s\"'<]{0,60}\??")
_CODE_AFTER = re.compile(
    r"(?P<gap>[ \t,;:|/\\\"']{1,3})"
    r"(?P<expiry>(?:0[1-9]|1[0-2])[ \t|/\-.,;]{0,3}(?:20)?[2-4][0-9][ \t,;:|/\"']{1,3})?"
    r"(?P<code>[0-9]{3,4})(?![0-9A-Za-z_.:%\-])")
_CARD_WORD = re.compile(r"(?i)(?:card|pan|cc|number|num|no|acct|account|visa|amex|mastercard|maestro)$")
_SPLITS = frozenset({(4, 6, 5), (4, 6, 4), (4, 3, 3, 3), (6, 13), (4, 4, 5), (4, 5, 6), (4, 4, 4, 5), (4, 4, 4, 6),
                     (4, 4, 4, 7), (5, 4, 5), (4, 7, 4)})
"""How the digits are printed on cards and typed in forms, besides by fours (American Express 4-6-5, Diners 4-6-4)."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    numbers = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether digits have an issuer's prefix, the length that its brand gives cards, and a valid check digit."""
    size = len(digits)
    if not 13 <= size <= 19 or not luhn(digits):
        return False
    prefix = int(digits[:6])
    return any(first <= prefix <= last and size in lengths for first, last, lengths in _BRANDS)


def shown_as(digits: str) -> str:
    """Return what stands in a card number's place: its last four digits."""
    return f"[card …{digits[-4:]}]"


def cards(text: str, other: Container[int] = frozenset()) -> Iterator[Span]:
    """Yield where a card number, and what belongs to it of a track or a code, begins and ends in a text.

    ``other`` are places at which a value begins that is something else by its name: a time, an identifier.
    """
    for chain in _CHAIN.finditer(text):
        yield from _in_chain(text, chain.start(), chain.end(), other)
    if "E" in text or "e" in text:
        for found in _SCIENCE.finditer(text):
            power = int(found[3])
            digits = (found[1] + found[2]).ljust(power + 1, "0")
            if len(digits) == power + 1 and is_card_number(digits):
                yield found.start(), found.end(), shown_as(digits)


def _in_chain(text: str, start: int, end: int, other: Container[int]) -> Iterator[Span]:
    """Yield the card numbers of a run of digits, however it was joined with its neighbours.

    Numbers before or after one ("order 17 4242 4242 …") may hide it: each group of digits is tried as the first.
    """
    start = _behind_escape(text, start)
    groups = [(found.start(1), found.end(1), found[2]) for found in _GROUP.finditer(text, start, end)]
    sizes = [last - first for first, last, _ in groups]
    place, past = 0, -1
    while place < len(groups):
        first = groups[place][0]
        if first in other or first < past or not _begins(text, groups, place):
            place += 1
            continue
        count = next((count for count in _counts(sizes, place) if _is_card(text, groups, place, count)), 0)
        if not count:
            place += 1
            continue
        digits = "".join(text[a:b] for a, b, _ in groups[place:place + count])
        past = groups[place + count - 1][1]
        yield first, past, shown_as(digits)
        for span in _belongings(text, first, past, digits):
            past = max(past, span[1])
            yield span
        place += count


def _counts(sizes: list[int], place: int) -> Iterator[int]:
    """Yield of how many groups from one on a card may be made, the most digits first."""
    if sizes[place] >= 13:
        if sizes[place] <= 19:
            yield 1
        return
    if sizes[place] == 1:
        if place == 0 or sizes[place - 1] != 1:  # only where the single digits begin, so that each is counted once
            count = next((n for n in range(1, 21) if place + n >= len(sizes) or sizes[place + n] != 1), 21)
            if 13 <= count <= 19:
                yield count
        return
    for count in (5, 4, 3, 2):
        part = tuple(sizes[place:place + count])
        if len(part) == count and 13 <= sum(part) <= 19 and (part in _SPLITS or (
                part[-1] <= 4 and all(size == 4 for size in part[:-1]))):
            yield count


def _is_card(text: str, groups: list[tuple[int, int, str]], place: int, count: int) -> bool:
    first, end = groups[place][0], groups[place + count - 1][1]
    digits = "".join(text[a:b] for a, b, _ in groups[place:place + count])
    return is_card_number(digits) and _ends(text, end, digits) and not _is_phone(text, first, digits)


def _behind_escape(text: str, start: int) -> int:
    """Return where the digits begin that are not the end of an escape (``%20``, ``\\u0020``)."""
    for back in range(max(0, start - 5), start):
        if text[back] in "\\%&":
            found = _ANY_ESCAPE.match(text, back)
            track = text[back:back + 2] in ("%B", "%b") and _track_begins(text, start)
            if found and found.end() > start and not track:
                return found.end()
    return start


def _after_escape(text: str, place: int) -> bool:
    """Whether an escape ends at a place."""
    for back in range(max(0, place - 6), place):
        if text[back] in "\\%&":
            found = _ANY_ESCAPE.match(text, back)
            if found and found.end() == place:
                return True
    return False


def _begins(text: str, groups: list[tuple[int, int, str]], place: int) -> bool:
    """Whether a number may begin at a group of digits: not inside a longer token, not a fraction."""
    at = groups[place][0]
    if at == 0:
        return True
    before = text[at - 1]
    if before == "." and at > 1 and text[at - 2].isdigit():
        return False
    if place and before == "." and not groups[place - 1][2].strip("."):
        return False
    if before.isalnum():
        return _after_escape(text, at) or (before in "Bb" and _track_begins(text, at))
    if before == "_":
        return at == 1 or not text[at - 2].isalnum() or bool(_CARD_WORD.search(text[max(0, at - 14):at - 1])) or (
            text[at - 2].isdigit() and place > 0)
    if before == "-" and at > 1:
        return not _of_identifier(text, at - 1, -1)
    return True


def _track_begins(text: str, at: int) -> bool:
    return any(text.startswith(mark, end) for end in range(at + 13, at + 24) for mark in ("^", "%5E", "%5e", "\\u005"))


def _ends(text: str, end: int, digits: str) -> bool:
    """Whether a number may end at a place."""
    after = text[end:end + 1]
    if not after:
        return True
    if after.isalnum():
        return bool(after in "dD" and _TRACK_2_D.match(text, end))
    if after == ".":
        return not _FRACTION.match(text, end) or bool(_WHOLE_FRACTION.match(text, end))
    if after == "_":
        return not text[end + 1:end + 2].isalpha()
    if after == "-":
        return not _of_identifier(text, end, 1)
    return True


def _of_identifier(text: str, dash: int, step: int) -> bool:
    """Whether the word beyond a hyphen mixes letters and digits, or is as long as a digest: a part of an identifier."""
    word: list[str] = []
    place = dash + step
    while 0 <= place < len(text) and len(word) < 20 and text[place].isalnum() and text[place].isascii():
        word.append(text[place])
        place += step
    if step < 0 and place >= 0 and text[place] in "\\%":
        return False
    digits = sum(character.isdigit() for character in word)
    return len(word) >= 20 or (0 < digits < len(word) and len(word) >= 4)


def _is_phone(text: str, first: int, digits: str) -> bool:
    """Whether it is an international telephone number: at most 15 digits behind a plus sign (ITU-T E.164)."""
    return (len(digits) <= 15 and text[first - 1:first] == "+" and first > 0
            and (first == 1 or not text[first - 2].isalnum()) and digits[:2] not in ("34", "37"))


def _belongings(text: str, first: int, end: int, digits: str) -> Iterator[Span]:
    """Yield what is never kept beside a card number: the rest of a track, and a code behind it."""
    found = _TRACK_2.match(text, end)
    if found:
        yield end, found.end(), "[masked]"
        return
    found = _TRACK_1.match(text, end)
    if found and (text[first - 1:first] in ("B", "b") or text[end] in "^%\\"):
        yield end, found.end(), "[masked]"
        return
    found = _CODE_AFTER.match(text, end)
    if found:
        code, expiry, gap = found.group("code", "expiry", "gap")
        bare = not expiry and not set(gap) & set("|,;:/")
        if len(code) == 3 or (not bare and (expiry or digits[:2] in ("34", "37"))):
            yield found.start("code"), found.end("code"), "[masked]"
