"""What must not be stored is taken out of text before it goes anywhere.

Card numbers are found by their length and check digit (ISO/IEC 7812-1, Luhn), with blanks or hyphens between the
digits or without; an order number that fails the check stays. Secrets are found by the name before them.
"""

from __future__ import annotations

import re
from typing import Any

_CARD = re.compile(r"(?<!\d)(?<!\d[.,])\d(?:[ \-]?\d){12,18}(?!\d)")
_NAMED = re.compile(
    r"""(?ix)
    (\b(?:[a-z0-9_\-]*(?:password|passwd|secret|api[_\-]?key|access[_\-]?key|session[_\-]?token|auth[_\-]?token
       |token|cvv2?|cvc2?|security[_\-]?code|private[_\-]?key))
     (?:\\?["'])?\s*[:=]\s*(?:\\?["'])?)
    ([^\s"'&,;}\\]+)
    """)
_BEARER = re.compile(r"(?i)\b(bearer|basic|splunk)\s+[a-z0-9._~+/=\-]{8,}")
_URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://[^\s/:@]*):[^\s/@]+@")
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
    text = _NAMED.sub(
        lambda found: found[0] if found[2].lower() in _NOT_SECRET else f"{found[1]}[masked]", text)
    text = _EMAIL.sub("[masked e-mail]", text)
    return _CARD.sub(_mask_card, text)


def _mask_card(found: re.Match[str]) -> str:
    """Mask each card number within a run of digits, however the run was joined with its neighbours."""
    run = found[0]
    places = [place for place, character in enumerate(run) if character.isdigit()]
    digits = "".join(run[place] for place in places)
    if is_card_number(digits):
        return f"[card …{digits[-4:]}]"
    # Digits before or after the number, joined by a separator ("order 17 4242 4242 …"), may hide it: try the parts
    # between separators.
    for size in range(len(digits) - 1, 12, -1):
        for start in range(len(digits) - size + 1):
            first, last = places[start], places[start + size - 1]
            bounded = ((first == 0 or not run[first - 1].isdigit())
                       and (last == len(run) - 1 or not run[last + 1].isdigit()))
            if bounded and is_card_number(digits[start:start + size]):
                return run[:first] + f"[card …{digits[start:start + size][-4:]}]" + mask(run[last + 1:])
    return run


def mask_all(value: Any) -> Any:
    """Return plain JSON data with each text in it masked; keys too."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(key) if isinstance(key, str) else key: mask_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_all(item) for item in value]
    return value
