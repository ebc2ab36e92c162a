"""What must not be stored is taken out of text before it goes anywhere.

Card numbers are found by their length and check digit (ISO/IEC 7812-1, Luhn), with blanks or hyphens between the
digits or without; an order number that fails the check stays. Secrets are found by the name before them.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

MARK = "[masked"
"""What stands in the place of a secret begins so."""
_CARD = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[ \-]?\d){12,}(?!\d)")
_DOTTED = re.compile(r"(?<![\d.])\d{4}(?:\.\d{4}){2}\.\d{1,7}(?![\d.])")
"""A number after a digit and a point is a fraction; in groups with points it is none."""
_WORDS = (r"password|passwd|passphrase|secret|api[_\-]?key|access[_\-]?key|session[_\-]?token|auth[_\-]?token|token"
          r"|cvv2?|cvc2?|security[_\-]?code|private[_\-]?key")
_NAMED = re.compile(rf"""(?ix) ((?:{_WORDS}) (?:\\?["'])?\s*[:=]\s*)
    (?: (\\["']) (.+?) \2 | (["']) ((?:\\.|(?!\4)[^\\])+) \4 | ([^\s"'&\\]+) )""")
"""Its value reaches to the quote that ends it, or without one to the next blank."""
_PAIR = re.compile(
    rf"""(?ix) (name\\?["']\s*:\s*\\?["'][a-z0-9_.\-]*(?:{_WORDS})\\?["']\s*,\s*\\?["']value\\?["']\s*:\s*\\?["'])
    ([^"'\\]+)""")
"""Of an environment variable in Kubernetes' JSON, also where the JSON is a string within JSON."""
_SECRET_NAME = re.compile(rf"(?i)(?:{_WORDS})$")
_BEARER = re.compile(r"(?i)\b(bearer|basic|splunk)\s+[a-z0-9._~+/=\-]{8,}")
_URL_PASSWORD = re.compile(r"""(?i)\b([a-z][a-z0-9+.\-]*://[^\s/:@"'<>]*):(?!\d{1,5}/)[^\s@"'<>]+@""")
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*")
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}\b")
_NOT_SECRET = frozenset({"true", "false", "null", "none", "missing", "expired", "invalid", "rejected"})


def is_card_number(digits: str) -> bool:
    """Whether a run of 13 to 19 digits passes the Luhn check and is not one digit repeated."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if position % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def mask(text: str) -> str:
    """Return ``text`` without card numbers, secrets, tokens and e-mail addresses.

    Of a card number the last four digits stay, as PCI DSS allows (requirement 3.4).
    """
    text = _URL_PASSWORD.sub(r"\1:[masked]@", text)
    text = _JWT.sub("[masked token]", text)
    text = _AWS_KEY.sub("[masked key]", text)
    text = _BEARER.sub(r"\1 [masked]", text)
    text = _PAIR.sub(r"\1[masked]", text)
    text = _NAMED.sub(_mask_named, text)
    text = _EMAIL.sub("[masked e-mail]", text)
    return _CARD.sub(_mask_card, _DOTTED.sub(
        lambda found: f"[card …{found[0][-4:]}]" if is_card_number(found[0].replace(".", "")) else found[0], text))


def _mask_named(found: re.Match[str]) -> str:
    quote = found[2] or found[4] or ""
    value = found[3] or found[5] or found[6]
    return found[0] if value.strip(",;}]) ").lower() in _NOT_SECRET else f"{found[1]}{quote}[masked]{quote}"


def _mask_card(found: re.Match[str]) -> str:
    """Mask each card number within a run of digits, however the run was joined with its neighbours.

    Digits before or after one, joined by a separator ("order 17 4242 4242 …"), may hide it: all parts between
    separators are tried, from the left, the longest first.
    """
    run = found[0]
    places = [place for place, character in enumerate(run) if character.isdigit()]
    kept, shown, start = [], 0, 0
    while len(places) - start >= 13:
        size = _card_from(run, places, start) if places[start] == 0 or not run[places[start] - 1].isdigit() else 0
        if size:
            last = places[start + size - 1]
            kept.append(f"{run[shown:places[start]]}[card …{''.join(run[p] for p in places[start:start + size])[-4:]}]")
            shown = last + 1
        start += size or 1
    return "".join(kept) + run[shown:]


def _card_from(run: str, places: list[int], start: int) -> int:
    """Return how many digits from ``start`` are a card number that ends at a separator; 0: none are."""
    for size in range(min(len(places) - start, 19), 12, -1):
        last = places[start + size - 1]
        bounded = last == len(run) - 1 or not run[last + 1].isdigit()
        if bounded and is_card_number("".join(run[place] for place in places[start:start + size])):
            return size
    return 0


def mask_all(value: Any, marks: bool = False) -> Any:
    """Return plain JSON data with each text in it masked; keys too, and what stands under the name of a secret.

    With ``marks`` a secret leaves four hexadecimal digits of its hash, so that a changed one is seen to have changed.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        named = "value" if isinstance(value.get("name"), str) and _SECRET_NAME.search(value["name"]) else None
        return {mask(key) if isinstance(key, str) else key: _hidden(item, marks) if _is_secret(key, item, named)
                else mask_all(item, marks) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_all(item, marks) for item in value]
    return value


def _is_secret(key: Any, item: Any, named: str | None) -> bool:
    return (isinstance(item, str | int | float) and not isinstance(item, bool) and isinstance(key, str)
            and (key == named or bool(_SECRET_NAME.search(key))) and str(item).lower() not in _NOT_SECRET | {""})


def _hidden(item: Any, marks: bool) -> str:
    return f"{MARK} {hashlib.sha256(str(item).encode()).hexdigest()[:4]}]" if marks else f"{MARK}]"
