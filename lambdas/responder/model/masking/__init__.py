"""What must not be stored is taken out of text and data before it goes anywhere.

Card data: ``cards.py`` (PCI DSS v4, requirements 3.3.1 and 3.4.1). Secrets: ``secrets.py`` by their names,
``forms.py`` by their forms, ``vendors.py`` by how vendors' tokens begin. What a name says:
``names.py``. Every pattern is linear in the text's length.

What comes out is for people and records alone, never for a remedy to apply: see ``model/shown.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responder.model.masking import forms, secrets
from responder.model.masking.cards import Span, cards, is_card_number, shown_as
from responder.model.masking.names import Kind, kind
from responder.model.masking.vendors import tokens
from responder.model.plain_json import MOST_DEPTH, whole
from responder.model.visible import visible

__all__ = ["HIDDEN", "MOST_CHARACTERS", "is_card_number", "mask", "mask_all", "may_be_kept", "unkept"]

HIDDEN = secrets.HIDDEN
MOST_CHARACTERS = 1_000_000
"""A longer text is cut here, and the cut is marked."""
_CUT_CHARACTERS = 64
"""This many characters before a cut are dropped too, because half a number or secret might not be recognised."""
_SAFE_KEY = "$hidden"
"""Under which ``model/shown.py`` keeps the mark of a hidden value."""


def mask(text: str) -> str:
    """Return ``text`` without card data, secrets, tokens and e-mail addresses.

    Of a card number the last four digits stay, as PCI DSS allows (requirement 3.4.1); of a verification code, a PIN
    block and a track nothing (3.3.1). A text of more than a million characters is cut, and says so at its end. What
    comes out is a text that UTF-8 has, so that it can be stored and sent, and in which no character is an order to a
    terminal or turns the direction of what follows (``visible.py``).
    """
    return visible(_without(text))


def _without(text: str) -> str:
    text = whole(text)
    left = len(text) - MOST_CHARACTERS
    if left > 0:
        text = text[:MOST_CHARACTERS - _CUT_CHARACTERS]
    spans = sorted(_found(text), key=lambda span: (span[0], -span[1]))
    kept: list[str] = []
    past = 0
    for start, end, instead in spans:
        if start >= past:
            kept += (text[past:start], instead)
            past = end
        elif end > past:  # two that overlap are hidden as one
            past = end
    masked = "".join(kept) + text[past:] if spans else text
    return f"{masked}\n[cut: {left + _CUT_CHARACTERS} more characters]" if left > 0 else masked


def _found(text: str) -> Iterator[Span]:
    """Yield what must not be shown of a text, in no order."""
    if len(text) < 3:
        return
    low = text.lower()
    other: set[int] = set()
    if ":" in text or "=" in text or "%" in text or "\\u" in text:
        yield from secrets.named(text, other)
        yield from secrets.variables(text)
        yield from forms.addresses(text)
    yield from secrets.elements(text)
    yield from secrets.options(text)
    yield from forms.keys(text)
    yield from tokens(text)
    if len(low) == len(text):
        yield from secrets.spoken(text, low)
    else:  # a few letters are longer in lower case
        yield from secrets.spoken(text, text)
    yield from secrets.standing(text, low)
    if "@" in text:
        yield from forms.emails(text)
    yield from cards(text, other)


def mask_all(value: Any) -> Any:
    """Return plain JSON data with each text in it masked; keys too, and what stands under the name of a secret.

    What is hidden is all that changes: a remedy may need the rest as it was, which is written out where it is shown. A
    number that is a card's becomes the text ``[card …1111]``. The mark of a hidden value (``model/shown.py``) stays.
    What is nested deeper than anything that is read becomes a text that says so.
    """
    return _masked(value, "", MOST_DEPTH, {})


def _masked(value: Any, said: Kind, depth: int, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _masked_text(value, said, known)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _masked_number(value, said)
    if depth < 0 and isinstance(value, dict | list | tuple):
        return "[nested too deep]"
    if isinstance(value, dict):
        if value.keys() == {_SAFE_KEY}:
            return dict(value)
        return {_once(key, known) if isinstance(key, str) else key:
                _masked(item, _meaning(value, key), depth - 1, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, said, depth - 1, known) for item in value]
    return value


def _once(text: str, known: dict[str, str]) -> str:
    """Return a text without what must not be stored; ``known`` has those before, for data repeats its names."""
    if text not in known:
        known[text] = _without(text)
    return known[text]


def _masked_text(value: str, said: Kind, known: dict[str, str]) -> str:
    if said in ("identifier", "quantity") and value.isascii() and value.isalnum():
        return value
    if said and said not in ("identifier", "quantity") and secrets.secret_value(said, value):
        return secrets.replaced(said, value)
    return _once(value, known)


def _masked_number(value: int | float, said: Kind) -> Any:
    if said in ("identifier", "quantity"):
        return value
    if said and secrets.secret_value(said, str(value)):
        return secrets.replaced(said, str(value))
    if 10 ** 12 <= value < 10 ** 19 and value == int(value):
        digits = str(int(value))
        return shown_as(digits) if is_card_number(digits) else value
    return value


def _meaning(of: dict[Any, Any], key: Any) -> Kind:
    """Return what the name says that stands above a value; ``{"name": …, "value": …}`` has it beside the value."""
    if not isinstance(key, str):
        return ""
    if key.lower() == "value":
        name = next((of[name] for name in _NAMES if isinstance(of.get(name), str)), "")
        if name:
            return kind(name)
    return kind(key)


_NAMES = ("name", "Name", "key", "Key", "field", "variable", "ParameterName", "parameterName")


def unkept(value: Any, path: tuple[Any, ...] = (), said: Kind = "") -> list[list[Any]]:
    """Return the paths of the leaves of foreign content that hold something that must not be stored.

    Items of a list are named by their number. A remedy that would need one of them refuses instead of storing it.
    """
    if isinstance(value, dict):
        if value.keys() == {_SAFE_KEY}:
            return [list(path)]
        found = [[*path, key] for key in value if isinstance(key, str) and not may_be_kept(key)]
        return found + [part for key, item in value.items()
                        for part in unkept(item, (*path, key), _meaning(value, key))]
    if isinstance(value, list | tuple):
        return [part for place, item in enumerate(value) for part in unkept(item, (*path, place), said)]
    return [] if _masked(value, said, 0, {}) == value else [list(path)]


def may_be_kept(text: str) -> bool:
    """Whether a text has nothing that must not be stored."""
    return _without(text) == text
