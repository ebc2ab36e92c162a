"""Secrets in text: by the name before them, by their form, and in addresses.

Every pattern begins where a word, a quote or a literal begins and takes possessively what follows, so that no character
is looked at more often than a fixed number of times, whatever the text is. What is searched for again and again (the
quote that ends a value) is remembered in ``Finds``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.model.masking.cards import Span, shown_as
from responder.model.masking.names import Kind, kind, random_looking

HIDDEN = "[masked]"
_QUOTE = r"""\\{0,7}["'`]|%(?:25)?2[27]|&(?:quot|apos|\#34|\#39);|\\{1,4}u002[27]"""
_KEY = re.compile(rf"""(?x)
    (?<![A-Za-z0-9_.\-]) ([A-Za-z0-9_.\-]{{1,120}}+) (?:\[?\]|%5B%5D|%5D)? ({_QUOTE})? [\ \t]{{0,8}}+
    (:=|=>|[:=]|%(?:25)?3[aAdD]|\\{{1,4}}u003[dDaA]|&\#61;|&\#58;) \s{{0,64}}+ ({_QUOTE})?""")
"""A name, the quote that ends it, a separator, and the quote that begins its value."""
_ELEMENT = re.compile(r"""(?x)(?:<|&lt;|\\{1,4}u003[cC]) (?:[A-Za-z0-9_\-]{1,40}+:)? ([A-Za-z0-9_.\-]{1,80}+)
    (?:\s[^<>&]{0,200}+)? (?:>|&gt;|\\{1,4}u003[eE]) (<!\[CDATA\[)?""")
"""The opening tag of an XML element, also where the XML is a string in JSON or in XML."""
_OPTION = re.compile(r"(?<![A-Za-z0-9\-])--([A-Za-z][A-Za-z0-9\-]{1,60}+)[ \t]+")
_LITERAL = re.compile(r"[^\s,{}\[\]]*+")
_LIST = re.compile(r"""\[\s{0,64}+(?![\[{\]])[^\[\]{}]++\]?""")
_BLOCK_SCALAR = re.compile(r"[|>][+\-0-9]{0,2}[ \t]*+(?:\r?\n[ \t]+[^\n]*+|\r?\n(?=\r?\n))*+")
_USER_OPTION = re.compile(r"""(?<![A-Za-z0-9\-])(?:-u|--user)[ =]{0,2}["']?[^\s:"'/]{1,64}+:([^\s"'/][^\s"']*+)""")
_BARE = re.compile(r"""(?x)(?: [^\s"'`<&\\%]++
    | &(?![A-Za-z0-9_.%\-\[\]]{1,64}+=|(?:amp|lt|gt|quot|apos);)
    | ["'`](?![\s,;:}\])>&\\]|$) | \\++(?=["'`])["'`](?![\s,;:}\])>\\]|$)
    | \\++(?!["'`nrtu]) | \\++[nrtu](?![A-Za-z0-9_.\-]{1,40}+[:=])
    | %(?!(?:25)?26[A-Za-z0-9_.\-]{1,64}+%|(?:25)?2[27]) | <(?![/A-Za-z!]) )*+""")
_HEADER = re.compile(r"""(?:[^\r\n"'\\<]++|["'](?![\s,;:}\])>]|$)|\\(?![rn"'])|<(?!/))*+""")
_LINE = re.compile(r"[^\r\n]*+")
_FIELDS = re.compile(r"""[A-Za-z0-9\-]{2,40}+[ \t]{1,8}+[A-Za-z]{1,40}+=["A-Za-z0-9]""")
_SCHEME = re.compile(r"(?i)(Bearer|Basic|Token|Splunk|ApiKey|Api-Key|Bot|Negotiate|GenieKey|Key|Klarna)[ \t]{1,8}")
_SCHEME_VALUE = re.compile(r"[^\s\"'<>,;\\]*+")
_STANDING = re.compile(r"(?i)(?<![A-Za-z0-9])(bearer|basic|splunk)[ \t]{1,4}([A-Za-z0-9._~+/=\-]{8,}+)")
_VALUE_AFTER = re.compile(rf"""(?ix)(?:{_QUOTE})? [\s,]{{1,64}}+ (?:{_QUOTE}|-\s)? value (?:{_QUOTE})? \s{{0,8}}+ [:=]
    \s{{0,8}}+ ({_QUOTE})?""")
_SPOKEN = re.compile(r"""(?ix) (?:cvv2?|cvc2?|csc|cav2?|cid|cvn2?|cvd|pin(?:[ _-]?block)?
    |(?:security|verification)[ _-]?(?:code|value|number)) (?![A-Za-z0-9]) (?:\\{0,7}["'])? [\s:=(\#'"\[/-]{0,6}
    (?:(?:is|was|of|number|code|no|value|block|entered|given)(?![A-Za-z])[\s:=(\#'"-]{1,4}){0,2}
    ([0-9A-F]{4}(?:\ ?[0-9A-F]{4}){3}(?![0-9A-Za-z]) | [0-9]{3,6}(?![0-9A-Za-z]))""")
_SPOKEN_WORDS = ("cvv", "cvc", "csc", "cav", "cid", "cvn", "cvd", "pin", "security", "verification")
_NOT_SECRET = frozenset({
    "true", "false", "null", "none", "missing", "expired", "invalid", "rejected", "revoked", "required", "empty",
    "unset", "unknown", "yes", "no", "on", "off", "ok", "nil", "undefined", "absent", "present", "refresh", "is",
    "was", "not"})
MARKS = ("[masked", "[hidden", "[card")
_WORDS = frozenset({"secret", "plural", "pass", "maybe"})
_CODE = re.compile(r"[0-9]{3,4}")
_PIN = re.compile(r"[0-9]{4,12}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}")
_BLOCK = re.compile(r"[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}")
_PAN = re.compile(r"[0-9](?:[ .\-]?[0-9]){11,18}")
_SIGNED = re.compile(r"[A-Za-z0-9+/=_%~\-]{16,}")
_DIGITS = re.compile(r"[0-9]{12,}")
_EDGES = "\"'\\ \t"


class Finds:
    """Where a string comes next in a text; a search that was made is not made again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, tuple[int, int]] = {}

    def next(self, what: str, start: int) -> int:
        """Return where ``what`` comes next from ``start`` on, -1 where it does not."""
        since, found = self._known.get(what, (len(self.text) + 1, 0))
        if since <= start and (found < 0 or found >= start):
            return found
        found = self.text.find(what, start)
        self._known[what] = (start, found)
        return found


def secret_value(said: Kind, value: str) -> bool:
    """Whether a value that stands under a name of a kind must not be shown."""
    plain = value.strip(_EDGES).rstrip(",;}])")
    low = plain.lower()
    if not plain or low in _NOT_SECRET or value.startswith(MARKS) or _REFERENCE.fullmatch(plain):
        return False
    match said:
        case "secret" | "authorization" | "cookie":
            return True
        case "plural":
            return not plain.isdigit()
        case "pass":
            return not (plain.isdigit() and len(plain) <= 3)
        case "maybe":
            return random_looking(plain)
        case "signature":
            return bool(_SIGNED.fullmatch(plain)) and any(character.isdigit() for character in plain)
        case "code":
            return bool(_CODE.fullmatch(plain)) or (plain.isascii() and plain.isalnum() and len(plain) <= 40 and any(
                character.isdigit() for character in plain))
        case "pin":
            return bool(_PIN.fullmatch(plain))
        case "block":
            return bool(_BLOCK.fullmatch(plain))
        case "track":
            return bool(_DIGITS.search(plain))
        case "card":
            return bool(_PAN.fullmatch(plain))
    return False


def replaced(said: Kind, value: str) -> str:
    """Return what stands in the place of such a value."""
    if said in ("card", "track"):
        digits = "".join(character for character in re.split(r"[=Dd^]", value)[0] if character.isdigit())
        if said == "card" and len(digits) >= 12:
            return shown_as(digits)
    return HIDDEN


def named(text: str, other: set[int]) -> Iterator[Span]:
    """Yield what stands under the name of a secret.

    Adds to ``other`` where the value of a time or of an identifier begins.
    """
    finds, past = Finds(text), 0
    for found in _KEY.finditer(text):
        if found.start() < past:
            continue
        said = _said(text, found)
        start = found.end()
        if said in ("identifier", "quantity"):
            other.add(start)
        elif said:
            end = _end(text, finds, found, said, start)
            start = _behind_scheme(text, said, start, end)
            if end > start and secret_value(said, text[start:end]):
                yield start, end, replaced(said, text[start:end])
                past = end


def elements(text: str) -> Iterator[Span]:
    """Yield what an XML element holds that has the name of a secret."""
    if "<" not in text and "&lt;" not in text and "u003" not in text:
        return
    finds, past = Finds(text), 0
    for found in _ELEMENT.finditer(text):
        said = kind(found[1]) if found.start() >= past and not found[1].isdigit() else ""
        if said in ("", "identifier", "quantity"):
            continue
        marks = ("]]>",) if found[2] else _TAG_ENDS
        end = min((place for place in (finds.next(mark, found.end()) for mark in marks) if place >= 0),
                  default=len(text))
        if secret_value(said, text[found.end():end]):
            yield found.end(), end, replaced(said, text[found.end():end])
            past = end


def options(text: str) -> Iterator[Span]:
    """Yield the values of options of a command line: ``--password word``."""
    for found in _OPTION.finditer(text) if "--" in text else ():
        said = kind(found[1])
        if said in _WORDS:
            value = _BARE.match(text, found.end())
            if value and secret_value(said, value[0]):
                yield value.start(), value.end(), HIDDEN
    for found in _USER_OPTION.finditer(text) if "-u" in text and "curl" in text else ():
        if not _REFERENCE.fullmatch(found[1].strip(_EDGES)):
            yield found.start(1), found.end(1), HIDDEN


_REFERENCE = re.compile(r"\$[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,8}")
"""A shell's variable, which names a secret and is none: ``$AWS_SECRET_ACCESS_KEY``."""


def variables(text: str) -> Iterator[Span]:
    """Yield the values of variables whose name stands apart: ``{"name": "DB_PWD", "value": …}``, in both orders."""
    if "alue" not in text and "ALUE" not in text:
        return
    finds, past = Finds(text), 0
    for found in _NAMED.finditer(text):
        said = kind(found[2]) if found.start() >= past else ""
        if said in ("", "identifier", "quantity"):
            continue
        span = _value_after(text, finds, said, found.end()) or _value_before(text, said, found.start())
        if span:
            yield span
            past = span[1]


_NAMED = re.compile(rf"""(?ix)(?<![A-Za-z0-9_])(name|key|field|variable|id) (?:{_QUOTE})? [\ \t]{{0,8}}+ [:=] \s{{0,8}}+
    (?:{_QUOTE})? ([A-Za-z0-9_.\-]{{2,120}}+)""")


def _value_after(text: str, finds: Finds, said: Kind, end: int) -> Span | None:
    found = _VALUE_AFTER.match(text, end)
    if not found:
        return None
    close = _closing(text, finds, found[1], found.end()) if found[1] else _bare_end(text, found.end())
    value = text[found.end():close]
    return (found.end(), close, replaced(said, value)) if secret_value(said, value) else None


def _value_before(text: str, said: Kind, start: int) -> Span | None:
    """Return the value that stands right before the name that it belongs to; at most 2,048 characters before it."""
    place = text.rfind("alue", max(0, start - 2048), start)
    found = _VALUE_OPEN.match(text, place) if place >= 0 else None
    if not found or not found[1]:
        return None
    last = _BETWEEN.search(text, max(found.end(), start - 80), start)
    if last is None:
        return None
    window = text[found.end():last.end()]
    value = window[:_closing(window, Finds(window), found[1], 0)]
    if found.end() + len(value) == last.start() and secret_value(said, value):
        return found.end(), last.start(), replaced(said, value)
    return None


_BETWEEN = re.compile(rf"(?x)(?:{_QUOTE}) [\s,]{{1,64}}+ (?:{_QUOTE})? $")
_VALUE_OPEN = re.compile(rf"(?ix)alue (?:{_QUOTE})? \s{{0,8}}+ [:=] \s{{0,8}}+ ({_QUOTE})?")


def _said(text: str, found: re.Match[str]) -> Kind:
    """Return what the name says, without what an escape before it left on it."""
    name, start = found[1], found.start(1)
    before = text[start - 1:start]
    if before == "\\":
        name = name[5:] if name[:1] in "ux" and len(name) > 5 and name[0] == "u" else name[1:]
    elif before == "%":
        name = name[4:] if name[:2] == "25" and name[2:4] in ("22", "26", "3F", "7B", "2C") else name[2:]
    name = name.rstrip(".-") or name
    if name.isdigit() and not found[2]:
        return ""  # a number before a colon is a time's or an address's; a field's name has quotes
    if name.lower() in ("key", "code", "value", "number", "block", "string", "no"):
        word = _LAST_WORD.search(text, max(0, start - 16), start)
        name = f"{word[1]}_{name}" if word else name
    return kind(name)


_LAST_WORD = re.compile(r"([A-Za-z]{1,14})[ ]$")


def _end(text: str, finds: Finds, found: re.Match[str], said: Kind, start: int) -> int:
    """Return where the value ends that begins at ``start``."""
    quote = found[4]
    if quote:
        return _closing(text, finds, quote, start)
    if found[2] and found[3] == ":":
        literal = _LIST.match(text, start) or _LITERAL.match(text, start)
        return literal.end() if literal else start
    if said in ("authorization", "cookie"):
        scheme = _SCHEME.match(text, start)
        fields = _FIELDS.match(text, start)  # Digest, OAuth, AWS4-HMAC-SHA256: to the end of the line, quotes and all
        pattern = _LINE if fields else _SCHEME_VALUE if scheme else _HEADER
        line = pattern.match(text, scheme.end() if scheme else start)
        return line.end() if line else start
    if said not in _WORDS:
        value = _PLAIN.match(text, start)
        return value.end() if value else start
    block = _BLOCK_SCALAR.match(text, start)
    if block and "\n" in block[0]:
        return block.end()
    if "\n" in text[found.end(3):start]:
        return start  # the value is empty: what follows is of the next line
    return _bare_end(text, start)


_TAG_ENDS = ("</", "&lt;/", "\\u003c/", "\\u003C/")
_PLAIN = re.compile(r"[A-Za-z0-9+/=_~\-]*+(?:%(?:2[bBfF]|3[dD])[A-Za-z0-9+/=_~\-]*+)*+")


def _bare_end(text: str, start: int) -> int:
    value = _BARE.match(text, start)
    return value.end() if value else start


def _closing(text: str, finds: Finds, quote: str, start: int) -> int:
    """Return where the quote is that ends a value; without one it is the end of the line."""
    place = finds.next(quote, start)
    while place >= 0:
        before = place
        while before > start and text[before - 1] == "\\":
            before -= 1
        # A quote within is escaped once more than the one that ends the value, however deep that is itself.
        if quote[0] in "%&" or ((place - before) // (quote.count("\\") + 1)) % 2 == 0:
            return place
        place = finds.next(quote, place + 1)
    line = finds.next("\n", start)
    return line if line >= 0 else len(text)


def _behind_scheme(text: str, said: Kind, start: int, end: int) -> int:
    scheme = _SCHEME.match(text, start, end) if said == "authorization" else None
    return scheme.end() if scheme else start


def spoken(text: str, low: str) -> Iterator[Span]:
    """Yield card verification codes and PINs that are told in words: ``CVV is 123``."""
    for word in _SPOKEN_WORDS:
        place = low.find(word)
        while place >= 0:
            if place == 0 or not text[place - 1].isalnum():
                found = _SPOKEN.match(text, place)
                if found:
                    yield found.start(1), found.end(1), HIDDEN
            place = low.find(word, place + 1)


def standing(text: str, low: str) -> Iterator[Span]:
    """Yield credentials behind the name of their scheme alone: ``Bearer …``."""
    if not ("bearer" in low or "basic" in low or "splunk" in low):
        return
    for found in _STANDING.finditer(text):
        word = found[2]
        if len(word) >= 20 or any(c.isdigit() or c in "=+/_" for c in word) or not (word.islower() or word.istitle()):
            yield found.start(2), found.end(2), HIDDEN
