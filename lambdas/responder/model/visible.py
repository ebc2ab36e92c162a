"""Characters that are orders and no text, written out: for a terminal, and for whoever reads or copies a line.

Sources: ECMA-48 (control functions), and Unicode's UAX #9 (what changes the direction of the text that follows, by
which a command could look like another one).
"""

from __future__ import annotations

import re

ORDERS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""As a part of a character class; tabs and line breaks are text."""
_ORDERS = re.compile(f"[{ORDERS}]")
_WRITTEN_OUT = {code: f"\\u{code:04x}" for code in range(0x2100) if _ORDERS.match(chr(code))}


def visible(text: str) -> str:
    """Return a text with each order in it written out: ``\\u202e``."""
    return text.translate(_WRITTEN_OUT) if _ORDERS.search(text) else text


def written_out(found: re.Match[str]) -> str:
    """Return the code of a character that was found."""
    return f"\\u{ord(found[0]):04x}"
