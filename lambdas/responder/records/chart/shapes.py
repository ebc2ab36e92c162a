"""What a chart is made of: shapes and texts with their places, which the template writes as SVG."""

from __future__ import annotations

from dataclasses import field

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Text:
    """A text at its baseline."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    """``start``, ``middle``, ``end``: where x is in the text."""
    kind: str = "soft"
    """``soft``, ``strong``, ``over`` (drawn over something): its class in the style."""


@dataclass(frozen=True)
class Rule:
    """A straight line that is no measurement."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    """``grid``, ``mark``, ``deed`` (something was changed), ``lead``: its class in the style."""


@dataclass(frozen=True)
class Area:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    """``bad``, ``good``, ``none`` (nothing came, or nothing was measured), ``phase``: its class in the style."""


@dataclass(frozen=True)
class Line:
    """One component's measurements."""

    style: int
    """0 to 3: its colour."""
    dash: str
    """SVG's ``stroke-dasharray``; empty for a solid line."""
    parts: tuple[str, ...]
    """SVG points; a new part begins after each gap."""
    symbols: str
    """SVG path of the symbols on it; each line has its own kind of symbol."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One SVG, in units that are pixels where it is as wide as it was made for."""

    name: str
    """Its id on the page."""
    kind: str
    """``broad`` for screens and paper, ``slim`` for phones."""
    width: float
    height: float
    title: str
    description: str
    """The gist, for who does not see it."""
    areas: tuple[Area, ...]
    rules: tuple[Rule, ...]
    lines: tuple[Line, ...]
    strip: tuple[Area, ...]
    """The incident's phases, drawn over the rules."""
    texts: tuple[Text, ...]
    left_out: tuple[str, ...] = field(default=(), repr=False)
    """Labels for which there was no room."""
    silent: tuple[str, ...] = field(default=(), repr=False)
    """Gaps for whose text there was no room, in words."""


_EM = {0.34: "iljIJ.,:;'|! ", 0.42: "ftr-()[]/\"", 0.56: "cksvxyzJL?", 0.86: "mwM%@&", 1.0: "W"}
_EMS = {letter: width for width, letters in _EM.items() for letter in letters}
_CAPITAL, _SMALL, _WIDE = 0.78, 0.645, 1.05
SIZE = 12.0
"""Pixels of all texts."""
LINE = 15.0
"""Pixels from one line of text to the next."""
_CUT = "…"


def width_of(text: str) -> float:
    """Return about how wide a text is, in pixels: as in DejaVu Sans, which is wider than most fonts of systems."""
    return SIZE * sum(map(_em, text))


def shortened(text: str, room: float) -> str:
    """Return as much of a text as fits into so many pixels; of a longer one the middle is left out."""
    if width_of(text) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = f"{text[:(kept + 1) // 2].rstrip()}{_CUT}{text[len(text) - kept // 2:].lstrip()}"
        if width_of(short) <= room:
            return short
    return _CUT


def _em(letter: str) -> float:
    if letter in _EMS:
        return _EMS[letter]
    if not letter.isascii():
        return _WIDE
    return _CAPITAL if letter.isupper() else _SMALL
